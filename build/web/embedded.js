// A widget inside a frame of somebody's page: tells the host its height and its state, takes values from the host.

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

/** @param {{set: (values: Values) => void, defaults: Values}} page */
export function embedded({ set, defaults }) {
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
  for (const name of ['explainer:live', 'explainer:failed', 'explainer:change']) {
    window.addEventListener(name, (event) => tell({ type: name, detail: /** @type {CustomEvent} */ (event).detail }));
  }
  window.addEventListener('message', ({ source, data }) => {
    if (source !== window.parent || typeof data !== 'object' || data === null || data.type !== 'explainer:set') return;
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
