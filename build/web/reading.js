import { afresh, hopeful, remedy, whyNot } from './causes.js';
import { isFull } from './room.js';
import { afterTurns } from './turns.js';
import { _, fill } from './words.js';

// Before anything else (in the head, so nothing flashes): the reading mode and the theme that the reader chose.
(() => {
  const root = document.documentElement;
  root.classList.replace('no-js', 'js');
  const keep = {
    /** @param {string} k */
    get: (k) => { try { return localStorage.getItem(k); } catch { return null; } },
    /** @param {string} k @param {string} v */
    set: (k, v) => { try { localStorage.setItem(k, v); } catch { /* private mode */ } },
  };
  const asked = new URLSearchParams(
    location.search + '&' + (location.hash.includes('=') ? location.hash.slice(1) : ''));
  /** @param {string} name @param {string[]} allowed @param {string} fallback */
  const pick = (name, allowed, fallback) => (
    [asked.get(name), keep.get('explainer-' + name), fallback].find((v) => v && allowed.includes(v)) ?? fallback);
  root.dataset.mode = pick('mode', ['discover', 'result'], 'discover');
  const theme = pick('theme', ['light', 'dark', 'auto'], 'auto');
  if (theme !== 'auto') root.dataset.theme = theme;
  // An embed shows its one figure; all of the widget where it is asked to, or to show what only all of it can show.
  if (root.dataset.embed) {
    const said = ['compact', 'full'].includes(asked.get('view') ?? '');
    const full = isFull(Object.fromEntries(asked), (root.dataset.beyond ?? '').split(' '));
    if (said || root.dataset.viewSaid === undefined) root.dataset.view = full ? 'full' : 'compact';
    if (said) root.dataset.viewSaid = '';
  }
  // Python begins to load while the page is still arriving: page.js will connect to this very worker.
  if (root.dataset.worker && !root.dataset.embed && !asked.has('boot') && !asked.has('patience')) {
    try {
      self.explainerEarly = new SharedWorker(
        new URL(root.dataset.worker, document.baseURI), { type: 'module', name: 'transformer-explainer' });
    } catch { /* page.js will say so */ }
  }
  const show = () => {
    for (const b of document.querySelectorAll('[data-mode-set]')) {
      b.setAttribute('aria-pressed', String(b.dataset.modeSet === root.dataset.mode));
    }
    for (const b of document.querySelectorAll('[data-theme-set]')) {
      b.setAttribute('aria-pressed', String(b.dataset.themeSet === (root.dataset.theme ?? 'auto')));
    }
  };
  /** A page's second figure stands open for who discovers, and closed for who wants the result.
   * @param {HTMLElement | null} looking */
  const settle = (looking = null) => {
    /** @type {NodeListOf<HTMLDetailsElement>} */
    const sections = document.querySelectorAll('details.second');
    for (const section of sections) {
      if (!section.contains(looking)) section.open = root.dataset.mode === 'discover';
      section.dataset.settled = '';
    }
  };
  /** The drawing beside the title moves once; not for who wants nothing to move. */
  const still = () => {
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    for (const svg of /** @type {NodeListOf<SVGSVGElement>} */ (document.querySelectorAll('.title-art svg'))) {
      svg.setCurrentTime(60);
      svg.pauseAnimations();
    }
  };
  document.addEventListener('DOMContentLoaded', () => { show(); settle(); still(); });
  // whoever comes back comes to the page
  addEventListener('pagehide', () => document.getElementById('site-contents')?.hidePopover?.());

  // The page's own script may be missing, damaged or stalled; then there is nobody but this script to say so.
  /** @param {{what: string, words: string}} why @param {string} [script] its address, where it did not come well */
  const fail = ({ what, words }, script) => {
    const detail = document.querySelector('[data-status-detail]');
    if (!detail || !document.getElementById('explainer-still') || root.dataset.explainer !== 'still') return;
    const message = location.protocol === 'file:'
      ? _('Opened from a disk, this page shows its pictures only. To have it live, open the page of the same name in '
        + 'the folder “single”, or start a web server here: python3 -m http.server.')
      : [fill(_('The script of this page {words}.'), { words }), _('The pictures stay as they are.'), remedy(what)]
        .join(' ');
    root.dataset.explainer = 'failed';
    detail.hidden = false;
    detail.querySelector('[data-status-message]').textContent = message;
    const retry = detail.querySelector('[data-retry]');
    retry.onclick = async () => {
      if (location.protocol !== 'file:') { // not a kept copy: of an older build, or of what came damaged
        await Promise.all([location.href, script ?? []].flat().map((url) => afresh(url).catch(() => null)));
      }
      location.reload();
    };
    retry.hidden = !hopeful(what);
    document.querySelector('[data-status-text]').textContent = _('Not live');
    dispatchEvent(new CustomEvent('explainer:failed', { detail: { what, message } }));
    // to the host of an embed: the page's script, which would, is not there
    if (root.dataset.embed) parent.postMessage({ type: 'explainer:failed', detail: { what, message } }, '*');
  };
  /** @param {Event} event */
  const onError = async (event) => {
    if (event.target instanceof HTMLScriptElement) {
      const { src } = event.target;
      fail(location.protocol === 'file:' ? { what: '', words: '' } : await whyNot(src), src);
    } else if (event instanceof ErrorEvent) {
      fail({ what: 'browser', words: fill(_('stopped at a fault ({message})'), event) });
    }
  };
  const patience = Math.min(Math.max(Number(asked.get('patience')) || 20, 1), 600);
  const waiting = location.protocol === 'file:' ? [] : [
    // a style sheet that never comes would hold back the whole page: better plain text than none
    afterTurns(patience * 1000, () => {
      /** @type {NodeListOf<HTMLLinkElement>} */
      const sheets = document.querySelectorAll('link[rel=stylesheet]');
      for (const sheet of sheets) if (!sheet.sheet) sheet.remove();
    }),
    afterTurns(3 * patience * 1000, () => (
      fail({ what: 'network', words: fill(_('has not arrived for {n} seconds'), { n: 3 * patience }) }))),
  ];
  addEventListener('error', onError, true);
  addEventListener('explainer:still', () => { // it is here and speaks for itself
    for (const stop of waiting) stop();
    removeEventListener('error', onError, true);
    const retry = document.querySelector('[data-retry]');
    if (retry) retry.onclick = null;
  }, { once: true });

  document.addEventListener('click', ({ target }) => {
    const button = target instanceof Element && target.closest('[data-mode-set],[data-theme-set],[data-view-set]');
    if (!button) return;
    if (button.dataset.viewSet) {
      root.dataset.view = button.dataset.viewSet;
      root.toggleAttribute('data-view-said', true);
      const other = document.querySelector(`[data-view-set]:not([data-view-set=${root.dataset.view}])`);
      other?.focus(); // the button that was pressed is gone
    } else if (button.dataset.modeSet) {
      // the figure in view stays where it is, though the text around it is another one
      const shown = [...document.querySelectorAll('.widget')].filter((el) => el.checkVisibility?.() ?? el.offsetParent);
      const figure = shown.find((el) => el.getBoundingClientRect().bottom > innerHeight / 4);
      const before = figure?.getBoundingClientRect().top;
      root.dataset.mode = button.dataset.modeSet;
      settle(figure); // what is being looked at stays open
      if (figure && before !== undefined && before < innerHeight * 0.75) {
        scrollBy({ top: figure.getBoundingClientRect().top - before, behavior: 'instant' });
      }
      keep.set('explainer-mode', root.dataset.mode);
      const url = new URL(location.href);
      url.searchParams.set('mode', root.dataset.mode);
      try {
        if (url.protocol !== 'file:') history.replaceState(null, '', url);
      } catch { /* an embedder may forbid it */ }
    } else {
      const chosen = String(button.dataset.themeSet);
      if (chosen === 'auto') delete root.dataset.theme; else root.dataset.theme = chosen;
      keep.set('explainer-theme', chosen);
    }
    show();
  });
})();
