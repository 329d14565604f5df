// A widget inside a frame of somebody's page: tells the host its height and its state, takes values from the host.

const root = document.documentElement;
const MAX = 20000;

export function embedded({ set, defaults }) {
  if (!root.dataset.embed || window.parent === window) return;
  const tell = (message) => window.parent.postMessage(message, '*'); // nothing secret: a height, and what the figure shows
  let told = 0;
  const measure = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height && height !== told) tell({ type: 'explainer:height', height: (told = height) });
  };
  new ResizeObserver(measure).observe(document.body);
  document.addEventListener('visibilitychange', measure); // a tab that was hidden has not been laid out
  measure();
  for (const name of ['explainer:live', 'explainer:failed', 'explainer:change']) {
    window.addEventListener(name, (event) => tell({ type: name, detail: event.detail }));
  }
  window.addEventListener('message', ({ source, data }) => {
    if (source !== window.parent || typeof data !== 'object' || data === null || data.type !== 'explainer:set') return;
    if (typeof data.values !== 'object' || data.values === null) return;
    const values = {};
    for (const [name, value] of Object.entries(data.values)) {
      if (name === 'theme') theme(value);
      else if (Object.hasOwn(defaults, name) && (value === null || typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && value.length <= MAX))) values[name] = value;
    }
    if (Object.keys(values).length) set(values);
  });
}

function theme(value) {
  if (value === 'light' || value === 'dark') root.dataset.theme = value;
  else delete root.dataset.theme;
}
