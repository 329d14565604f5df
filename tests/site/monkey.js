// What the monkey (monkey.py) asks of a page; added to every page before its own scripts.

/** What can be acted on, in sight or not: each is numbered, and said what it is. Links that leave the page, downloads, the
 * clipboard and what forgets the site are not touched. */
const targets = () => {
  const out = /^(Copy|Download|Forget|Keep|Reload|One file|PNG|SVG|CSV|JSON)/;
  return [...document.querySelectorAll('button, summary, input, select, textarea, [role=gridcell], [data-node]')]
    .filter(el => el.checkVisibility({ visibilityProperty: true }) && !el.disabled
      && !out.test(el.textContent.trim()) && !el.closest('[data-tools] .drawer, dialog'))
    .map((el, i) => {
      el.dataset.monkey = i;
      const kind = el.matches('select') ? 'select' : el.matches('input[type=range]') ? 'range'
        : el.matches('input[type=number]') ? 'number' : el.matches('input[type=text], textarea') ? 'text' : 'press';
      const label = el.getAttribute('aria-label') || el.labels?.[0]?.textContent || el.textContent || el.value || '';
      return { kind, label: `${el.localName} ${label.trim().replace(/\s+/g, ' ').slice(0, 40)}`,
        options: el.matches('select') ? [...el.options].map(o => o.value) : [] };
    });
};

/** What must hold on any screen at any time: sentences about what does not. */
const wrong = () => {
  const found = [];
  const seen = document.querySelector('main') ?? document.body;
  const bad = /(^|[^\w-])(NaN|nan|None|undefined|\[object|Infinity)([^\w-]|$)/;
  const walker = document.createTreeWalker(seen, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const el = node.parentElement;
    if (!bad.test(node.textContent) || el.closest('pre, code, script, style, [data-list], .drawer, p, li, option')) continue;
    if (el.checkVisibility({ visibilityProperty: true })) found.push(`on screen: ${node.textContent.trim().slice(0, 80)}`);
  }
  for (const el of seen.querySelectorAll('[data-v]')) {
    const v = el.dataset.v;
    if (/nan|none|undefined|infinity/i.test(v)) found.push(`data-v="${v}" in ${el.outerHTML.slice(0, 90)}`);
  }
  for (const el of seen.querySelectorAll('td, .token, text, output')) {
    const share = /^\s*([\d.,]+)\s*%\s*$/.exec(el.textContent);
    if (share && Number(share[1].replace(',', '')) > 100.0001) found.push(`a share of ${el.textContent.trim()}`);
  }
  for (const table of seen.querySelectorAll('table')) {
    const name = table.caption?.textContent.trim() ?? table.getAttribute('aria-label') ?? '';
    if (!/^(pattern|attention pattern)/i.test(name)) continue;
    for (const row of table.tBodies[0]?.rows ?? []) {
      const cells = [...row.querySelectorAll('td[data-v]')].map(td => Number(td.dataset.v));
      const sum = cells.reduce((a, b) => a + b, 0);
      if (cells.length > 1 && Math.abs(sum - 1) > 2e-3) found.push(`a row of ${name} sums to ${sum}`);
    }
  }
  for (const list of seen.querySelectorAll('[data-list]')) {
    let shares;
    try { shares = JSON.parse(list.dataset.list).shares; } catch { shares = []; }
    const sum = shares.reduce((a, b) => a + b, 0);
    if (Math.abs(sum - 1) > 1e-3) found.push(`the vocabulary's shares sum to ${sum}`);
    if (shares.some(p => !(p >= 0 && p <= 1 + 1e-9))) found.push('a share of the vocabulary is outside 0 to 1');
  }
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth + 1) found.push(`wider than its window: ${scrollWidth} > ${clientWidth}`);
  return found;
};

/** The view: what the figures show and what the controls hold; not which drawer is open, what has the focus, what was said. */
const view = () => {
  const one = el => {
    const copy = el.cloneNode(true);
    const passing = '[data-message], [data-own], script, .readout, [role=status], [aria-live]';
    for (const extra of copy.querySelectorAll(passing)) extra.remove();
    const words = copy.textContent.replace(/\s+/g, ' ').trim();
    const numbers = [...copy.querySelectorAll('[data-v]')].map(x => x.dataset.v);
    const held = [...el.querySelectorAll('select[data-bind], input[data-bind]')].map(x =>
      [x.dataset.bind, x.type === 'checkbox' ? x.checked : x.value]);
    return { words, numbers, held };
  };
  return Object.fromEntries([...document.querySelectorAll('[data-widget]')].map(el =>
    [el.dataset.widget, one(el.querySelector('[data-body]') ?? el)]));
};

window.monkey = { targets, wrong, view };
