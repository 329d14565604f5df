// A further model's file in the worker: fetched in parts, or dropped by the reader, and read by Python slice by slice.
//
// The parts (build/real.py) are kept in Cache Storage as they come, so that a download that was cancelled or broken
// goes on where it was; each is checked by its SHA-256, also when it comes from the cache. What is kept are Blobs,
// which lie with the browser, not in our memory; Python asks for slices of their sum (Slices in models/registry.py).

/** @typedef {{url: string, bytes: number, sha256: string}} Part */
/** @typedef {{name: string, file: string, bytes: number, memory: number, parts: Part[]}} Manifest of a model's parts */
/** @typedef {{loaded: number, total: number, kept: number}} Progress in bytes; kept: those that had been here before */

export const CACHE = 'transformer-explainer models'; // of no build: a newer one has the same parts
const AT_ONCE = 3;
const ATTEMPTS = 3; // for each part

/** What can go wrong, as a sentence for the reader. */
export class ModelError extends Error {}

/** @param {Blob} blob */
async function sha256(blob) {
  const hash = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {Part} part @param {Blob} blob */
const right = async (part, blob) => blob.size === part.bytes && (await sha256(blob)) === part.sha256;

/** The cache, or null where there is none (a page from a disk, private windows). @returns {Promise<Cache | null>} */
async function store() {
  try { return await caches.open(CACHE); } catch { return null; }
}

/** One part from the network; reports its bytes as they come.
 * @param {URL} url @param {Part} part @param {AbortSignal} signal @param {(bytes: number) => void} came */
async function fetchPart(url, part, signal, came) {
  const response = await fetch(url, { signal });
  if (!response.ok || !response.body) throw new ModelError(`The server has no ${part.url} (${response.status}).`);
  const chunks = [];
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    came(value.length);
  }
  const blob = new Blob(chunks);
  if (!(await right(part, blob))) throw new ModelError(`${part.url} has arrived damaged.`);
  return blob;
}

/** The file of a model of the site, whole, as a Blob. What was here before is not fetched again.
 * @param {URL} folder where manifest.json is @param {(progress: Progress) => void} report @param {AbortSignal} signal
 * @returns {Promise<{manifest: Manifest, blob: Blob}>}
 * Raises ModelError with a sentence, and the signal's reason when it is aborted. */
export async function download(folder, report, signal) {
  const answer = await fetch(new URL('manifest.json', folder), { signal });
  if (!answer.ok) throw new ModelError('This site was built without that model.');
  const manifest = /** @type {Manifest} */ (await answer.json());
  const cache = await store();
  const progress = { loaded: 0, total: manifest.bytes, kept: 0 };
  /** @type {Blob[]} */
  const blobs = [];

  /** @param {Part} part @returns {Promise<Blob>} */
  async function get(part) {
    const url = new URL(part.url, folder);
    const kept = await (await cache?.match(url))?.blob();
    if (kept && await right(part, kept)) {
      progress.loaded += part.bytes;
      progress.kept += part.bytes;
      report(progress);
      return kept;
    }
    for (let attempt = 1; ; attempt += 1) {
      let here = 0;
      try {
        const blob = await fetchPart(url, part, signal, (bytes) => {
          here += bytes;
          progress.loaded += bytes;
          report(progress);
        });
        try { await cache?.put(url, new Response(blob)); } catch { /* no space: it works without */ }
        return blob;
      } catch (problem) {
        progress.loaded -= here;
        if (signal.aborted) throw problem;
        if (attempt === ATTEMPTS) {
          throw problem instanceof ModelError ? problem : new ModelError(`${part.url} could not be fetched.`);
        }
      }
    }
  }

  let next = 0;
  const lane = async () => {
    while (next < manifest.parts.length) {
      signal.throwIfAborted();
      const place = next;
      next += 1;
      try { blobs[place] = await get(manifest.parts[place]); } catch (problem) {
        next = manifest.parts.length; // no further part; what is on its way may arrive and be kept
        throw problem;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  return { manifest, blob: new Blob(blobs) };
}

/** Whether all parts of a model are here, so that choosing it costs no download.
 * @param {URL} folder @param {Manifest} manifest */
export async function isKept(folder, manifest) {
  const cache = await store();
  if (!cache) return false;
  const found = await Promise.all(manifest.parts.map((part) => cache.match(new URL(part.url, folder))));
  return found.every(Boolean);
}

/** Let go of what was kept of a model. @param {URL} folder */
export async function forget(folder) {
  const cache = await store();
  for (const request of await cache?.keys() ?? []) {
    if (request.url.startsWith(folder.href)) await cache?.delete(request);
  }
}

/** What Python reads a Blob (or a File that was dropped) with: bytes from `first` to `end`, at once, as only workers
 * can. @param {Blob} blob */
export const slicer = (blob) => (/** @type {number} */ first, /** @type {number} */ end) => (
  new Uint8Array(new FileReaderSync().readAsArrayBuffer(blob.slice(first, end))));
