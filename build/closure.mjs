// node closure.mjs CONFIG.json RESULT.json : run closure.py inside the pinned Pyodide, with the sources mounted
// read-only.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [configFile, resultFile] = process.argv.slice(2);
const config = JSON.parse(fs.readFileSync(configFile));
process.on('uncaughtException', (e) => { // Node would print the whole minified file
  console.error(String(e?.message ?? e).slice(-4000), String(e?.stack ?? '').slice(-1500));
  process.exit(1);
});
globalThis.XMLHttpRequest ??= class {};
const { loadPyodide } = await import(pathToFileURL(path.join(config.pyodide, 'pyodide.mjs')));
const py = await loadPyodide({ indexURL: config.pyodide, env: { HOME: '/home/pyodide', PYTHONHASHSEED: '0' } });
const mount = (host, at) => { py.FS.mkdirTree(at); py.FS.mount(py.FS.filesystems.NODEFS, { root: host }, at); };
config.mounts.forEach(({ host, at }) => mount(host, at));
fs.mkdirSync(config.output, { recursive: true });
mount(config.output, '/out');
fs.mkdirSync(config.kept, { recursive: true });
py.FS.mkdirTree('/out/kept'); // made on the host, too
mount(config.kept, '/out/kept');
py.FS.mkdirTree('/tools');
for (const tool of ['slim.py', 'trims.py', 'closure.py', 'exercise.py']) {
  py.FS.writeFile(`/tools/${tool}`, fs.readFileSync(path.join(config.tools, tool)));
}
py.runPython('import sys; sys.path.insert(0, "/tools"); import closure');
const run = py.runPython('closure.run');
const result = run(JSON.stringify({
  roots: config.mounts.map((m) => m.at), own: config.own, base: config.base, out: '/out',
  options: config.options, extra: config.extra, apart: config.apart,
}));
fs.writeFileSync(resultFile, result);
const { error } = JSON.parse(result);
if (error) { console.error(error); process.exit(1); }
process.exit(0); // mounts keep Node alive
