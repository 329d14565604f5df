// node restore.mjs CONFIG.json [CODE] : resume the snapshot under Node, time it, and run CODE (Python) in it.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const config = JSON.parse(fs.readFileSync(process.argv[2]));
process.on('uncaughtException', (e) => { console.error(String(e?.message ?? e).slice(-4000), String(e?.stack ?? '').slice(-1500)); process.exit(1); }); // Node would print the whole minified file
globalThis.XMLHttpRequest ??= class {};
const { loadPyodide } = await import(pathToFileURL(path.join(config.pyodide, 'pyodide.mjs')));
const snapshot = new Uint8Array(fs.readFileSync(path.join(config.output, 'snapshot.bin')));
const before = new DataView(snapshot.buffer).getUint32(4, true); // where the memory begins
const SITE = '/lib/python3.14/site-packages/';
const modules = new Map();
for (const name of JSON.parse(fs.readFileSync(path.join(config.output, 'libraries.json')))) {
  modules.set(name, new WebAssembly.Module(fs.readFileSync(path.join(config.site, name.slice(SITE.length)))));
}
const began = performance.now();
const py = await loadPyodide({
  indexURL: config.pyodide, _loadSnapshot: snapshot.slice(0, before), _snapshotDeserializer: () => ({}), _installStdlib: () => {},
  _image: { size: snapshot.length - before, write: (heap, from, to) => heap.set(snapshot.subarray(before + from, before + to), from) },
  _libraryModule: (name) => modules.get(name),
});
console.log(`resumed in ${Math.round(performance.now() - began)} ms`);
if (process.argv[3]) console.log(await py.runPythonAsync(process.argv[3].startsWith('@') ? fs.readFileSync(process.argv[3].slice(1), 'utf8') : process.argv[3]));
process.exit(0);
