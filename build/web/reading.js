// Before anything else (in the head, so nothing flashes): the reading mode and the theme that the reader chose.
(() => {
  const root = document.documentElement;
  root.classList.replace('no-js', 'js');
  const keep = { get: (k) => { try { return localStorage.getItem(k); } catch { return null; } }, set: (k, v) => { try { localStorage.setItem(k, v); } catch { /* private mode */ } } };
  const asked = new URLSearchParams(location.search + '&' + (location.hash.includes('=') ? location.hash.slice(1) : ''));
  const pick = (name, allowed, fallback) => [asked.get(name), keep.get('explainer-' + name), fallback].find((v) => allowed.includes(v));
  root.dataset.mode = pick('mode', ['discover', 'result'], 'discover');
  const theme = pick('theme', ['light', 'dark', 'auto'], 'auto');
  if (theme !== 'auto') root.dataset.theme = theme;
  // Python begins to load while the page is still arriving: page.js will connect to this very worker.
  if (root.dataset.worker && !root.dataset.embed && !asked.has('boot') && !asked.has('patience')) {
    try { globalThis.explainerEarly = new SharedWorker(new URL(root.dataset.worker, document.baseURI), { type: 'module', name: 'transformer-explainer' }); } catch { /* page.js will say so */ }
  }
  const show = () => {
    for (const b of document.querySelectorAll('[data-mode-set]')) b.setAttribute('aria-pressed', String(b.dataset.modeSet === root.dataset.mode));
    for (const b of document.querySelectorAll('[data-theme-set]')) b.setAttribute('aria-pressed', String(b.dataset.themeSet === (root.dataset.theme ?? 'auto')));
  };
  document.addEventListener('DOMContentLoaded', show);
  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('[data-mode-set],[data-theme-set]');
    if (!button) return;
    if (button.dataset.modeSet) {
      root.dataset.mode = button.dataset.modeSet;
      keep.set('explainer-mode', button.dataset.modeSet);
      const url = new URL(location.href);
      if (url.protocol !== 'file:') { url.searchParams.set('mode', button.dataset.modeSet); history.replaceState(null, '', url); }
    } else {
      const chosen = button.dataset.themeSet;
      if (chosen === 'auto') delete root.dataset.theme; else root.dataset.theme = chosen;
      keep.set('explainer-theme', chosen);
    }
    show();
  });
})();
