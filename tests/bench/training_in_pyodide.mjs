// Runs a Python script of this repository in Pyodide under Node, with the site's numpy: training_bench.py by default.
//   node tests/bench/training_in_pyodide.mjs [script, from the repository's root] [its arguments]
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const repo = resolve(import.meta.dirname, "../..");
const [script = "tests/bench/training_bench.py", ...args] = process.argv.slice(2);
const wheels = join(repo, "build/wheels");
const wheel = join(wheels, readdirSync(wheels).find((name) => name.startsWith("numpy-")));
const { loadPyodide } = await import(pathToFileURL(join(repo, "node_modules/pyodide/pyodide.mjs")));
const pyodide = await loadPyodide();
pyodide.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
pyodide.mountNodeFS("/repository", repo);
pyodide.globals.set("given", pyodide.toPy([`/repository/${script}`, ...args]));
await pyodide.runPythonAsync(`
import runpy, sys
sys.dont_write_bytecode = True
sys.argv = given
sys.path.insert(0, "/repository")
runpy.run_path(given[0], run_name="__main__")
`);
