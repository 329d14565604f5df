// As Panel's pyodide_worker.js: micropip installs the wheels, all from this server.
import { loadPyodide } from './pyodide.mjs';
const page = new URL(self.location).searchParams.get('page');
try {
  const py = await loadPyodide({ indexURL: new URL('./', self.location).href });
  const unpack = async (archive) => py.unpackArchive(
    new Uint8Array(await (await fetch(archive)).arrayBuffer()), 'zip',
    { extractDir: '/lib/python3.14/site-packages' },
  );
  // data archives, and what loadPackage does
  for (const archive of ['site.zip', 'numpy.zip', 'micropip.zip']) await unpack(archive);
  py.globals.set('wheels', JSON.stringify(
    (await (await fetch('wheels.json')).json()).map((name) => new URL(name, self.location).href)));
  await py.runPythonAsync(`
import json, micropip
await micropip.install(json.loads(wheels), deps=False)
`);
  py.globals.set('page', page);
  const [docs, items, roots] = (await py.runPythonAsync(`
import panel as pn
from panel.io.pyodide import init_doc, _doc_json, _link_docs_worker
from panel.io.state import state
init_doc()
pn.extension()
from pages import DOCUMENTS
for component in DOCUMENTS[page]():
    component.servable()
doc = state.curdoc
from pyodide.ffi import to_js
to_js(list(_doc_json(doc)))
`));
  py.globals.set('sendPatch', () => {});
  await py.runPythonAsync('_link_docs_worker(doc, sendPatch)');
  self.postMessage({ type: 'render', docs, items, roots });
} catch (problem) {
  self.postMessage({ type: 'failed', message: String(problem) });
}
