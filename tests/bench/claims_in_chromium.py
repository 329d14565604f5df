"""How long a reader waits from press to proof: the trainings of /steps/ and /training/, in Chromium, five seeds.

    python tests/bench/claims_in_chromium.py            (a built site; nothing else should run beside it)

Each is opened by itself, as an embed, live; then *Train* is pressed. Noted are the seconds, and the training step, at
which the figure first shows what its page claims, and the seconds to the end of the training. It is a stop-watch and no
test: what is claimed is held by tests/site, on any machine.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "build"), str(ROOT / "tests" / "site")]

import browser as chromium  # noqa: E402
import serve  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

SITE = Path(os.environ.get("EXPLAINER_SITE", ROOT / "_site"))
SEEDS = range(5)
LONGEST = 300_000  # ms
SHARES = """[...document.querySelectorAll('.answer-row')].map(
    (row) => [...row.querySelectorAll('.share')].map((share) => Number(share.dataset.v)))"""
SAID = """[...document.querySelectorAll('.learner-says')].map(
    (said) => parseFloat(/([\\d.]+)\\s%/.exec(said.textContent)?.[1] ?? '0'))"""
UNSEEN = "Number(document.querySelector('[data-widget=grokking] dl > div:last-of-type dd [data-v]')?.dataset.v)"
CLAIMS = {  # embed -> what it claims, in words; and as what its figure shows (a JavaScript expression)
    "steps": (
        "who writes is right on all 20 (.99), who answers at once below .5 at five",
        f"(([once, wrote]) => Math.min(...wrote) >= 0.99 && once[4] < 0.5)({SHARES})",
    ),
    "copying": ("two layers copy 90 %", f"Math.max(...{SAID}) >= 90"),
    "grokking": ("99 % of the sums never seen", f"{UNSEEN} >= 0.99"),
}
WATCH = """(claim) => new Promise((done) => {
  const button = document.querySelector('.train .button.main');
  const began = performance.now();
  const found = {};
  const look = () => {
    const step = Number(document.querySelector('[data-step]')?.dataset.step);
    const live = /Now, seed/.test(document.querySelector('.run-says')?.textContent ?? '');
    if (live && found.seconds === undefined && CLAIM) {
      Object.assign(found, { seconds: (performance.now() - began) / 1000, step });
    }
    if (document.querySelector('.train .button.main')?.textContent !== 'Train again') return;
    found.whole = (performance.now() - began) / 1000;
    watcher.disconnect();
    done(found);
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document.body, { childList: true, subtree: true, attributes: true, characterData: true });
  button.click();
})"""


def runs(instance: Browser, base: str, slug: str, claim: str) -> Iterator[dict[str, Any]]:
    """One training for each seed: {'seconds', 'step'} of the claim (missing if it never came), 'whole'."""
    for seed in SEEDS:
        context = instance.new_context(viewport={"width": 720, "height": 900}, service_workers="block", bypass_csp=True)
        page = context.new_page()
        page.set_default_timeout(LONGEST)
        page.goto(f"{base}embed/{slug}/?seed={seed}&view=full")
        page.locator("html[data-explainer=live]").wait_for(state="attached")
        page.wait_for_timeout(1500)  # what comes after going live
        yield {"seed": seed, **page.evaluate(WATCH.replace("CLAIM", claim))}
        context.close()


def main() -> None:
    with serve.served(SITE) as base, sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium.find_chromium(), args=chromium.FLAGS)
        for slug, (words, claim) in CLAIMS.items():
            found = list(runs(instance, base, slug, claim))
            came = [run["seconds"] for run in found if "seconds" in run]
            middle = f"median {statistics.median(came):.1f} s" if came else "never"
            print(f"{slug}: {words}: {len(came)} of {len(found)}, {middle}")
            for run in found:
                print("   ", json.dumps({k: round(v, 1) for k, v in run.items()}), flush=True)
        instance.close()


if __name__ == "__main__":
    main()
