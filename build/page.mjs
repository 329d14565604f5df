// node page.mjs CONFIG.json : resume the snapshot under Node, with the sources mounted, and let page_run.py make one
// page's pack and stills in it.
import fs from 'node:fs';
import path from 'node:path';
import { resumed } from './resumed.mjs';

const config = JSON.parse(fs.readFileSync(process.argv[2]));
const py = await resumed(config.image);
const there = py.runPython('import sys, json; json.dumps(list(sys.modules))');
const mount = (host, at) => { py.FS.mkdirTree(at); py.FS.mount(py.FS.filesystems.NODEFS, { root: host }, at); };
py.FS.mkdirTree('/lib/python3.14/site-packages');
py.FS.writeFile('/lib/python314.zip', fs.readFileSync(config.stdlib)); // sources: what the snapshot holds is in memory
config.mounts.forEach(({ host, at }) => mount(host, at));
mount(config.output, '/out');
py.FS.mkdirTree('/out/kept');
mount(config.kept, '/out/kept');
for (const [name, file] of Object.entries(config.files)) { // what a live page has of the site's files, weights for one
  py.FS.mkdirTree(path.posix.dirname(name));
  py.FS.writeFile(name, fs.readFileSync(file));
}
py.FS.mkdirTree('/tools');
for (const tool of ['slim.py', 'trims.py', 'closure.py', 'exercise.py', 'page_run.py']) {
  py.FS.writeFile(`/tools/${tool}`, fs.readFileSync(path.join(config.tools, tool)));
}
py.runPython('import sys, zipimport; zipimport._zip_directory_cache.clear(); sys.path_importer_cache.clear(); '
  + 'sys.path.insert(0, "/tools"); import page_run');
const run = py.runPython('page_run.run');
const result = run(JSON.stringify({ ...config, there: JSON.parse(there), roots: config.mounts.map((m) => m.at) }));
fs.writeFileSync(path.join(config.output, 'result.json'), result);
const { error } = JSON.parse(result);
if (error) { console.error(error); process.exit(1); }
process.exit(0); // mounts keep Node alive
