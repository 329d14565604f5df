// A further model's file in the worker: fetched in parts, or dropped by the reader, and read by Python slice by slice.
//
// The parts (build/real.py) are kept in Cache Storage as they come, with their list (kept.js), so that a download that
// was cancelled or broken goes on where it was, and a model that is here needs no network; each is checked by its
// SHA-256, also when it comes from the cache. What is kept are Blobs, which lie with the browser, not in our memory;
// Python asks for slices of their sum (Slices in models/registry.py).
import { LIST, isList, keptList, store } from './kept.js';
import { hex, integrity, subtle } from './sums.js';
import { afterTurns } from './turns.js';

/** @typedef {import('./kept.js').Part} Part */
/** @typedef {import('./kept.js').Manifest} Manifest */
/** @typedef {{loaded: number, total: number, kept: number}} Progress in bytes; kept: those that had been here before */

const AT_ONCE = 3;
const ATTEMPTS = 3; // for each part
const PATIENCE = 20_000; // ms without a byte, after which a connection counts as stalled

/** What can go wrong, as a sentence for the reader. */
export class ModelError extends Error {}

/** @param {Part} part @param {Blob} blob */
async function right(part, blob) {
  if (blob.size !== part.bytes) return false;
  const sums = subtle(); // where there are none, the browser has checked what was fetched, and nothing is kept
  return !sums || hex(await sums.digest('SHA-256', await blob.arrayBuffer())) === part.sha256;
}

/** A fetch that is given up when the signal says so, or when nothing has come for too long: then `problem` is raised.
 * @template T @param {AbortSignal} signal @param {number} patience in ms @param {ModelError} problem
 * @param {(signal: AbortSignal, alive: () => void) => Promise<T>} get calls `alive` whenever something has come
 * @returns {Promise<T>} */
async function patiently(signal, patience, problem, get) {
  const over = new AbortController();
  const cancel = () => over.abort(signal.reason);
  signal.addEventListener('abort', cancel);
  const wait = () => afterTurns(patience, () => over.abort(problem));
  let stop = wait();
  try {
    signal.throwIfAborted();
    return await get(over.signal, () => { stop(); stop = wait(); });
  } finally {
    stop();
    signal.removeEventListener('abort', cancel);
  }
}

/** One part from the network; reports its bytes as they come.
 * @param {URL} url @param {Part} part @param {AbortSignal} signal @param {(bytes: number) => void} came */
async function fetchPart(url, part, signal, came) {
  const response = await fetch(url, { signal, ...(subtle() ? {} : { integrity: integrity(part.sha256) }) });
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

/** The list of a model's parts: the server's, or, where it gives none (no network, for one), the one that is kept.
 * @param {URL} folder @param {Cache | null} cache @param {AbortSignal} signal @param {number} patience
 * @returns {Promise<Manifest>} */
async function listOf(folder, cache, signal, patience) {
  let status = 0;
  try {
    const list = await patiently(signal, patience, new ModelError('No answer.'), async (over) => {
      const answer = await fetch(new URL(LIST, folder), { signal: over, cache: 'no-cache' });
      status = answer.status;
      return answer.ok ? answer.json() : null;
    });
    if (isList(list)) return list;
  } catch { signal.throwIfAborted(); }
  const list = await keptList(cache, folder);
  if (list) return list;
  if (status === 404) throw new ModelError('This site was built without that model.');
  throw new ModelError(
    `What the model consists of could not be fetched (${status ? `HTTP ${status}` : 'no answer from the server'}).`);
}

/** Keep the list, and of the parts only those that are on it.
 * @param {URL} folder @param {Cache} cache @param {Manifest} list */
async function keepTo(folder, cache, list) {
  try {
    await cache.put(new URL(LIST, folder), Response.json(list));
    const right = new Set([LIST, ...list.parts.map((part) => part.url)].map((name) => new URL(name, folder).href));
    for (const request of await cache.keys()) {
      if (request.url.startsWith(folder.href) && !right.has(request.url)) await cache.delete(request);
    }
  } catch { /* no space: it works without */ }
}

/** The file of a model of the site, whole, as a Blob. What was here before is not fetched again.
 * @param {URL} folder where manifest.json is @param {(progress: Progress) => void} report @param {AbortSignal} signal
 * @param {number} [patience] ms without a byte after which a connection counts as stalled
 * @returns {Promise<{manifest: Manifest, blob: Blob}>}
 * Raises ModelError with a sentence, and the signal's reason when it is aborted. */
export async function download(folder, report, signal, patience = PATIENCE) {
  const cache = await store();
  const manifest = await listOf(folder, cache, signal, patience);
  // with the first part, so that it is known how much is here; with all of them, so that they fit together
  if (cache && !(await keptList(cache, folder))) await keepTo(folder, cache, manifest);
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
    const stalled = new ModelError(
      `${part.url} stopped coming: no byte arrived for ${Math.round(patience / 1000)} seconds. `
      + (cache ? 'What has come is kept: load it again, and it goes on from there.' : 'Load it again.'));
    for (let attempt = 1; ; attempt += 1) {
      let here = 0;
      try {
        const blob = await patiently(signal, patience, stalled, (over, alive) => fetchPart(url, part, over, (bytes) => {
          alive();
          here += bytes;
          progress.loaded += bytes;
          report(progress);
        }));
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
  if (cache) await keepTo(folder, cache, manifest);
  return { manifest, blob: new Blob(blobs) };
}

/** What Python reads a Blob (or a File that was dropped) with: bytes from `first` to `end`, at once, as only workers
 * can. @param {Blob} blob */
export const slicer = (blob) => (/** @type {number} */ first, /** @type {number} */ end) => (
  new Uint8Array(new FileReaderSync().readAsArrayBuffer(blob.slice(first, end))));
