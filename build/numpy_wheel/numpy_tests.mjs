// numpy's own tests, in Pyodide under Node, on the wheel before slimming (it holds the tests).
//   node numpy_tests.mjs <pyodide folder> <wheel> <folder with pytest and hypothesis> [module...]
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, wheel, packages] = process.argv.slice(2, 5).map((path) => resolve(path));
const given = process.argv.slice(5);
const modules = given.length
  ? given
  : ["_core.tests.test_umath", "_core.tests.test_ufunc", "_core.tests.test_numeric", "_core.tests.test_multiarray",
     "_core.tests.test_einsum", "linalg.tests", "fft.tests", "random.tests"];
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
const pyodide = await loadPyodide({ env: { HOME: "/home/pyodide" } });
pyodide.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
pyodide.FS.mkdirTree("/packages");
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: packages }, "/packages");
const status = await pyodide.runPythonAsync(`
import sys, warnings
sys.path.append("/packages")
import importlib.util, os, pytest
paths = []
for name in ${JSON.stringify(modules)}:
    spec = importlib.util.find_spec("numpy." + name)
    paths.append(os.path.dirname(spec.origin) if spec.submodule_search_locations else spec.origin)
os.chdir("/home/pyodide")
int(pytest.main(["-q", "-p", "no:cacheprovider", "-m", "not slow", "--tb=short", "--no-header", "-rf", *paths]))
`);
process.exit(status);
