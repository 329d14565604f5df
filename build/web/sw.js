// Repeat visits with the network off. One cache per build, filled whole before it is used: a page never mixes two
// builds. The build writes VERSION and FILES ({path: sha256 in base64, or two of them}) in front of this file.
/* global VERSION, FILES, FIRST */
const worker = /** @type {ServiceWorkerGlobal} */ (/** @type {unknown} */ (self));
const SCOPE = new URL('./', self.location.href);
const NAME = `explainer ${SCOPE.pathname} `;
const CACHE = NAME + VERSION;
/** @param {string} url */
const path = (url) => {
  const u = new URL(url);
  return u.origin === SCOPE.origin && u.pathname.startsWith(SCOPE.pathname)
    ? decodeURIComponent(u.pathname.slice(SCOPE.pathname.length)) : null;
};
/** @param {string} p */
const file = (p) => (p === '' || p.endsWith('/') ? `${p}index.html` : Object.hasOwn(FILES, p) ? p : `${p}/index.html`);
/** @param {string} name */
const stored = (name) => new URL(name.replace(/(^|\/)index\.html$/, '$1'), SCOPE);

/** @param {ArrayBuffer} buffer */
async function digest(buffer) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', buffer));
  return btoa(String.fromCharCode(...hash));
}

/** Whether these are the bytes of this build (a packed file may also have been unpacked by the server: the second
 * checksum). @param {string} name @param {ArrayBuffer} body */
const right = async (name, body) => FILES[name].split(' ').includes(await digest(body));

/** Put one file of this build, as it was fetched, into its cache; a file of another build, or a broken one, is
 * refused. @param {Cache} cache @param {string} name @param {Response} response */
async function keep(cache, name, response) {
  const body = await response.arrayBuffer();
  if (!response.ok || !(await right(name, body))) throw new Error(`${name} is not of this build`);
  const headers = new Headers(response.headers);
  headers.delete('content-encoding');
  headers.delete('content-length');
  const kept = new Response(body, { headers });
  await cache.put(stored(name), kept.clone());
  return kept;
}

/** Fetch one file of this build into its cache. @param {Cache} cache @param {string} name */
async function fetched(cache, name) {
  try { await keep(cache, name, await fetch(stored(name), { cache: 'no-cache' })); } catch {
    // a server that goes by dates alone may take an older file for the same
    await keep(cache, name, await fetch(stored(name), { cache: 'reload' }));
  }
}

/** What is kept of a file, if it still is what it was. Large files (.bin) are checked by who reads them, while they
 * stream in: it asks with `cache: 'reload'` for another one (worker.js).
 * @param {Cache} cache @param {string} name */
async function found(cache, name) {
  const response = await cache.match(stored(name));
  if (!response || name.endsWith('.bin')) return response;
  const body = await response.arrayBuffer();
  if (await right(name, body)) return new Response(body, { headers: response.headers });
  try {
    return await keep(cache, name, await fetch(stored(name), { cache: 'reload' }));
  } catch { // no network, or a newer build there
    return new Response(body, { headers: response.headers });
  }
}

/** A file from the network, past every cache, and into ours if it is right.
 * @param {FetchEvent} event @param {Cache} cache @param {string} name */
async function anew(event, cache, name) {
  const response = await fetch(event.request);
  event.waitUntil(keep(cache, name, response.clone()).catch(() => {}));
  return response;
}

worker.addEventListener('install', (event) => event.waitUntil((async () => {
  const cache = await caches.open(CACHE);
  try {
    for (const name of FIRST) if (!(await cache.match(stored(name)))) await fetched(cache, name);
  } catch (problem) {
    // quota, network, or a newer build on the server: stay out of the way, try again at the next visit
    await caches.delete(CACHE);
    throw problem;
  }
})()));

worker.addEventListener('activate', (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith(NAME) && name !== CACHE) await caches.delete(name);
})()));

worker.addEventListener('fetch', (event) => {
  const at = path(event.request.url);
  if (at === 'build.json') {
    return event.respondWith(
      fetch(event.request).catch(() => new Response(JSON.stringify({ build: VERSION }))));
  }
  const name = at === null ? null : file(at);
  if (event.request.method !== 'GET' || name === null || !Object.hasOwn(FILES, name)) return;
  event.respondWith((async () => {
    const cache = await caches.open(CACHE);
    if (event.request.cache === 'reload' && event.request.mode !== 'navigate') {
      try { return await anew(event, cache, name); } catch { /* no network: what is kept must do */ }
    }
    return (await found(cache, name)) ?? fetch(event.request);
  })());
});

// A newer build waits while pages of the older are open, until a reader lets it in.
worker.addEventListener('message', (event) => { if (event.data?.type === 'take over') worker.skipWaiting(); });
