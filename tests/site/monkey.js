// What the monkey (monkey.py) asks of a page; added to every page before its own scripts.

/** What can be acted on, in sight or not, and said what it is; `monkey.all` has the elements themselves, in the same
 * order: no mark is left on the page. Links that leave it, downloads, the clipboard and what forgets the site are not
 * touched. */
const targets = () => {
  const out = /^(Copy|Download|Forget|Keep|Reload|One file|PNG|SVG|CSV|JSON)/;
  const some = 'button, summary, input, select, textarea, [data-node], '
    + 'td[tabindex="0"], [data-ask] td[data-v]:last-child';
  monkey.all = [...document.querySelectorAll(some)].filter(el => !el.disabled
    && el.checkVisibility({ visibilityProperty: true })
    && !out.test(el.textContent.trim()) && !el.closest('.drawer, dialog'));
  return monkey.all.map(el => {
    const kind = el.matches('select') ? 'select' : el.matches('input[type=range]') ? 'range'
      : el.matches('input[type=number]') ? 'number' : el.matches('input[type=text], textarea') ? 'text'
      : el.matches('td') ? 'cell' : 'press';
    const label = el.getAttribute('aria-label') || el.labels?.[0]?.textContent || el.textContent || el.value || '';
    return { kind, label: `${el.localName} ${label.trim().replace(/\s+/g, ' ').slice(0, 40)}`,
      options: kind === 'select' ? [...el.options].map(o => o.value) : [] };
  });
};

/** Whether Back (-1) or Forward (1) stays on this page. */
const wayTo = by => {
  const { entries, currentEntry } = { entries: navigation.entries(), currentEntry: navigation.currentEntry };
  const there = entries[currentEntry.index + by];
  return Boolean(there?.sameDocument);
};

