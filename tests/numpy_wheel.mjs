// Runs tests/numpy_smoke.py and tests/numpy_blas_cases.py in Pyodide under Node, with numpy from the given wheel.
//   node numpy_wheel.mjs <pyodide folder> <wheel>        prints one JSON object
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, wheel] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
const pyodide = await loadPyodide({ stdout: (line) => console.error(line) });
pyodide.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
for (const name of ["numpy_smoke.py", "numpy_blas_cases.py"])
  pyodide.FS.writeFile(`/home/pyodide/${name}`, readFileSync(join(import.meta.dirname, name)));

console.log(
  await pyodide.runPythonAsync(`
import json, time, warnings
warnings.simplefilter("error")
start = time.perf_counter()
import numpy as np
importing = time.perf_counter() - start

import numpy_blas_cases, numpy_smoke
json.dumps({
    "version": np.__version__,
    "blas": np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"],
    "import_s": importing,
    "large_and_ones": float(np.dot(np.r_[2.0**24, np.ones(1023)].astype("f4"), np.ones(1024, "f4"))),
    "smoke": numpy_smoke.run(),
    "blas_cases": numpy_blas_cases.run(),
})
`),
);
