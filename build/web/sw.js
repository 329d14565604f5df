// Repeat visits with the network off. One cache per build, filled whole before it is used: a page never mixes two builds.
// The build writes VERSION and FILES ({path: sha256 in base64}) in front of this file.
/* global VERSION, FILES, FIRST */
const SCOPE = new URL('./', self.location.href);
const NAME = `explainer ${SCOPE.pathname} `;
const CACHE = NAME + VERSION;
const path = (url) => { const u = new URL(url); return u.origin === SCOPE.origin && u.pathname.startsWith(SCOPE.pathname) ? decodeURIComponent(u.pathname.slice(SCOPE.pathname.length)) : null; };
const file = (p) => (p === '' || p.endsWith('/') ? `${p}index.html` : p);

async function digest(buffer) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', buffer));
  return btoa(String.fromCharCode(...hash));
}

/** Fetch one file of this build into its cache; a file of another build, or a broken one, is refused. */
async function keep(cache, name) {
  const url = new URL(name.replace(/(^|\/)index\.html$/, '$1'), SCOPE);
  for (const how of ['no-cache', 'reload']) { // a server that goes by dates alone may take an older file for the same
    const response = await fetch(url, { cache: how });
    const body = await response.arrayBuffer();
    if (!response.ok || (await digest(body)) !== FILES[name]) continue;
    const headers = new Headers(response.headers);
    headers.delete('content-encoding');
    headers.delete('content-length');
    await cache.put(url, new Response(body, { headers }));
    return;
  }
  throw new Error(`${name} is not of this build`);
}

self.addEventListener('install', (event) => event.waitUntil((async () => {
  const cache = await caches.open(CACHE);
  try {
    for (const name of FIRST) if (!(await cache.match(new URL(name.replace(/(^|\/)index\.html$/, '$1'), SCOPE)))) await keep(cache, name);
  } catch (problem) { // quota, network, or a newer build on the server: stay out of the way, try again at the next visit
    await caches.delete(CACHE);
    throw problem;
  }
})()));

self.addEventListener('activate', (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith(NAME) && name !== CACHE) await caches.delete(name);
})()));

self.addEventListener('fetch', (event) => {
  const name = path(event.request.url);
  if (name === 'build.json') return event.respondWith(fetch(event.request).catch(() => new Response(JSON.stringify({ build: VERSION }))));
  if (event.request.method !== 'GET' || name === null || !(file(name) in FILES)) return;
  event.respondWith((async () => {
    const cache = await caches.open(CACHE);
    const known = new URL(event.request.url);
    known.search = '';
    known.hash = '';
    const found = await cache.match(known.href.replace(/index\.html$/, ''));
    if (found) return found;
    return fetch(event.request);
  })());
});

// A newer build waits while pages of the older are open, until a reader lets it in.
self.addEventListener('message', (event) => { if (event.data?.type === 'take over') self.skipWaiting(); });
