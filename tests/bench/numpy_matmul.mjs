// How fast the wheel multiplies float32 and float64 matrices, and how long it takes to import, in Pyodide under Node.
//   node tests/bench/numpy_matmul.mjs [pyodide folder] [wheel]
// In processor time, not by the clock, so that a busy machine spoils the figures less.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const repo = resolve(import.meta.dirname, "../..");
const folder = resolve(process.argv[2] ?? join(repo, "node_modules/pyodide"));
const wheel = process.argv[3] ?? join(repo, "build/wheels/numpy-2.4.6-cp314-cp314-pyemscripten_2026_0_wasm32.whl");
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
const pyodide = await loadPyodide();
pyodide.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
console.log(
  await pyodide.runPythonAsync(`
from js import process

def now():
    usage = process.cpuUsage()
    return (usage.user + usage.system) / 1e6

start = now()
import numpy as np
lines = [f"import {now() - start:.2f} s"]

def fastest(work, windows=12, window=0.02):
    """The least processor time that one call takes, over several windows."""
    count, best = 1, float("inf")
    while windows:
        start = now()
        for _ in range(count):
            work()
        spent = now() - start
        if spent < window:
            count *= 2
            continue
        windows -= 1
        best = min(best, spent / count)
    return best

for n in (16, 32, 64, 128, 256, 512):
    for dtype in ("f4", "f8"):
        a, b, c = (np.random.default_rng(0).standard_normal((n, n)).astype(dtype) for _ in range(3))
        square = 2 * n**3 / fastest(lambda: np.matmul(a, b, out=c)) / 1e9
        row = 2 * n * n / fastest(lambda: np.matmul(a[0], b, out=c[0])) / 1e9
        lines.append(f"{dtype} N={n:3}: NxN by NxN {square:5.1f} GFLOP/s, 1xN by NxN {row:5.1f}")
"\\n".join(lines)
`),
);
