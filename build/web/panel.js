// A widget as a Panel component: the site's own modules, under the component's shadow root. Panel's model stands where
// the site has a worker: Python's answers come by it, the reader's wishes go by it (explainer/host/panel_host.py).
// Bundled with its style sheet by build/panel_bundle.py.
import { Connection } from './connection.js';
import { Mirror } from './mirror.js';
import { operate } from './operate.js';
import css from 'panel-styles'; // build/panel_bundle.py

// what the site has in its link and in its widgets (explainer/ui/widget.py)
const LINK = ['values', 'shown', 'messages', 'more'];
const FIGURE = ['html', 'told'];
/** @typedef {any} PanelModel Panel's own, of which we know what explainer/host/panel_host.py declares */
const PATIENCE = 6000; // ms without an answer, until it is asked again
/** @type {Record<string, string>} whether JupyterLab's theme is light, as it says it */
const LAB = { true: 'light', false: 'dark' };
/** @type {unique symbol} */
const SHEETS = Symbol.for('transformer-explainer.sheets');

/** The style sheet, which all widgets of a document share.
 * @param {Document & {[SHEETS]?: Map<string, CSSStyleSheet>}} doc */
function sheet(doc) {
  const sheets = doc[SHEETS] ??= new Map();
  let made = sheets.get(css);
  if (!made) {
    made = new (doc.defaultView ?? window).CSSStyleSheet();
    made.replaceSync(css);
    sheets.set(css, made);
  }
  return made;
}

/** What the site's `openWorker` is for a worker: a port, to the Python that this component belongs to. What is not
 * answered is asked again: JupyterLab may keep a message back, if another cell runs, until a further one comes.
 * @param {PanelModel} model @param {() => Model[]} models */
function portOf(model, models) {
  /** @type {(message: any) => void} */
  let say = () => {};
  let asked = 0; // the number of the request that waits for its answer
  let timer = 0;
  /** @param {Values} request @param {number} patience */
  const send = (request, patience) => {
    model.send_msg({ request });
    timer = setTimeout(() => send(request, 2 * patience), patience);
  };
  return {
    /** @param {any} message */
    say: (message) => say(message),
    /** @param {(data: any) => void} onmessage */
    listen(onmessage) { say = onmessage; },
    // later: what is sent while Panel applies a patch, the page that `panel convert` writes takes for an echo, and
    // drops
    /** @param {{type: string, events: Patch[]}} message */
    post: ({ type, events }) => queueMicrotask(() => {
      if (type === 'open') say({ type, models: models() });
      if (type !== 'patch') return;
      const request = events[0].new;
      asked = request['#'];
      say({ type: 'busy', busy: true }); // Panel's Python says nothing while it works: its silence means no harm
      send(request, PATIENCE);
    }),
    /** @param {{type: string, message?: string, to: number}} answer */
    hear({ type, message, to }) {
      if (to !== asked) return; // answered already
      asked = 0;
      clearTimeout(timer);
      say({ type, message });
    },
    end() {
      clearTimeout(timer);
      say = () => {};
    },
  };
}

/** What `operate` takes for its document: the component's element, whose listeners go with it, and the shadow root's
 * focus.
 * @param {ShadowRoot} shadow @param {HTMLElement} element
 * @returns {Root} */
function within(shadow, element) {
  return {
    get activeElement() { return shadow.activeElement; },
    getElementById: (id) => /** @type {HTMLElement} */ (shadow.getElementById(id)),
    querySelector: (/** @type {string} */ selector) => element.querySelector(selector),
    querySelectorAll: (/** @type {string} */ selector) => element.querySelectorAll(selector),
    /** @type {Root['addEventListener']} */
    addEventListener: (name, listener, how) => (
      element.addEventListener(name, /** @type {(event: any) => unknown} */ (listener), how)),
  };
}

/** Light or dark as the component says; where it leaves that open, as JupyterLab does, or else the reader's system.
 * Returns a function that ends the watch.
 * @param {PanelModel} model @param {HTMLElement} host */