// No number, or a value of Python's that was meant for nobody. "None" is a word, too, but never all that is said, nor
// in the midst of a sentence.
const NO_NUMBER = new RegExp([
  /(?<![\w-])(NaN|nan|undefined|null|\[object \w+|-?Infinity)(?![\w-])/,
  /(?<=[^\s.”“?!]\s*)None(?![\w-])/,
  /(?<![\w-])None(?! [a-z])(?![\w-])/,
].map(one => one.source).join('|'));
const READ_BY_CODE = new RegExp(`^(${[
  'class|style|d|x|y|x1|x2|y1|y2|cx|cy|r|width|height|points|transform',
  'data-v|value|min|max|aria-.*|title|alt|data-why',
].join('|')})$`);

/** A sum that must be 1, said if it is not. */
const sum = (shares, within, what) => {
  const total = shares.reduce((a, b) => a + b, 0);
  const bad = shares.find(p => !(p >= 0 && p <= 1 + 1e-9));
  if (bad !== undefined) return [`${what} has a share of ${bad}`];
  return Math.abs(total - 1) <= within ? [] : [`${what} sums to ${total}`];
};
const values = cells => [...cells].map(cell => Number(cell.dataset.v));

/** What must hold on any screen at any time: sentences about what does not. */
const wrong = () => {
  const found = [];
  const said = document.querySelector('[data-status-message]');
  if (/Python could not|stopped from outside|not connected/.test(said?.textContent)) {
    found.push(`said: ${said.textContent.slice(0, 200)}`);
  }
  for (const seen of document.querySelectorAll(
    '[data-widget] > [data-body], [data-status-message], [data-tool-status]')) {
    if (!/NaN|nan|undefined|null|\[object|Infinity|None/.test(seen.innerHTML)) continue;
    const walker = document.createTreeWalker(seen, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node; (node = walker.nextNode());) {
      const el = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
      if (el.closest('pre, code, script, style, .drawer')) continue;
      if (node !== el) {
        if (NO_NUMBER.test(node.textContent.trim())) found.push(`on screen: ${node.textContent.trim().slice(0, 80)}`);
        continue;
      }
      for (const { name, value } of el.attributes) {
        if (READ_BY_CODE.test(name) && NO_NUMBER.test(value.trim())) {
          found.push(`${name}="${value.slice(0, 60)}" of ${el.localName}`);
        }
      }
    }
  }
  for (const el of document.querySelectorAll('[data-widget] :is(td, .token, text, output)')) {
    const share = /^\s*([\d.,]+)\s*%\s*$/.exec(el.textContent);
    if (share && Number(share[1].replaceAll(',', '')) > 100.0001 && !el.closest('[data-ratio]')) {
      found.push(`a share of ${el.textContent.trim()}`);
    }
  }
  for (const table of document.querySelectorAll('[data-widget] table')) {
    const name = table.caption?.textContent.trim() ?? table.getAttribute('aria-label') ?? '';
    const rows = [...table.tBodies[0]?.rows ?? []].map(row => values(row.querySelectorAll('td[data-v]')));
    const column = (i, may = 1) => {
      const shares = rows.map(row => row[i]);
      if (may || shares.some(Boolean)) found.push(...sum(shares, 2e-3, `column ${i + 1} of “${name.slice(0, 60)}”`));
    };
    if (/^(the )?(attention )?pattern|^mixing matrix|^softmax of/i.test(name)) {
      for (const row of rows) {
        if (row.length > 1) found.push(...sum(row.filter(Number.isFinite), 2e-3, `a row of “${name.slice(0, 60)}”`));
      }
    } else if (/^next token: the model/i.test(name)) for (const i of rows[0].keys()) column(i);
    else if (/^probability and share of/i.test(name)) { column(0); column(1, 0); } // of no draws there is no share yet
    else if (/^score and weight of every key/i.test(name)) column(1);
  }
  for (const list of document.querySelectorAll('[data-list]')) {
    let shares = null;
    try { ({ shares } = JSON.parse(list.dataset.list)); } catch { found.push('a vocabulary that cannot be read'); }
    if (shares) found.push(...sum(shares, 1e-3, 'the vocabulary'));
  }
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth + 1) found.push(`wider than its window: ${scrollWidth} > ${clientWidth}`);
  return found;
};

/** Whether all that was asked is answered; a page that failed has nothing more to say. Long texts that are being
 * written (`data-more`) are not waited for: a reader does not either. */
let patience = 0;
const settled = () => {
  const { dataset } = document.documentElement;
  if (dataset.explainer === 'failed') return true;
  if (dataset.explainer !== 'live') return false;
  if (!('busy' in dataset)) return true;
  patience ||= performance.now() + 700;
  return performance.now() > patience && document.querySelector('[data-more]') !== null;
};
for (const kind of ['pointerdown', 'keydown', 'input', 'popstate']) {
  window.addEventListener(kind, () => { patience = 0; }, true);
}

/** Come to rest: nothing plays, nothing is being written, and what goes on only where it is seen (`data-more`) has gone
 * on to its end. */
const rest = () => {
  document.activeElement?.blur();
  for (const button of document.querySelectorAll(':is([data-step-play], [data-crank-play])[aria-pressed=true]')) {
    button.click();
  }
  const more = document.querySelector('[data-more]');
  more?.scrollIntoView({ block: 'center', behavior: 'instant' });
  // of a document that is only just coming, there is nothing
  const { explainer, busy } = document.documentElement?.dataset ?? {};
  return explainer === 'failed' || (explainer === 'live' && busy === undefined && !more);
};

/** The whole number that a slider stands for: a hand may leave it a little beside its place. */
const whole = slider => Math.round(slider.dataset.scale === 'log' ? 10 ** slider.value : slider.value);

/** The view: what the figures show and what the controls hold; not which drawer is open, what has the focus, what was
 * said. */
const view = () => {
  const one = el => {
    const copy = el.cloneNode(true);
    const passing = '[data-message], [data-own], script, .readout, [role=status], [data-step-play], [data-crank-play]';
    for (const extra of copy.querySelectorAll(passing)) extra.remove();
    const words = copy.textContent.replace(/\s+/g, ' ').trim();
    const numbers = [...copy.querySelectorAll('[data-v]')].map(x => x.dataset.v);
    const held = [...el.querySelectorAll('select[data-bind], input[data-bind], textarea[data-bind]')].map(x =>
      [x.dataset.bind, x.type === 'checkbox' ? x.checked : 'whole' in x.dataset ? whole(x) : x.value]);
    const pressed = [...copy.querySelectorAll(
      '[aria-pressed=true], [aria-current], [aria-disabled=true], [data-current]')]
      .map(x => x.dataset.current ?? x.textContent.replace(/\s+/g, ' ').trim());
    return { words, numbers, held, pressed };
  };
  return Object.fromEntries([...document.querySelectorAll('[data-widget]')].map(el =>
    [el.dataset.widget, one(el.querySelector('[data-body]') ?? el)]));
};

const monkey = window.monkey = { all: [], targets, wayTo, wrong, settled, rest, view };
