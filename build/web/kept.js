// What this browser keeps of further models, in Cache Storage: the list of a model's parts (manifest.json, by
// build/real.py) and the parts themselves, so that a model is fetched once and is there without a network.

/** @typedef {{url: string, bytes: number, sha256: string}} Part */
/** @typedef {{name: string, file: string, bytes: number, memory: number, parts: Part[]}} Manifest of a model's parts */

export const CACHE = 'transformer-explainer models'; // of no build: a newer one has the same parts
export const LIST = 'manifest.json';

/** The cache, or null where there is none (a page from a disk, plain http, private windows).
 * @returns {Promise<Cache | null>} */
export async function store() {
  try { return await caches.open(CACHE); } catch { return null; }
}

/** Whether this is a list of parts, and no page that a network put in its place. @param {any} found */
export const isList = (found) => Array.isArray(found?.parts) && Number.isFinite(found.bytes);

/** The list of a model's parts that is kept, if one is. @param {Cache | null} cache @param {URL} folder
 * @returns {Promise<Manifest | null>} */
export async function keptList(cache, folder) {
  try {
    const found = await (await cache?.match(new URL(LIST, folder)))?.json();
    return isList(found) ? found : null;
  } catch { return null; }
}

/** How many bytes of a model are here, so that choosing it need not fetch them; null where nothing can be kept.
 * @param {URL} folder where its manifest.json is @returns {Promise<{bytes: number, total: number} | null>} */
export async function kept(folder) {
  const cache = await store();
  if (!cache) return null;
  const list = await keptList(cache, folder);
  if (!list) return { bytes: 0, total: 0 };
  const found = await Promise.all(list.parts.map((part) => cache.match(new URL(part.url, folder))));
  return { bytes: list.parts.reduce((sum, part, i) => sum + (found[i] ? part.bytes : 0), 0), total: list.bytes };
}

/** Let go of what is kept of a model, or of all models below a folder. Returns whether there was anything.
 * @param {URL} folder */
export async function forget(folder) {
  const cache = await store();
  if (!cache) return false;
  const all = await cache.keys();
  const ours = all.filter(({ url }) => url.startsWith(folder.href));
  for (const request of ours) await cache.delete(request);
  if (ours.length === all.length) await caches.delete(CACHE);
  return ours.length > 0;
}
