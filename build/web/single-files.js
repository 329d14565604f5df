import createPyodideModule from 'pyodide-module';

const files = new Map();
const wanted = new Map();
self.addEventListener('message', ({ data }) => {
  if (data?.type !== 'file') return;
  files.set(data.name, data.data);
  wanted.get(data.name)?.(data.data);
});
globalThis.explainerPyodideModule = createPyodideModule;
globalThis.explainerAsset = (name) => (files.has(name) ? files.get(name) : new Promise((resolve) => { wanted.set(name, resolve); }));
// Pyodide will not start where this exists (a classic worker); nothing here uses it
Object.defineProperty(self, 'importScripts', { value: undefined });
