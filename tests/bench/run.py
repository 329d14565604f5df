"""`make bench`: speed and size, measured in one run on one machine. JSON in `_bench/`, a table on the terminal.

    model        the model in the page's Python beside native numpy on one thread
    boot         four ways to a live page, interleaved, each in a fresh Chromium profile: the stock way, ordinary boot,
                 resume cold, resume warm
    sharing      1, 2, 4, 8 widgets on one host page: time to live of each, memory
    pages        the same page in a site of 4 chapters and in one of 20, 16 of them copies: bytes, memory, time to live
    slow_line    the same page over a line of 10 Mbit/s: resume and ordinary boot
    slow_machine the same page with the processor throttled 4 times: resume and ordinary boot
    one_file     the page in one file, opened from the disk with the network off
    entries      every page and every embed: bytes before anything is pressed, bytes to live, largest contentful paint
    interaction  from a reader's move to the new numbers on screen, in the page
    training     the same while something trains (controls_while_training.py); and how much of a step of training is the
                 matrix products that it cannot do without, in the page's Python and natively (training_bench.py)

Nothing here fails on a slow machine: ratios within one run are what counts. What ran beside it shows in the load
averages that are kept with each part. `make bench ONLY="boot entries"` runs parts. What is a tenth worse than in the
kept run (kept.json) is said at the end, and makes the command fail (guard.py); KEEP=1 keeps this run instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "build"), str(HERE)]

import browser as chromium  # noqa: E402
import controls_while_training  # noqa: E402
import guard  # noqa: E402
import serve  # noqa: E402
import single  # noqa: E402
import stock  # noqa: E402
import twenty  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from pages import PAGES  # noqa: E402

OUT = ROOT / "_bench"
KEPT = HERE / "kept.json"
SITE = ROOT / "_site"
RUNS = int(os.environ.get("RUNS", "5"))
PAGE = os.environ.get("BENCH_PAGE", "temperature")
MOVES = """async (first) => {
  const { id, min, max, step } = first, widget = first.closest('.widget').id, out = [];
  const grain = Number(step) || (max - min) / 1000, places = Math.floor((max - min) / grain) + 1;
  for (let k = 1; k <= 60; k++) {
    const slider = document.getElementById(id);
    const to = Number(min) + grain * (Math.round(k * 0.618 * places) % places);
    if (Math.abs(to - slider.value) < grain / 2) continue;  // no move
    slider.value = to;
    const began = performance.now();
    const drawn = new Promise((done) => document.addEventListener('explainer:drawn', function look(event) {
      if (event.target.id !== widget) return;
      document.removeEventListener('explainer:drawn', look);
      done();
    }));
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await drawn;
    await new Promise(requestAnimationFrame);
    out.push(performance.now() - began);
    await new Promise((done) => setTimeout(done, 60));
  }
  return out;
}"""
LIVE = "['live','failed'].includes(document.documentElement.dataset.explainer)"


def spread(values: list[float]) -> dict[str, Any]:
    """Median, lowest and highest of some runs."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "runs": [round(v, 1) for v in values],
    }


