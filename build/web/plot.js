// A plot of the page, to be explored: BokehJS is fetched when one comes near, and its figure put over the still. Only
// pages with a plot load this script. The figure's JSON is made by build/plots.py; what it shows is always what the
// widget's markup says (`data-columns`), also when Python has drawn it anew. Where BokehJS does not come, the still
// stays as it is.

/** @type {{bokeh: string, integrity: string, figures: Record<string, string>}} */
const given = JSON.parse(document.getElementById('explainer-plots').textContent);
const root = document.documentElement;
const STEP = 1.6; // of zooming
/** @type {Record<string, string>} */
const KEYS = { '+': 'in', '=': 'in', '-': 'out', 0: 'whole' };
/** @type {Record<string, number[]>} */
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const HELP = 'Drag, or use the arrow keys, to move; plus and minus zoom, 0 shows the whole picture.';
/** @type {Map<HTMLElement, Shown>} */
const shown = new Map(); // by their `.plot`

/** @typedef {any} Bokehs a model or a view of BokehJS */
/** @typedef {Record<string, any[]>} Columns the data of a source */

// ---- BokehJS

/** Whether style elements may be made here: a header of the server may forbid what this page's own policy allows. */
function stylesAllowed() {
  const host = document.body.appendChild(document.createElement('div'));
  const style = Object.assign(document.createElement('style'), { textContent: 'p { color: red }' });
  host.attachShadow({ mode: 'open' }).append(style);
  const allowed = Boolean(style.sheet?.cssRules.length);
  host.remove();
  return allowed;
}

/** @type {Promise<Bokehs> | null} */
let coming = null;
function bokeh() {
  coming ??= new Promise((resolve, reject) => {
    if (!stylesAllowed()) { reject(new Error('style elements are not allowed here')); return; }
    const script = document.createElement('script');
    Object.assign(script, { src: given.bokeh, integrity: given.integrity, crossOrigin: 'anonymous' });
    script.onload = () => { resolve(globalThis.Bokeh); };
    script.onerror = () => { script.remove(); reject(new Error('BokehJS did not come')); };
    document.head.append(script);
  });
  return coming;
}

// ---- colours and letters: a model's tags say which of its properties is which token, `line_color:vocab`

const TOKEN = /^(\w+):([\w-]+)$/;
/** @param {string[]} tags */
function painted(tags) {
  const style = getComputedStyle(root);
  return Object.fromEntries(tags.map((tag) => TOKEN.exec(tag)).filter((match) => match !== null)
    .map(([, name, token]) => [name, style.getPropertyValue(`--${token}`).trim()]));
}

/** The figure's JSON, painted before anything is drawn of it. @param {string} text */
const dressed = (text) => JSON.parse(text, (key, value) => (
  key === 'attributes' && Array.isArray(value.tags) ? { ...value, ...painted(value.tags) } : value));

/** @param {Bokehs} figure */
function paint({ document: doc }) {
  for (const model of doc.all_models) {
    const values = painted(model.tags);
    if (Object.keys(values).length) model.setv(values);
  }
}
const repaint = () => { for (const { figure } of shown.values()) paint(figure); };
new MutationObserver(repaint).observe(root, { attributeFilter: ['data-theme'] });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);

// ---- numbers

// float32 has seven digits
/** @param {number} a @param {number} b */
const near = (a, b) => a === b || Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b));

/** How `after` goes on where `before` ends: {column: the numbers that are new}, or null where an old one has
 * changed. @param {Columns} before @param {Columns} after */
export function extension(before, after) {
  const length = before.x?.length ?? 0;
  const names = Object.keys(after);
  if (!length || after.x.length <= length) return null;
  const kept = names.every((name) => Array.from(before[name] ?? []).every((old, i) => (
    typeof old === 'number' ? near(old, after[name][i]) : true)));
  return kept ? Object.fromEntries(names.map((name) => [name, after[name].slice(length)])) : null;
}

/** Give a source other numbers: streamed where they go on from those it has, else all of them.
 * @param {Bokehs} source @param {Columns} columns */
function feed(source, columns) {
  const more = extension(source.data, columns);
  if (more) source.stream(more);
  else if (JSON.stringify(columns) !== JSON.stringify(plain(source.data, columns))) source.data = columns;
}
/** @param {Columns} data @param {Columns} like */
const plain = (data, like) => Object.fromEntries(Object.keys(like).map((name) => [name, Array.from(data[name] ?? [])]));

