// A widget inside a frame of somebody's page: tells the host its height and its state, takes values from the host.
import { sentences } from './room.js';

const root = document.documentElement;
const MAX = 20000;

const framed = root.dataset.embed && window.parent !== window;

/** Start Python when the figure is seen, used, or its host says so: a long post does not start it for figures that
 * nobody reaches. @param {() => void} start */
export function whenWanted(start) {
  if (!framed || !('IntersectionObserver' in window)) { start(); return; }
  const done = new AbortController();
  const go = () => {
    if (done.signal.aborted) return;
    done.abort();
    look.disconnect();
    start();
  };
  const look = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) go(); });
  look.observe(document.body);
  for (const used of ['pointerdown', 'keydown', 'input']) {
    window.addEventListener(used, go, { capture: true, signal: done.signal });
  }
  window.addEventListener('message', ({ source, data }) => {
    if (source === window.parent && data?.type === 'explainer:start') go();
  }, { signal: done.signal });
}

/** link: () => the address of what is on screen; python: () => which shared worker computes it, null for one of our own
 * @param {{
 *   set: (values: Values) => void, defaults: Values, link: () => string, python: () => number | null,
 *   mirror: Pick<import('./mirror.js').Mirror, 'on'>,
 * }} page */
export function embedded({ set, defaults, link, python, mirror }) {
  if (!framed) return;
  // nothing secret: a height, and what the figure shows
  /** @param {{type: string} & Record<string, unknown>} message */
  const tell = (message) => window.parent.postMessage(message, '*');
  let told = 0;
  const measure = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height && height !== told) tell({ type: 'explainer:height', height: (told = height) });
  };
  document.fonts.ready.then(() => new ResizeObserver(measure).observe(document.body)); // it measures at once, too
  document.addEventListener('visibilitychange', measure); // a tab that was hidden has not been laid out
  let asked = '';
  const query = () => { // for the element: should it be taken away, it comes back with this
    const { search, hash } = new URL(link());
    const text = search || (hash.includes('=') ? `?${hash.slice(1)}` : '');
    if (text !== asked) tell({ type: 'explainer:query', query: asked = text });
  };
  for (const name of ['explainer:still', 'explainer:live', 'explainer:failed', 'explainer:change']) {
    window.addEventListener(name, (event) => {
      if (name === 'explainer:change') query();
      tell({ type: name, detail: /** @type {CustomEvent} */ (event).detail });
    });
  }
  window.addEventListener('explainer:live', () => {
    const generation = python();
    if (generation !== null) tell({ type: 'explainer:python', generation });
  });
  new MutationObserver(query).observe(root, { attributes: true, attributeFilter: ['data-view'] });
  mirror.on('link', 'messages', (messages) => tell({ type: 'explainer:wrong', messages, here: false }));
  /** Names that this figure does not know: only the element can say so, it was asked for them.
   * @param {any} said */
  const check = ({ names, view: shown }) => {
    const known = [...Object.keys(defaults), 'view', 'theme'];
    const strange = (Array.isArray(names) ? names : []).filter((name) => typeof name === 'string'
      && !known.includes(name) && !['mode', 'weights'].includes(name));
    /** @type {Record<string, string>} */
    const messages = Object.fromEntries(strange.map((name) => [name, sentences.name(name, known)]));
    if (typeof shown === 'string' && !['compact', 'full'].includes(shown)) messages.view = sentences.view(shown);
    if (Object.keys(messages).length) tell({ type: 'explainer:wrong', messages, here: true });
  };
  window.addEventListener('message', ({ source, data }) => {
    if (source !== window.parent || typeof data !== 'object' || data === null) return;
    if (data.type === 'explainer:asked') { check(data); return; }
    if (data.type !== 'explainer:set') return;
    if (typeof data.values !== 'object' || data.values === null) return;
    /** @type {Values} */
    const values = {};
    for (const [name, value] of Object.entries(data.values)) {
      if (name === 'theme') theme(value);
      else if (name === 'view') view(value);
      else if (Object.hasOwn(defaults, name) && (
        value === null || typeof value === 'number' || typeof value === 'boolean'
        || (typeof value === 'string' && value.length <= MAX))) values[name] = value;
    }
    if (root.dataset.viewSaid === undefined) {
      if ((root.dataset.beyond ?? '').split(' ').some((name) => name in values)) root.dataset.view = 'full';
    }
    if (Object.keys(values).length) set(values);
  });
}

/** @param {unknown} value */
function view(value) {
  if (value !== 'compact' && value !== 'full') return;
  root.dataset.view = value;
  root.dataset.viewSaid = '';
}

/** @param {unknown} value */
function theme(value) {
  if (value === 'light' || value === 'dark') root.dataset.theme = value;
  else delete root.dataset.theme;
}