class Bench:
    """A Chromium, two servers, and what was measured."""

    def __init__(self, browser: Browser, site: str, stock_site: str):
        self.browser, self.site, self.stock = browser, site, stock_site

    def fresh(self, **options: Any) -> Any:
        return self.browser.new_context(service_workers="block", bypass_csp=True, **options)  # waiting needs eval

    # ---- ways to a live page

    def live(self, page: Page, url: str) -> dict[str, float]:
        page.add_init_script(
            """addEventListener('explainer:live', e => { window.told = e.detail });
            window.steps = {};  // words of the status line: how many milliseconds they stood there
            let words = '', since = 0;
            const said = new MutationObserver(([{ target }]) => {
              window.steps[words] = (window.steps[words] ?? 0) + performance.now() - since;
              words = target.textContent.replace(/:.*| in .*/, '');
              since = performance.now();
            });
            addEventListener('DOMContentLoaded', () => said.observe(
              document.querySelector('[data-status-text]'), { childList: true }));
            const paints = new PerformanceObserver(l => { window.lcp = l.getEntries().at(-1).startTime });
            paints.observe({type: 'largest-contentful-paint', buffered: true})"""
        )
        page.goto(url)
        page.wait_for_function(LIVE, timeout=180_000)
        told = page.evaluate("window.told ?? null")
        if told is None:
            raise RuntimeError(page.locator("[data-status-message]").text_content())
        wire = page.evaluate("performance.getEntriesByType('resource').reduce((n, r) => n + r.transferSize, 0)")
        return {
            "ms": told["ms"],
            "bytes": told["bytes"],
            "how": told["how"],
            "reason": told["reason"],
            "steps": {name: round(ms) for name, ms in page.evaluate("window.steps").items()},
            "lcp": page.evaluate("window.lcp ?? null"),
            "page_bytes": wire,
        }

    def cold(self, query: str = "", *, memory: bool = False) -> dict[str, float]:
        context = self.fresh()
        try:
            page = context.new_page()
            found = self.live(page, f"{self.site}{PAGE}/{query}")
            if memory:
                with urlopen(
                    page.evaluate("new URL(document.documentElement.dataset.worker, document.baseURI).href")
                ) as script:
                    found["worker"] = len(script.read())
                page.wait_for_timeout(2000)  # what comes once a page is live, and the warming up
                found["memory_mb"] = chromium_memory_mb()
            return found
        finally:
            context.close()

    def warm(self) -> dict[str, float]:
        context = self.fresh()
        try:
            first = context.new_page()
            self.live(first, f"{self.site}{PAGE}/")
            first.close()
            return self.live(context.new_page(), f"{self.site}{PAGE}/")
        finally:
            context.close()

    def stock_way(self) -> dict[str, float]:
        context = self.fresh()
        try:
            page = context.new_page()
            page.goto(self.stock)
            page.wait_for_function("window.liveAt || window.failed", timeout=180_000)
            failed = page.evaluate("window.failed ?? null")
            if failed:
                raise RuntimeError(failed)
            return {"ms": page.evaluate("window.liveAt")}
        finally:
            context.close()

    def boot(self) -> dict[str, Any]:
        ways: dict[str, Callable[[], dict[str, float]]] = {
            "stock": self.stock_way,
            "ordinary boot": lambda: self.cold("?boot=ordinary"),
            "resume, cold": self.cold,
            "resume, warm": self.warm,
        }
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
        for k in range(RUNS):
            for name, way in ways.items():
                runs[name].append(way())
                print(f"  run {k + 1}: {name} {runs[name][-1]['ms']:,.0f} ms", flush=True)
        result: dict[str, Any] = {
            name: {"ms": spread([r["ms"] for r in rows]), "last": rows[-1]} for name, rows in runs.items()
        }
        for name, rows in runs.items():
            if steps := [r["steps"] for r in rows if "steps" in r]:
                result[name]["steps"] = {
                    step: statistics.median(ms.get(step, 0) for ms in steps) for step in steps[0] if step
                }
        result["stock / resume cold"] = result["stock"]["ms"]["median"] / result["resume, cold"]["ms"]["median"]
        return result

    def pages(self) -> dict[str, Any]:
        """A page of a site with COPIES pages more costs what it costs without them."""
        twenty.prepare(OUT / "twenty", OUT / "twenty_site", PAGE)
        sites = {"as it is": self.site, f"{twenty.COPIES} pages more": served(OUT / "twenty_site")}
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in sites}
        for _ in range(RUNS):
            for name, address in sites.items():
                self.site, before = address, self.site
                try:
                    runs[name].append(self.cold(memory=True))
                finally:
                    self.site = before
        return {
            name: {
                "ms": spread([r["ms"] for r in rows]),
                "bytes": rows[-1]["bytes"],
                "bytes of the worker's script": rows[-1]["worker"],
                "memory of Chromium, MB": spread([r["memory_mb"] for r in rows]),
            }
            for name, rows in runs.items()
        }

    def slow_machine(self) -> dict[str, Any]:
        """With the processor throttled 4 times: what runs pages and workers is stopped three quarters of the time."""
        result: dict[str, Any] = {}
        for name, query in (("resume", ""), ("ordinary boot", "?boot=ordinary")):
            rows = []
            for _ in range(3):
                with throttled(4):
                    rows.append(self.cold(query))
            result[name] = {"ms": spread([r["ms"] for r in rows])}
        return result

    def slow_line(self) -> dict[str, Any]:
        fast, self.site = self.site, served(SITE, SlowLine)
        try:
            result: dict[str, Any] = {}
            for name, query in (("resume", ""), ("ordinary boot", "?boot=ordinary")):
                rows = [self.cold(query) for _ in range(3)]
                result[name] = {
                    "ms": spread([r["ms"] for r in rows]),
                    "lcp": spread([r["lcp"] for r in rows]),
                    "bytes": rows[-1]["bytes"],
                }
            return result
        finally:
            self.site = fast

    def one_file(self) -> dict[str, Any]:
        file = single.write_single(SITE, PAGE, OUT / "single")
        rows = []
        for _ in range(RUNS):
            context = self.fresh()
            context.set_offline(True)
            rows.append(self.live(context.new_page(), file.as_uri()))
            context.close()
        return {"ms": spread([r["ms"] for r in rows]), "megabytes": file.stat().st_size / 1e6}

    def sharing(self) -> dict[str, Any]:
        result = {}
        for n in (1, 2, 4, 8):
            context = self.fresh()
            page = context.new_page()
            page.goto(f"{self.site}how/")
            page.evaluate(
                """([n, site]) => { window.lives = []; document.body.replaceChildren();
                for (let i = 0; i < n; i++) {
                  const f = document.createElement('iframe');
                  f.src = site + 'embed/' + ['temperature', 'attention-stepper'][i % 2] + '/';
                  const t = performance.now();
                  f.onload = () => {
                    const d = f.contentDocument.documentElement;
                    const look = () => d.dataset.explainer === 'live'
                      ? window.lives.push(performance.now() - t) : setTimeout(look, 10);
                    look();
                  };
                  document.body.append(f);
                } }""",
                [n, self.site],
            )
            page.wait_for_function(f"window.lives.length === {n}", timeout=180_000)
            result[f"{n} widgets"] = {
                "ms": [round(x) for x in page.evaluate("window.lives")],
                "memory_mb": chromium_memory_mb(),
            }
            context.close()
        return result

    def entries(self) -> dict[str, Any]:
        """Every page and every embed, opened cold as often as the paint needs it."""
        result: dict[str, Any] = {}
        paths = [page.path for page in PAGES]
        for path in paths + [f"embed/{widget.slug}/" for page in PAGES for widget in page.widgets]:
            rows = []
            for _ in range(3):
                context = self.fresh()
                rows.append(self.live(context.new_page(), f"{self.site}{path}"))
                context.close()
            result[f"/{path}"] = {
                "page_bytes": rows[-1]["page_bytes"],
                "bytes": rows[-1]["bytes"],
                "lcp": spread([row["lcp"] for row in rows]),
                "ms": spread([row["ms"] for row in rows]),
            }
        return result

    def interaction(self) -> dict[str, Any]:
        """Every slider of the four pages, moved 60 times: from the input event to the frame after its figure was drawn.

        The first move comes a second after the page is live; the first slider of each page has the first moves.
        """
        result: dict[str, Any] = {}
        for name in ("attention", "temperature", "feedback", "paths"):
            context = self.fresh()
            page = context.new_page()
            self.live(page, f"{self.site}{name}/")
            page.wait_for_timeout(1000)
            for slider in page.locator("input[type=range]").all():
                slider.scroll_into_view_if_needed()
                page.wait_for_function("!document.documentElement.hasAttribute('data-busy')")
                times = slider.evaluate(MOVES)
                result[f"{name}: {slider.get_attribute('id')}"] = {
                    "ms": spread(times),
                    "first": times[0],
                    "p95": sorted(times)[int(len(times) * 0.95) - 1],
                }
            context.close()
        return result

    def training(self) -> dict[str, Any]:
        """The controls in this Chromium; the trainer's rate in Pyodide under Node, whose engine is Chromium's."""
        commands = {
            "page": ["node", str(HERE / "training_in_pyodide.mjs")],
            "native": [sys.executable, str(HERE / "training_bench.py")],
        }
        said = {name: subprocess.run(how, check=True, capture_output=True, text=True) for name, how in commands.items()}
        controls = controls_while_training.measured(self.browser, self.site)
        for words in controls_while_training.late(controls):
            print(f"  later than {controls_while_training.TARGET} ms: {words}", flush=True)
        return {"rate": {name: json.loads(done.stdout) for name, done in said.items()}, "controls": controls}

    def model(self) -> dict[str, Any]:
        environment = {
            **os.environ,
            **{f"{lib}_NUM_THREADS": "1" for lib in ("OPENBLAS", "OMP", "MKL")},
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, str(HERE / "model_bench.py")], env=environment, check=True, capture_output=True, text=True
        )
        native = json.loads(done.stdout)
        context = self.fresh()
        page = context.new_page()
        page.goto(self.stock + "plain.html")
        page.wait_for_function("window.result || window.failed", timeout=300_000)
        if page.evaluate("window.failed ?? null"):
            raise RuntimeError(page.evaluate("window.failed"))
        wasm = json.loads(page.evaluate("window.result"))
        context.close()
        return {
            name: {"page": wasm[name], "native": native[name], "ratio": wasm[name] / native[name]} for name in native
        }


