// The page: a still article with still widgets that becomes live. What is drawn stays drawn; Python is only linked to
// it. What a reader does with the widgets is operate.js; here is what a page of the site has beside them: the worker,
// the address, Back and Forward, the status, the toolbars, frames.
import * as address from './address.js';
import { Connection, openWorker } from './connection.js';
import { deeper } from './deeper.js';
import { embedded, whenWanted } from './embedded.js';
import { furtherModels } from './further.js';
import { linked } from './links.js';
import { Mirror } from './mirror.js';
import { guesses } from './guesses.js';
import { upToDate } from './offline.js';
import { operate } from './operate.js';
import { progress } from './progress.js';
import { promptBar } from './promptbar.js';
import { status } from './status.js';
import { terms } from './terms.js';
import { toolbars } from './tools.js';

const page = document.documentElement;
const root = /** @type {Root} */ (/** @type {unknown} */ (document));
/** @type {Still} */
const still = JSON.parse(document.getElementById('explainer-still').textContent);
const mirror = new Mirror(still);
/** @type {Values} */
const defaults = Object.freeze({ ...mirror.get('link', 'values') });
const widgets = new Map([...document.querySelectorAll('[data-widget]')].map((el) => [String(el.dataset.widget), el]));

// ---- the address

/** What the address asks for, or what was on screen when a reader took this figure away. */
const packed = document.getElementById('explainer-asked');
/** @type {Values} */
const given = { ...(packed && JSON.parse(packed.textContent)), ...address.read() };
const asked = Object.fromEntries(Object.entries(given).filter(([name]) => name in defaults));

/** A word for a number in the page's first address (`?source=twitter`) is another site's, not the reader's: it is taken
 * for nothing, and said at most beside the field of that name, where whoever wrote `?t=hot` will look.
 * @param {string} name @param {string} text */
const alien = (name, text) => name in asked && typeof (defaults[name] ?? 0) === 'number' && !/\d/.test(asked[name])
  && text.startsWith(`“${asked[name].slice(0, 29)}`);

/** @param {How} how */
function remember(how) {
  const url = address.write(state, defaults, still);
  if (url === location.href) return;
  const way = how === 'push' ? 'pushState' : 'replaceState';
  try { history[way](null, '', url); } catch { /* an embedder may forbid it */ }
}

// ---- one Python

/** Where the worker is. In the page's address, `boot=ordinary` asks it not to resume (for the bench, and to compare),
 * and `patience=60` to wait that many seconds for a stalled connection (20 otherwise). */
const asking = new URLSearchParams(location.search);
const workerUrl = new URL(String(page.dataset.worker), document.baseURI);
const patience = Math.min(Math.max(Number(asking.get('patience')) || 20, 1), 600);
if (asking.get('boot') === 'ordinary') workerUrl.searchParams.set('how', 'boot');
if (patience !== 20) workerUrl.searchParams.set('patience', String(patience));

/** Python is there: the page is live once it shows what the link, or the reader meanwhile, asked for. */
/** @type {Live | null} */
let arrived = null;
function announce() {
  if (!arrived) return;
  status.live({ ...arrived, ms: Math.round(performance.now() - (connection.began ?? 0)) });
  arrived = null;
  say(mirror.get('link', 'messages') ?? {});
}

/** The prints of the stills that are still in the page. What a reader has taken away shows what was on screen then. */
const shows = () => Object.fromEntries(packed ? [] : still.models
  .filter(({ name, print }) => print && mirror.get(name, 'html') === undefined)
  .map(({ name, print }) => [name, print]));

const { connection, state, wish, opened, turnTo, say, stop, look, unfinished, drawOpened } = operate(root, {
  widgets,
  mirror,
  defaults,
  connect: ({ values, busy }) => new Connection({
    mirror,
    name: still.name,
    page: still.page,
    shows,
    values,
    makeWorker: globalThis.explainerMakeWorker ?? ((which) => openWorker(workerUrl, which)),
    patience: globalThis.explainerMakeWorker ? Infinity : patience * 1000,
    url: globalThis.explainerMakeWorker ? null : workerUrl,
    on: {
      progress: status.starting,
      live: (message) => { arrived = message; if (!Object.keys(connection.waiting).length) announce(); },
      failed: (message) => { arrived = null; status.failed(message); },
      problem: (message) => { announce(); status.problem(message); },
      slow: status.slow,
      wait: status.notice,
      model: (message) => choice.heard?.(message),
      holds: (model) => choice.holds?.(model),
      busy,
    },
  }),
  host: {
    alien,
    linked,
    remember,
    notice: status.notice,
    changed: (detail) => window.dispatchEvent(new CustomEvent('explainer:change', { detail })),
    asked: (busy) => {
      if (!busy && !unfinished()) announce();
      const late = busy && (arrived !== null || !connection.isLive);
      for (const el of widgets.values()) el.toggleAttribute('data-catching-up', late);
    },
    working: (is) => page.toggleAttribute('data-busy', is),
    live: () => page.dataset.explainer === 'live',
    failed: () => page.dataset.explainer === 'failed',
  },
});
window.addEventListener('explainer:live', look);
window.addEventListener('popstate', () => {
  const there = address.read();
  turnTo(Object.fromEntries(Object.keys(defaults).map((name) => [name, there[name] ?? null])));
  stop(); // after that: what stops says where it is, and that is there now
});

if (Object.keys(asked).length) opened(asked, { weights: packed ? still.weights : address.read().weights ?? '' });
const inAddress = Object.keys(address.read()).filter((name) => name in defaults);
deeper(root, { asked: inAddress, opened: drawOpened });
terms(root);
toolbars({ widgets, state: () => state, defaults, wish, address, still });
embedded({
  set: (values) => wish(values, 'replace'),
  defaults,
  link: () => address.write(state, defaults, still),
  python: () => (connection.port?.shared && !workerUrl.search ? connection.generation : null),
  mirror,
});
upToDate();
progress(root);
promptBar(root);
/** @type {Choice} */
const choice = { connection, mirror, defaults, state, wish };
furtherModels(root, choice, String(asked.model ?? ''));
guesses(root, String(page.dataset.page));
status.onRetry(() => connection.restart());
status.still();
window.explainer = { state: () => ({ ...state }), set: (values) => wish(values) };
whenWanted(() => connection.start());
window.addEventListener('pagehide', (event) => { if (event.persisted) connection.rest(); else connection.close(); });
window.addEventListener('pageshow', (event) => { if (event.persisted) connection.wake(); });
