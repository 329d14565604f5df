// Runs tests/golden/compare_models.py in Pyodide under Node; the real model comes by slices, as from a browser's file.
//   node models_in_pyodide.mjs <pyodide folder> <numpy wheel> [gguf]      prints one JSON object
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, wheel, gguf] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(join(folder, 'pyodide.mjs')));
const pyodide = await loadPyodide({ stdout: (line) => console.error(line) });
pyodide.unpackArchive(new Uint8Array(readFileSync(wheel)), 'wheel');
pyodide.mountNodeFS('/repository', resolve(import.meta.dirname, '..'));
pyodide.runPython(`
import sys, warnings
warnings.simplefilter("error")
sys.dont_write_bytecode = True
sys.path.insert(0, "/repository")
from tests.golden import compare_models
`);
const compare = pyodide.globals.get('compare_models');
const said = { tiny: compare.tiny().toJs({ dict_converter: Object.fromEntries }) };
if (gguf) {
  const file = openSync(gguf);
  const slice = (first, end) => {
    const bytes = new Uint8Array(end - first);
    for (let at = 0; at < bytes.length;) at += readSync(file, bytes, at, bytes.length - at, first + at);
    return bytes;
  };
  said.smollm2 = compare.smollm2(fstatSync(file).size, slice).toJs({ dict_converter: Object.fromEntries });
  closeSync(file);
}
said.heap = pyodide._module.HEAPU8.length;
console.log(JSON.stringify(said));