def processes() -> list[int]:
    """This bench's Chromium: the processes that descend from this one."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])

    def is_ours(process: int) -> bool:
        while process in parents:
            if process == os.getpid():
                return True
            process = parents[process]
        return False

    found = []
    for process in filter(is_ours, parents):
        with contextlib.suppress(OSError):
            if "chrom" in Path("/proc", str(process), "comm").read_text():
                found.append(process)
    return found


def renderers() -> list[int]:
    """Those of them in which pages and workers run."""
    found = []
    for process in processes():
        with contextlib.suppress(OSError):
            if b"--type=renderer" in Path("/proc", str(process), "cmdline").read_bytes():
                found.append(process)
    return found


def chromium_memory_mb() -> float:
    """Memory of this bench's Chromium (proportional, so that what its processes share is counted once)."""
    total = 0
    for process in processes():
        with contextlib.suppress(OSError):
            lines = Path("/proc", str(process), "smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return round(total / 1024, 1)


@contextlib.contextmanager
def throttled(times: int) -> Iterator[None]:
    """Give this bench's Chromium a share of 1/times of the processor: its processes are stopped most of every 20 ms.

    Chromium's own throttling (Emulation.setCPUThrottlingRate) does not reach a SharedWorker.
    """
    over = threading.Event()

    def signal_all(which: signal.Signals) -> None:
        for process in ours:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, which)

    def pulse() -> None:
        nonlocal ours
        began = 0.0
        while not over.is_set():
            if time.monotonic() - began > 0.2:  # new processes: a renderer, for one
                ours, began = renderers(), time.monotonic()
            signal_all(signal.SIGSTOP)
            time.sleep(0.02 * (times - 1) / times)
            signal_all(signal.SIGCONT)
            time.sleep(0.02 / times)

    ours: list[int] = []
    thread = threading.Thread(target=pulse)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        signal_all(signal.SIGCONT)


