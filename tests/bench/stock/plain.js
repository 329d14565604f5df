// The model bench in Pyodide: numpy and `explainer`, nothing else.
import { loadPyodide } from './pyodide.mjs';
try {
  const py = await loadPyodide({ indexURL: new URL('./', self.location).href });
  for (const archive of ['numpy.zip', 'site.zip', 'bench.zip']) {
    const bytes = await (await fetch(archive)).arrayBuffer();
    py.unpackArchive(new Uint8Array(bytes), 'zip', { extractDir: '/lib/python3.14/site-packages' });
  }
  self.postMessage({ type: 'result', value: py.runPython('import json, model_bench; json.dumps(model_bench.run())') });
} catch (problem) {
  self.postMessage({ type: 'failed', value: String(problem) });
}
