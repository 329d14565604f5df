// Runs tests/golden/compare.py in Pyodide under Node, with numpy from the given wheel and this repository's explainer.
//   node golden_in_pyodide.mjs <pyodide folder> <wheel>        prints one JSON object
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, wheel] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
const pyodide = await loadPyodide({ stdout: (line) => console.error(line) });
pyodide.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
pyodide.mountNodeFS("/repository", resolve(import.meta.dirname, ".."));

console.log(
  await pyodide.runPythonAsync(`
import json, sys, warnings
warnings.simplefilter("error")
sys.dont_write_bytecode = True
sys.path.insert(0, "/repository")
from tests.golden import compare
json.dumps({"platform": sys.platform, "distances": compare.everything()})
`),
);
