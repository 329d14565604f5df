"""SmolLM2 here and in what a reader would take instead, in one run: `python tests/bench/real_bench.py`.

    numpy          this project's forward pass with all its records, CPython, one thread
    page           the same in Pyodide with the site's numpy, under Node; and the heap that it takes
    onnxruntime    the same weights as a graph of ONNX (`onnx_llama.py`, no torch), float32, one thread
    chromium       the page: seconds from the press to the figures, and memory before, with the model, and after leaving
    onnxruntime-web  that graph in WebAssembly, one thread, under Node
    llama.cpp      the file as it is, Q4_1, one thread, by the package xllamacpp

14 tokens are read, then 20 written, each the likeliest. Peers that are not installed are named and left out; they are
no dependencies of this project. `PEERS` is a Python that has onnx, onnxruntime and xllamacpp (default: this one),
`ORT_WEB` a folder with node_modules/onnxruntime-web. Ratios within one run are what counts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]
FILE = ROOT / "_cache" / "real" / "SmolLM2-135M-Instruct.Q4_1.gguf"
ONNX = ROOT / "_bench" / "smollm2.onnx"
TEXT = "When Mary and John went to the store, John gave a drink to"
STEPS = 20
ROUNDS = int(os.environ.get("RUNS", "3"))
ONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def loaded() -> Any:
    """The model from its file."""
    from explainer.models import registry

    with FILE.open("rb", buffering=0) as file:
        return registry.load({FILE.name: file}, "smollm2-135m")


def ours() -> dict[str, Any]:
    """Our own pass: every record of the trace is kept, as figures need them."""
    from explainer.kernel.cache import KVCache, step
    from explainer.kernel.model import forward

    began = time.perf_counter()
    model = loaded()
    ready = time.perf_counter() - began
    m, tokens = model.model, model.tokenizer.encode(TEXT)
    forward(m.params, tokens, m.config)
    began = time.perf_counter()
    trace = forward(m.params, tokens, m.config)
    read = time.perf_counter() - began
    cache, token, steps, written = KVCache.of(trace), int(trace["logits"][-1].argmax()), [], []
    for _ in range(STEPS):
        written.append(token)
        began = time.perf_counter()
        done = step(m.params, cache, token)
        steps.append(time.perf_counter() - began)
        cache, token = done.cache, int(done.logits.argmax())
    found = {"ready": ready, "read": read, "step": statistics.median(steps), "says": written}
    if sys.platform == "emscripten":
        import pyodide_js  # type: ignore[import-not-found]

        found["heap"] = int(pyodide_js._module.HEAPU8.length)
    return found


def onnxruntime() -> dict[str, Any]:
    """The same weights in onnxruntime."""
    import numpy as np
    import onnxruntime as ort  # type: ignore[import-not-found]

    from tests.bench import onnx_llama

    tokens = loaded().tokenizer.encode(TEXT)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    began = time.perf_counter()
    session = ort.InferenceSession(str(ONNX), options, providers=["CPUExecutionProvider"])
    ready = time.perf_counter() - began
    names = [out.name for out in session.get_outputs()]

    def run(new: list[int], past: dict[str, Any]) -> tuple[dict[str, Any], float]:
        given = onnx_llama.inputs(new, past)
        began = time.perf_counter()
        out = dict(zip(names, session.run(None, given), strict=True))
        return out, time.perf_counter() - began

    run(tokens, onnx_llama.empty())
    out, read = run(tokens, onnx_llama.empty())
    written, steps = [], []
    for _ in range(STEPS):
        written.append(int(np.argmax(out["logits"])))
        out, took = run([written[-1]], onnx_llama.past_of(out))
        steps.append(took)
    return {"ready": ready, "read": read, "step": statistics.median(steps), "says": written}


def llama_cpp() -> dict[str, Any]:
    """llama.cpp on the file as it is: its products are of 4-bit weights, whose bytes are a fifth of float32's."""
    import xllamacpp as xlc  # type: ignore[import-not-found]

    params = xlc.CommonParams()
    params.model.path = str(FILE)
    params.n_ctx, params.n_parallel = 512, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = True
    began = time.perf_counter()
    server = xlc.Server(params)
    ready = time.perf_counter() - began
    found: dict[str, Any] = {}
    asked = {"prompt": TEXT, "n_predict": STEPS + 1, "temperature": 0, "cache_prompt": False}
    for _ in range(2):
        answer = server.handle_completions(asked)
        found = json.loads(answer) if isinstance(answer, (str, bytes)) else answer
    timings = found["timings"]
    return {
        "ready": ready,
        "read": timings["prompt_ms"] / 1000,
        "step": timings["predicted_per_token_ms"] / 1000,
        "says": loaded().tokenizer.encode(found["choices"][0]["text"])[:STEPS],
    }