/** Round numbers from `low` to `high`, both above 0, as explainer/ui/parts/charts.py has them; a step apart where that
 * is less than a few. @param {number} low @param {number} high */
function round(low, high) {
  const decades = Math.log10(high / low);
  const digits = decades < 2.5 ? [1, 2, 5] : [1];
  /** @type {number[]} */
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const digit of digits) found.push(Number(`${digit}e${power}`));
  }
  /** @param {number[]} ticks */
  const inside = (ticks) => ticks.filter((v) => v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9));
  if (inside(found).length > 2) return inside(found);
  const unit = 10 ** Math.floor(Math.log10((high - low) / 4));
  const step = [1, 2, 5, 10].map((k) => k * unit).find((s) => s * 5 >= high - low) ?? 10 * unit;
  return inside(Array.from({ length: 8 }, (_, k) => Number(((Math.floor(low / step) + k) * step).toPrecision(12))));
}

// ---- one plot

class Shown {
  /** @param {HTMLElement} plot @param {Bokehs} view */
  constructor(plot, view) {
    this.plot = plot;
    this.view = view;
    this.figure = view.model;
    /** @type {Map<string, Bokehs>} */
    this.sources = new Map();
    for (const model of this.figure.document.all_models) {
      if (/^(series-\d+|markers)$/.test(model.name ?? '')) this.sources.set(model.name, model);
    }
    /** @type {Record<string, Bokehs>} */
    this.ranges = { x: this.figure.x_range, y: this.figure.y_range };
    this.words = [...this.figure.document.all_models].find((model) => model.name === 'marker-words');
    for (const range of Object.values(this.ranges)) range.change.connect(() => this.marks());
    this.rows = this.figure.toolbar.active_drag?.dimensions === 'width'; // y has rows, which nobody wants to pull apart
    /** @type {Record<string, number[]> | null} */
    this.whole = null;
    /** @type {string | undefined} */
    this.taken = undefined; // the text that the figure shows
    this.forget = () => {}; // the words about what was pointed at
    this.take();
  }

  /** What the markup says now. */
  take() {
    const text = String(this.plot.dataset.columns);
    if (text === this.taken) return;
    this.taken = text;
    const columns = JSON.parse(text);
    const whole = this.whole ? this.isWhole() : true;
    this.whole = { x: columns.x, y: columns.y };
    for (const [i, series] of columns.series.entries()) feed(this.sources.get(`series-${i}`), series);
    if (this.sources.has('markers')) feed(this.sources.get('markers'), columns.markers);
    if (whole) this.back(); // a reader who has zoomed in keeps the place
    this.marks();
    this.forget();
  }

  isWhole() {
    return Object.entries(this.whole ?? {}).every(([axis, [start, end]]) => (
      near(this.ranges[axis].start, start) && near(this.ranges[axis].end, end)));
  }

  back() {
    for (const [axis, [start, end]] of Object.entries(this.whole ?? {})) this.ranges[axis].setv({ start, end });
  }

  /** Scale both axes about the middle by `factor`, then move them by a share of what they show.
   * @param {number} factor */
  move(factor, right = 0, up = 0) {
    for (const [axis, by] of Object.entries({ x: right, y: up })) {
      if (axis === 'y' && this.rows) continue;
      const to = this.isLog(axis) ? Math.log10 : Number;
      const from = this.isLog(axis) ? (/** @type {number} */ v) => 10 ** v : Number;
      const [start, end] = [to(this.ranges[axis].start), to(this.ranges[axis].end)];
      const middle = (start + end) / 2 + by * (end - start);
      const half = (end - start) / 2 / factor;
      this.ranges[axis].setv({ start: from(middle - half), end: from(middle + half) });
    }
  }

  /** @param {string} axis */
  isLog(axis) { return this.figure[`${axis}_scale`].type.endsWith('LogScale'); }

  /** What depends on the part that is shown: the marks along a logarithmic axis, and where the words of a marker
   * stand. */
  marks() {
    for (const axis of ['x', 'y']) {
      if (!this.isLog(axis)) continue;
      const { start, end } = this.ranges[axis];
      const [{ ticker }] = axis === 'x' ? this.figure.below : this.figure.left;
      const ticks = round(start, end);
      if (String(ticks) !== String(ticker.ticks)) ticker.ticks = ticks;
    }
    if (!this.words) return;
    const [at] = this.sources.get('markers').data.x;
    const [start, end, x] = [this.ranges.x.start, this.ranges.x.end, at].map(this.isLog('x') ? Math.log : Number);
    const left = x > (start + end) / 2;
    this.words.setv({
      y: { value: this.ranges.y.end },
      text_align: { value: left ? 'right' : 'left' },
      x_offset: { value: left ? -5 : 5 },
    });
  }