function dress(model, host) {
  const show = () => {
    const lab = host.ownerDocument.body.dataset.jpThemeLight;
    const theme = model.theme === 'auto' ? LAB[String(lab)] : model.theme;
    if (theme) host.dataset.theme = theme;
    else delete host.dataset.theme;
  };
  show();
  model.on('theme', show);
  const watch = new MutationObserver(show);
  watch.observe(host.ownerDocument.body, { attributes: true, attributeFilter: ['data-jp-theme-light'] });
  return () => watch.disconnect();
}

/** The frame of a widget, as build/web/widget.html.j2 has it, with what of the toolbar has a use here.
 * @param {PanelModel} model */
function frame({ slug, title, html }) {
  const host = document.createElement('div');
  host.className = 'host';
  host.innerHTML = '<section class="widget"><header><h3></h3>'
    + '<div class="tools" role="toolbar"><button type="button" data-tool="reset">Reset</button></div></header>'
    + '<p class="tool-status" role="status" data-notice></p><div data-body></div></section>';
  const widget = host.querySelector('section');
  const [heading, tools, body] = ['h3', '.tools', '[data-body]'].map((selector) => widget.querySelector(selector));
  widget.id = widget.dataset.widget = slug;
  heading.id = `${slug}-title`;
  heading.textContent = title;
  widget.setAttribute('aria-labelledby', heading.id);
  tools.setAttribute('aria-label', `Tools of: ${title}`);
  body.innerHTML = linked(html); // safe: escaped where Python made it, as on the site
  return host;
}

/** Pages of the site are not here: what led there is words. @param {string} html */
const linked = (html) => html.replace(/ href="[^"]*"(?= data-page-link=)/g, '');

/** A component of Panel's: its model, and the element that it is to fill.
 * @param {{model: PanelModel, el: HTMLElement}} component */
export function render({ model, el }) {
  const shadow = /** @type {ShadowRoot} */ (el.getRootNode());
  const styles = sheet(el.ownerDocument);
  if (!shadow.adoptedStyleSheets.includes(styles)) shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, styles];
  const undress = dress(model, /** @type {HTMLElement} */ (shadow.host));
  const host = frame(model);
  el.replaceChildren(host);
  const widget = host.querySelector('section');
  const { slug, defaults } = model;

  /** @param {string[]} names */
  const some = (names) => Object.fromEntries(names.map((name) => [name, model[name]]));
  const models = () => [
    { id: 'link', name: 'link', attributes: some(LINK) },
    { id: slug, name: slug, attributes: some(FIGURE) },
  ];
  const mirror = new Mirror({ models: models() });
  const port = portOf(model, models);
  /** @param {string | undefined} words */
  const notice = (words) => { widget.querySelector('[data-notice]').textContent = words ?? ''; };
  /** @param {{message: string}} what */
  const problem = ({ message }) => notice(message);

  const { connection, wish, look, end } = operate(within(shadow, host), {
    widgets: new Map([[slug, widget]]),
    mirror,
    defaults,
    connect: ({ values, busy }) => new Connection({
      mirror,
      name: slug,
      values,
      makeWorker: () => port,
      on: {
        progress() {},
        live: () => look(),
        failed: problem,
        problem,
        slow: (is) => notice(is ? 'Python has been busy for half a minute without a word. It may still answer.' : ''),
        wait: notice,
        busy,
      },
    }),
    host: {
      linked,
      notice,
      remember() {}, // the address is the page's, and there may be many of us
      changed() {},
      asked() {},
      working: (is) => widget.toggleAttribute('data-busy', is),
      live: () => connection.isLive,
      failed: () => false,
      alien: () => false,
    },
  });
  for (const name of [...LINK, ...FIGURE]) {
    const id = LINK.includes(name) ? 'link' : slug;
    model.on(name, () => port.say({ type: 'patch', events: [{ model: id, attr: name, new: model[name] }] }));
  }
  model.on('msg:custom', port.hear);
  widget.querySelector('[data-tool=reset]').addEventListener('click', () => {
    wish(Object.fromEntries(Object.keys(defaults).map((name) => [name, null])));
  });
  model.on('remove', () => {
    connection.leave();
    end();
    undress();
  });
  connection.start();
}
