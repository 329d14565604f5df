// Keeps the site for visits without a network (a service worker), and tells the reader when a newer build lies on the
// server. The name of a page's build is in `data-build`, that of the newest in build.json. A page in one file has none,
// and asks nobody.
import { forget as forgetModels } from './kept.js';
import { _ } from './words.js';

const root = document.documentElement;
const own = root.dataset.build;
const site = new URL(String(root.dataset.site), document.baseURI);
const workers = (() => { // none where the connection is not secure
  try { return navigator.serviceWorker; } catch { return undefined; }
})();
const asks = Boolean(own) && /^https?:$/.test(location.protocol);
const RENEWED = 'explainer-build';

/** The build on the server; null where nobody answers. Without a network the service worker answers with its own.
 * @returns {Promise<string | null>} */
async function newest() {
  if (!navigator.onLine && !workers?.controller) return null;
  try {
    const response = await fetch(new URL('build.json', site), { cache: 'no-store' });
    return response.ok ? (await response.json()).build : null;
  } catch { return null; }
}

/** Our service worker's registration, if there is one; another site's may contain this one. */
async function registered() {
  try {
    const registration = await workers?.getRegistration(site.href);
    return registration?.scope === site.href ? registration : undefined;
  } catch { return undefined; } // a frame that may keep nothing
}

/** @param {ServiceWorker} worker @returns {Promise<void>} */
const rested = (worker) => new Promise((resolve) => {
  const look = () => { if (worker.state !== 'parsed' && worker.state !== 'installing') resolve(); };
  worker.addEventListener('statechange', look);
  look();
});

/** Have `build` kept whole beside what is kept now. Whether it is: not where its files are not all there yet, or find
 * no room. @param {string} build */
async function keep(build) {
  if (!workers) return false;
  try { // a name of its own, so that no cache on the way answers with the last one
    const registration = await workers.register(new URL(`sw.js?${build}`, site), { scope: site.pathname });
    for (const tries of [1, 2]) {
      const worker = registration.installing ?? registration.waiting ?? registration.active;
      if (worker) await rested(worker);
      if (await caches.has(`explainer ${site.pathname} ${build}`)) return true;
      if (tries === 1) await registration.update();
    }
  } catch { /* not allowed here: the site works all the same */ }
  return false;
}

/** Where no service worker does it: browsers keep pages for as long as they think fit. Have this one fetched anew, and
 * then, once per build, those that it leads to: so nobody who has one page of the newest build goes back to an older
 * one. @param {string} build */
async function renew(build) {
  let known = null;
  try { known = localStorage.getItem(RENEWED); } catch { /* nothing is kept here: then each time */ }
  /** @param {string} address */
  const anew = (address) => fetch(address, { cache: 'reload' }).catch(() => null);
  if (build !== own) await anew(location.href);
  if (!root.dataset.embed && known !== build && (known || build !== own)) {
    renewed = Promise.all(pagesFromHere().map(anew));
  }
  renewed.then(() => { try { localStorage.setItem(RENEWED, build); } catch { /* as above */ } });
}
/** @type {Promise<unknown>} */
let renewed = Promise.resolve();

function pagesFromHere() {
  /** @type {NodeListOf<HTMLAnchorElement>} */
  const links = document.querySelectorAll('a[href]');
  const pages = [...links].map((a) => a.href.split('#')[0]);
  return [...new Set(pages)].filter((href) => href.startsWith(site.href) && /(\/|\/index\.html)(\?|$)/.test(href));
}

/** Ask for the newest build. `first`: whether to keep the site from now on, if it is not kept yet. */
async function look({ first = false } = {}) {
  const build = await newest();
  if (!build) return;
  const kept = await registered();
  if (!kept && first && workers) keep(build);
  if (kept && !(await keep(build)) && kept.active) return; // what is kept is whole, and stays until the newer is
  if (!workers?.controller) await renew(build);
  if (build !== own) tell();
  else if (kept?.waiting) takeOver(kept.waiting); // this page is of the newest build already
}

function tell() {
  const note = document.querySelector('[data-newer]');
  note.hidden = false;
  const words = note.querySelector('[role=status]');
  if (!words.textContent) words.textContent = _('A newer version is here');
}

/** @param {ServiceWorker} worker @returns {Promise<void>} */
function takeOver(worker) {
  return new Promise((resolve) => {
    const look = () => { if (worker.state === 'activated' || worker.state === 'redundant') resolve(); };
    worker.addEventListener('statechange', look);
    worker.postMessage({ type: 'take over' });
    look(); // another page may have let it in already
  });
}

/** Until Python has answered what was asked of it, so that all of it is in the address; not for long.
 * @returns {Promise<void>} */
const answered = () => new Promise((resolve) => {
  const look = () => { if (!root.hasAttribute('data-busy')) resolve(); };
  new MutationObserver(look).observe(root, { attributeFilter: ['data-busy'] });
  setTimeout(resolve, 3000);
  look();
});

/** Let the newer build take the place of this one. What the reader has is in the address. */
async function reload() {
  await answered();
  const waiting = (await registered())?.waiting;
  if (waiting) await takeOver(waiting);
  location.reload();
}

/** Keep watch. Pages with figures do once they are live, so as not to hold that up, or when they cannot be. */
export function upToDate() {
  if (!asks) return;
  document.querySelector('[data-newer] button').addEventListener('click', reload);
  const again = () => look();
  if (document.getElementById('explainer-still')) {
    window.addEventListener('explainer:live', () => look({ first: !root.dataset.embed }), { once: true });
    window.addEventListener('explainer:failed', again);
  } else again();
  window.addEventListener('pageshow', (event) => { if (event.persisted) look(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
  workers?.addEventListener('controllerchange', again); // another page has let the newer build in
}

/** Forget everything that the site keeps in this browser, further models included. Returns a sentence. */
export async function forget() {
  const registration = await registered();
  let found = Boolean(registration);
  try {
    for (const name of (await globalThis.caches?.keys()) ?? []) {
      if (name.startsWith(`explainer ${site.pathname} `)) found = (await caches.delete(name)) || found;
    }
    found = (await forgetModels(new URL('models/', site))) || found;
  } catch { /* a frame that may keep nothing */ }
  await registration?.unregister();
  try {
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith('explainer-'))) {
      localStorage.removeItem(key);
      found = true;
    }
  } catch { /* nothing kept */ }
  return found ? _('Removed: nothing of this site is kept in this browser any more.') : _('Nothing was kept.');
}

document.addEventListener('click', async ({ target }) => {
  const line = target instanceof Element && target.closest('[data-forget]')?.nextElementSibling;
  if (line) line.textContent = await forget();
});
