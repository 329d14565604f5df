// As Panel's pyodide_worker.js, without CDN and micropip.
import { loadPyodide } from './pyodide.mjs';
const page = new URL(self.location).searchParams.get('page');
try {
  const py = await loadPyodide({ indexURL: new URL('./', self.location).href });
  for (const archive of ['numpy.zip', 'packages.zip', 'site.zip']) {
    const bytes = await (await fetch(archive)).arrayBuffer();
    py.unpackArchive(new Uint8Array(bytes), 'zip', { extractDir: '/lib/python3.14/site-packages' });
  }
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
