import createPyodideModule from 'pyodide-module';

/** @type {Map<string, Uint8Array<ArrayBuffer>>} */
const files = new Map();
/** @type {Map<string, (data: Uint8Array<ArrayBuffer> | PromiseLike<never>) => void>} who waits for it */
const wanted = new Map();
let full = false; // all files of this file have been handed over
/** @param {string} name */
const missing = (name) => new Error(`“${name}” is not in this file`);
self.addEventListener('message', ({ data }) => {
  if (data?.type === 'files') { // that was all
    full = true;
    for (const [name, take] of wanted) if (!files.has(name)) take(Promise.reject(missing(name)));
  }
  if (data?.type !== 'file') return;
  files.set(data.name, data.data);
  wanted.get(data.name)?.(data.data);
});
self.explainerPyodideModule = createPyodideModule;
self.explainerAsset = async (name) => {
  const here = files.get(name);
  if (here) return here;
  if (full) throw missing(name);
  return new Promise((resolve) => { wanted.set(name, resolve); });
};
// Pyodide will not start where this exists (a classic worker); nothing here uses it
Object.defineProperty(self, 'importScripts', { value: undefined });