  /** @param {string} what */
  does(what) {
    if (what === 'whole') this.back(); else this.move(what === 'in' ? STEP : 1 / STEP);
  }

  /** Buttons, keys, and what pointing says. @param {HTMLElement} live @param {HTMLElement} box */
  use(live, box) {
    const tools = this.plot.querySelector('.plot-tools');
    box.tabIndex = 0;
    box.setAttribute('role', 'group');
    box.setAttribute('aria-label', `${this.plot.querySelector('svg').getAttribute('aria-label')}. ${HELP}`);
    const tip = Object.assign(document.createElement('p'), { className: 'plot-tip', hidden: true });
    tip.setAttribute('aria-hidden', 'true'); // the table says it to those who do not point
    live.append(tip);
    const events = this.view.canvas_view?.events_el;
    if (events) { // a thumb scrolls the page, up and down
      events.tabIndex = -1;
      events.style.touchAction = 'pan-y pinch-zoom';
    }
    const buttons = [
      ['in', '+', 'Zoom in'], ['out', '−', 'Zoom out'], ['whole', 'Whole picture', 'Whole picture'],
    ].map(([what, text, name]) => {
      const button = Object.assign(document.createElement('button'), {
        type: 'button', className: 'button small', textContent: text, title: name,
      });
      button.setAttribute('aria-label', name);
      button.addEventListener('click', () => this.does(what));
      return button;
    });
    const help = Object.assign(document.createElement('span'), { textContent: 'Drag to move, point to read' });
    tools.append(...buttons, help);
    box.addEventListener('keydown', (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const [right, up] = MOVES[event.key] ?? [];
      if (event.key in KEYS) this.does(KEYS[event.key]);
      else if (right !== undefined) this.move(1, right / 5, up / 5);
      else return;
      event.preventDefault();
      event.stopPropagation(); // arrow keys step, elsewhere in a widget
    });
    this.hovering(live, tip);
  }

  /** What lies under the pointer, in words. @param {HTMLElement} live @param {HTMLElement} tip */
  hovering(live, tip) {
    const say = () => {
      const words = [...this.sources].flatMap(([name, source]) => (
        name === 'markers' ? [] : source.inspected.indices.map((/** @type {number} */ i) => source.data.words[i])));
      tip.hidden = !words.length;
      tip.textContent = [...new Set(words)].slice(0, 4).join('; ');
    };
    this.forget = () => { tip.hidden = true; };
    for (const [name, source] of this.sources) if (name !== 'markers') source.inspect.connect(say);
    live.addEventListener('pointermove', ({ clientX, clientY }) => {
      const { left, top, width } = live.getBoundingClientRect();
      const right = clientX - left > width / 2;
      tip.style.cssText = `${right ? 'right' : 'left'}:${(right ? width - (clientX - left) : clientX - left) + 12}px;`
        + `top:${clientY - top + 14}px`;
    });
    live.addEventListener('pointerleave', this.forget);
  }
}

// ---- when one comes near

/** @param {HTMLElement} plot */
async function arrive(plot) {
  const live = plot.querySelector('.plot-live');
  try {
    const [response, { embed }] = await Promise.all([fetch(given.figures[String(plot.dataset.plot)]), bokeh()]);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const box = live.appendChild(Object.assign(document.createElement('div'), { className: 'plot-box' }));
    const views = await embed.embed_item(dressed(await response.text()), box);
    const made = new Shown(plot, views.roots[0]);
    made.use(live, box);
    shown.set(plot, made);
    live.dataset.ready = '';
  } catch (problem) { // the still stays, and says that it is one
    live.replaceChildren();
    console.debug(problem);
    watched.delete(plot);
  }
}

/** @type {Set<HTMLElement>} */
const watched = new Set();
const look = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) { look.unobserve(target); arrive(/** @type {HTMLElement} */ (target)); }
  }
}, { rootMargin: '400px 0px' });
function watch() {
  for (const plot of document.querySelectorAll('.plot[data-plot]')) {
    if (!watched.has(plot)) { watched.add(plot); look.observe(plot); }
  }
}
document.addEventListener('explainer:drawn', () => {
  watch();
  for (const made of shown.values()) made.take();
});
watch();
