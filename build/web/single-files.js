import createPyodideModule from 'pyodide-module';

const files = new Map();
const wanted = new Map();
let full = false; // all files of this file have been handed over
const missing = (name) => new Error(`“${name}” is not in this file`);
self.addEventListener('message', ({ data }) => {
  if (data?.type === 'files') { // that was all
    full = true;
    for (const name of wanted.keys()) if (!files.has(name)) wanted.get(name)(Promise.reject(missing(name)));
  }
  if (data?.type !== 'file') return;
  files.set(data.name, data.data);
  wanted.get(data.name)?.(data.data);
});
globalThis.explainerPyodideModule = createPyodideModule;
globalThis.explainerAsset = async (name) => {
  if (files.has(name)) return files.get(name);
  if (full) throw missing(name);
  return new Promise((resolve) => { wanted.set(name, resolve); });
};
// Pyodide will not start where this exists (a classic worker); nothing here uses it
Object.defineProperty(self, 'importScripts', { value: undefined });