class SlowLine(serve.Handler):
    """A static server behind a line of 10 Mbit/s that all its answers share, 20 ms away."""

    line = threading.Lock()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        time.sleep(0.02)
        while chunk := source.read(16_384):
            with self.line:
                time.sleep(len(chunk) * 8 / 10e6)
            outputfile.write(chunk)


def served(directory: Path, handler: type[serve.Handler] = serve.Handler) -> str:
    server = serve.make_server(directory, 0, handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def lines(value: Any, path: str = "") -> Iterable[tuple[str, str]]:
    """(name, figure) of every measurement: a median with its extremes, or a plain number."""
    if isinstance(value, dict) and "median" in value:
        yield path, f"{value['median']:>10,.1f}   ({value['min']:,.1f} to {value['max']:,.1f})"
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from lines(part, f"{path}, {name}" if path else name)
    elif isinstance(value, (int, float)):
        yield path, f"{value:>10,.2f}"
    else:
        yield path, str(value)


def table(result: dict[str, Any]) -> str:
    rows = list(lines(result))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {figure}" for name, figure in rows)


def main() -> None:
    OUT.mkdir(exist_ok=True)
    only = os.environ.get(
        "ONLY", "model boot pages slow_line slow_machine sharing one_file entries interaction training"
    ).split()
    print("preparing the stock way", flush=True)
    stock.prepare(OUT / "stock", PAGE)
    result: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "platform": platform.platform()},
        "date": time.strftime("%Y-%m-%d"),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find_chromium(windowed=True), args=chromium.FLAGS)
        result["machine"]["chromium"] = browser.version
        bench = Bench(browser, served(SITE), served(OUT / "stock"))
        for name in only:
            print(name, flush=True)
            before = os.getloadavg()[0]
            result[name] = {**getattr(bench, name)(), "load average": {"before": before, "after": os.getloadavg()[0]}}
            (OUT / f"{name}.json").write_text(json.dumps(result[name], indent=1), encoding="utf-8")
        browser.close()
    (OUT / "bench.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(table(result))
    if os.environ.get("KEEP"):
        KEPT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    elif said := guard.worse(json.loads(KEPT.read_text(encoding="utf-8")), result):
        sys.exit("more than a tenth worse than in the kept run:\n  " + "\n  ".join(said))


if __name__ == "__main__":
    main()
