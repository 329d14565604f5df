// node snapshot.mjs CONFIG.json : boot the patched Pyodide from the compiled closure, import what all pages share, and
// write one memory snapshot for the whole site, and what is known about the heap.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { zeroFree, zeroLibraryFiles, zeroStreamBuffers } from './heap.mjs';

const config = JSON.parse(fs.readFileSync(process.argv[2]));
process.on('uncaughtException', (e) => { // Node would print the whole minified file
  console.error(String(e?.message ?? e).slice(-4000), String(e?.stack ?? '').slice(-1500));
  process.exit(1);
});
globalThis.XMLHttpRequest ??= class {};
const { loadPyodide } = await import(pathToFileURL(path.join(config.pyodide, 'pyodide.mjs')));
const py = await loadPyodide({
  indexURL: config.pyodide, stdLibURL: config.stdlib, _makeSnapshot: true,
  env: { HOME: '/home/pyodide', PYTHONHASHSEED: '0' },
});
const SITE = '/lib/python3.14/site-packages';
const walk = (dir, at) => {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const [from, to] = [path.join(dir, entry.name), `${at}/${entry.name}`];
    if (entry.isDirectory()) { py.FS.mkdirTree(to); walk(from, to); } else py.FS.writeFile(to, fs.readFileSync(from));
  }
};
walk(config.site, SITE);
py.runPython('import sys; sys.path_importer_cache.clear()'); // what was known about directories before they were filled
for (const tool of ['warm.py', 'exercise.py']) {
  py.FS.writeFile(`/tmp/${tool}`, fs.readFileSync(path.join(config.tools, tool)));
}
const early = py.runPython(`
import sys
sys.path.insert(0, "/tmp")
_scope = {"__name__": "warm"}
exec(compile(open("/tmp/warm.py").read(), "warm.py", "exec"), _scope)
_early = _scope["run"](${JSON.stringify(JSON.stringify(config))})
sys.path.remove("/tmp")
sys.path_importer_cache.clear()
del _scope
_early
`);
for (const tool of ['warm.py', 'exercise.py']) py.FS.unlink(`/tmp/${tool}`);
if (config.report) {
  py.FS.writeFile('/tmp/heap_report.py', fs.readFileSync(path.join(config.tools, 'heap_report.py')));
  fs.writeFileSync(config.report, py.runPython(
    '_scope = {"__name__": "heap_report"}; exec(open("/tmp/heap_report.py").read(), _scope); _scope["report"]()'));
  process.exit(0); // the report's own objects do not belong in a snapshot
}
const streams = JSON.parse(py.runPython(`
import gc, io, json, sys
for _stream in (sys.stdout, sys.stderr):
    _stream.flush()
json.dumps([id(o) for o in gc.get_objects() if isinstance(o, (io.BufferedReader, io.BufferedWriter))])
`));
py.runPython('del _early; import gc; gc.collect(); gc.collect(); gc.freeze()');
fs.mkdirSync(config.output, { recursive: true });
const libraryFiles = py._module.__dsoLog.map((d) => py.FS.readFile(d.libName));
const free = {
  ...zeroFree(py._module),
  libraryFiles: zeroLibraryFiles(py._module, libraryFiles),
  streams: zeroStreamBuffers(py._module, streams),
};
const references = [];
const snapshot = py.makeMemorySnapshot({
  serializer: (object) => { references.push(`${typeof object} ${String(object).slice(0, 60)}`); return {}; },
});
const libraries = py._module.__dsoLog.map((d) => d.libName);
fs.writeFileSync(path.join(config.output, 'snapshot.bin'), snapshot);
fs.writeFileSync(path.join(config.output, 'libraries.json'), JSON.stringify(libraries));
console.log(JSON.stringify({
  raw: snapshot.length, libraries: libraries.length, free, references, early: JSON.parse(early),
}));
process.exit(0);
