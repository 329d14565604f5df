// A Python resumed from the site's snapshot, under Node.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

process.on('uncaughtException', (e) => { // Node would print the whole minified file
  console.error(String(e?.message ?? e).slice(-4000), String(e?.stack ?? '').slice(-1500));
  process.exit(1);
});
globalThis.XMLHttpRequest ??= class {};

/** configFile: config.json in the folder of a snapshot (build/runtime.py). Resolves to Pyodide. */
export async function resumed(configFile) {
  const config = JSON.parse(fs.readFileSync(configFile));
  const { loadPyodide } = await import(pathToFileURL(path.join(config.pyodide, 'pyodide.mjs')));
  const snapshot = new Uint8Array(fs.readFileSync(path.join(config.output, 'snapshot.bin')));
  const before = new DataView(snapshot.buffer).getUint32(4, true); // where the memory begins
  const SITE = '/lib/python3.14/site-packages/';
  const modules = new Map();
  for (const name of JSON.parse(fs.readFileSync(path.join(config.output, 'libraries.json')))) {
    modules.set(name, new WebAssembly.Module(fs.readFileSync(path.join(config.site, name.slice(SITE.length)))));
  }
  return loadPyodide({
    indexURL: config.pyodide, _loadSnapshot: snapshot.slice(0, before),
    _snapshotDeserializer: () => ({}), _installStdlib: () => {},
    _image: {
      size: snapshot.length - before,
      write: (heap, from, to) => heap.set(snapshot.subarray(before + from, before + to), from),
    },
    _libraryModule: (name) => modules.get(name),
  });
}