def browser() -> dict[str, Any]:
    """The page in Chromium: from the press to the first figure, and memory: before, with the model, after leaving it.

    The site must have been built. MB are of all of Chromium.
    """
    sys.path[:0] = [str(ROOT / "tests" / "bench"), str(ROOT / "build")]
    import browser as chromium
    import run as bench
    import serve
    from playwright.sync_api import sync_playwright

    said = "[data-models-more]"
    quiet = "html[data-explainer=live]:not([data-busy])"
    with serve.served(ROOT / "_site") as site, sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium.find_chromium())
        page = started.new_page()
        page.set_default_timeout(180_000)
        page.add_init_script("Object.defineProperty(Navigator.prototype, 'deviceMemory', { get: () => 8 })")
        page.goto(f"{site}attention/?model=smollm2-135m&prompt=The+capital+of+France+is")
        page.wait_for_selector(quiet, state="attached")
        found = {"before": bench.chromium_memory_mb()}
        began = time.perf_counter()
        page.locator(said).get_by_role("button", name="Load the model").click()
        page.locator(said).get_by_text("now about").wait_for()
        found["read"] = time.perf_counter() - began
        page.wait_for_selector(quiet, state="attached")
        found["first figures"] = time.perf_counter() - began
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for figure in page.locator(".widget").all():
            figure.scroll_into_view_if_needed()
            page.wait_for_selector(quiet, state="attached")
        found["with it"] = bench.chromium_memory_mb()
        page.locator(said).scroll_into_view_if_needed()
        page.locator(said).get_by_role("button", name="Leave it").click()
        page.locator(said).get_by_text("now about").wait_for(state="detached")
        page.wait_for_selector(quiet, state="attached")
        page.wait_for_timeout(3_000)
        found["after"] = bench.chromium_memory_mb()
        started.close()
    return found


def command(what: str) -> list[str]:
    here, peers = [sys.executable, __file__], [os.environ.get("PEERS", sys.executable), __file__]
    if what == "page":
        script = str(ROOT / "tests" / "bench" / "training_in_pyodide.mjs")
        return ["node", "--no-warnings", script, "tests/bench/real_bench.py", "numpy"]
    if what == "onnxruntime-web":
        return ["node", "--no-warnings", str(ROOT / "tests" / "bench" / "real_onnx_web.mjs"), str(ONNX)]
    return [*(here if what == "numpy" else peers), what]


def main() -> None:
    """Run all, in turns; print medians, and what could not be run with the reason."""
    ONNX.parent.mkdir(exist_ok=True)
    environment = os.environ | ONE
    environment["TOKENS"] = json.dumps(loaded().tokenizer.encode(TEXT))
    made = subprocess.run(command("export"), env=environment, capture_output=True, text=True, check=False)
    print(made.stdout.strip() or made.stderr.strip()[-300:], flush=True)
    runs: dict[str, list[dict[str, Any]]] = {}
    missing: dict[str, str] = {}
    for _ in range(ROUNDS):
        for what in ("numpy", "page", "onnxruntime", "onnxruntime-web", "llama.cpp"):
            if what in missing:
                continue
            done = subprocess.run(command(what), env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                missing[what] = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
                print(f"{what}: {missing[what]}", flush=True)
                continue
            runs.setdefault(what, []).append(json.loads(done.stdout.strip().splitlines()[-1]))
    load = os.getloadavg()
    found: dict[str, Any] = {"load": load[0], "rounds": ROUNDS, "missing": missing, "of": {}}
    try:
        found["chromium"] = browser()
        print("Chromium:", json.dumps(found["chromium"]), flush=True)
    except Exception as problem:
        missing["chromium"] = str(problem)
        print("Chromium:", problem, flush=True)
    base = runs["numpy"]
    for what, some in runs.items():
        middle = {key: statistics.median(run[key] for run in some) for key in ("ready", "read", "step")}
        ratio = {key: statistics.median(a[key] / b[key] for a, b in zip(some, base, strict=False)) for key in middle}
        same = some[0]["says"][:STEPS] == base[0]["says"]
        found["of"][what] = middle | {"ratio": ratio, "same tokens": same, "heap": some[0].get("heap")}
        print(
            f"{what:16} ready {middle['ready']:.2f} s   14 tokens read {middle['read'] * 1000:6.0f} ms "
            f"({ratio['read']:.2f})   a step {middle['step'] * 1000:6.1f} ms ({ratio['step']:.2f})   "
            f"same tokens: {same}" + (f"   heap {some[0]['heap'] / 1e6:.0f} MB" if some[0].get("heap") else ""),
            flush=True,
        )
    (ROOT / "_bench" / "real.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    if asked == "export":
        from tests.bench import onnx_llama

        onnx_llama.write(loaded().model, ONNX)
        print(f"{ONNX.name}: {ONNX.stat().st_size / 1e6:.0f} MB")
    elif asked:
        print(
            json.dumps(
                {"numpy": ours, "onnxruntime": onnxruntime, "llama.cpp": llama_cpp, "chromium": browser}[asked]()
            )
        )
    else:
        main()
