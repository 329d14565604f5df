"""How long a control takes to answer while something trains: every control of the page, and of another page beside it.

    python tests/bench/controls_while_training.py       (a built site; nothing else should run beside it)
    make bench ONLY=training                            the same, with the trainer's rate, into _bench/

Each page is opened on a screen so tall that all its figures are in sight, with every section open, which is the worst
case: all figures that a value concerns are drawn. One experiment trains; every control of every figure is moved, one
after the other, and the time runs from the reader's event to the frame after Python has answered all that was asked of
it. What stops the training (Pause, One step, the end) is followed by Train, which is measured like the rest. Each move
is measured once more while nothing trains: what is left is what the control itself costs.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "build"), str(ROOT / "tests" / "site")]

import browser as chromium  # noqa: E402
import serve  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

SITE = Path(os.environ.get("EXPLAINER_SITE", ROOT / "_site"))
TALL = {"width": 1280, "height": 12_000}
ROUNDS = int(os.environ.get("ROUNDS", "3"))
TARGET = 100  # ms, of 95 % of the moves
TRAININGS = {  # page -> what is watched there -> its figure
    "steps": {"shell": "steps", "latent": "latent-loop"},
    "training": {"induction": "copying", "grok": "grokking", "text": "own-text"},
}
BESIDE = "embed/temperature/?view=full"  # another page of the visit: the same Python
OPEN = "() => document.querySelectorAll('main details').forEach((section) => { section.open = true; })"
MOVE = """async ([figure, rounds, trains]) => {
  const root = document.documentElement;
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const answered = () => new Promise((done) => {
    if (!root.hasAttribute('data-busy')) return done();
    const look = new MutationObserver(() => {
      if (root.hasAttribute('data-busy')) return;
      look.disconnect();
      done();
    });
    look.observe(root, { attributeFilter: ['data-busy'] });
  });
  const own = figure && document.querySelector(`[data-widget="${figure}"]`);
  const main = () => own.querySelector('.train .button.main');
  const runs = () => own.querySelector('[data-more]') !== null;
  const out = [];
  const timed = async (what, widget, act) => {
    const training = trains && (!own || runs());
    const began = performance.now();
    act();
    if (!root.hasAttribute('data-busy')) await sleep(0);
    const asked = root.hasAttribute('data-busy');
    await answered();
    await new Promise(requestAnimationFrame);
    if (asked) out.push({ what, widget, training, ms: performance.now() - began });
  };
  const move = (el, k) => {
    if (el.type === 'range') {
      const [low, high, grain] = [Number(el.min), Number(el.max), Number(el.step) || (el.max - el.min) / 1000];
      const places = Math.floor((high - low) / grain) + 1;
      let to = low + grain * (Math.round((k + 1) * 0.618 * places) % places);
      if (Math.abs(to - el.value) < grain / 2) to = to + grain > high ? low : to + grain;
      el.value = to;
      el.dispatchEvent(new Event('input', { bubbles: true }));
      el.dispatchEvent(new Event('change', { bubbles: true }));
    } else if (el.matches('select')) {
      el.selectedIndex = (el.selectedIndex + 1) % el.options.length;
      el.dispatchEvent(new Event('change', { bubbles: true }));
    } else if (el.matches('[type=number]')) {
      el.value = 1 + ((Number(el.value) + 1) % 5);
      el.dispatchEvent(new Event('input', { bubbles: true }));
      el.dispatchEvent(new Event('change', { bubbles: true }));
    } else if (el.matches('textarea, [type=text], [type=search]')) {
      el.value += k % 2 ? ' a' : ' the';
      el.dispatchEvent(new Event('input', { bubbles: true }));
      el.dispatchEvent(new Event('change', { bubbles: true }));
    } else el.click();
  };
  const name = (el) => (el.labels?.[0] ?? el).textContent.trim().replace(/\\s+/g, ' ').slice(0, 40);
  const controls = () => [...document.querySelectorAll('[data-widget] [data-body] :is([data-bind], button[data-set])')]
    .filter((el) => el.checkVisibility() && !el.disabled);
  for (let k = 0; k < rounds; k++) {
    for (let i = 0; i < controls().length; i++) {
      const el = controls()[i];
      const widget = el.closest('[data-widget]').dataset.widget;
      const other = el.matches('.train .button') && widget !== figure; // would train something else
      if (other || (!trains && el.matches('.train .button'))) continue;
      await timed(name(el), widget, () => move(el, k));
      await sleep(90 + 37 * (i % 3));
      for (let turn = 0; trains && own && !runs() && turn < 5; turn++) {
        await timed(name(main()), figure, () => main().click());
        await sleep(150);
      }
    }
  }
  return out;
}"""


def opened(context: Any, base: str, path: str) -> Page:
    page: Page = context.new_page()
    page.set_default_timeout(180_000)
    page.goto(base + path)
    page.locator("html[data-explainer=live]").wait_for(state="attached")
    page.evaluate(OPEN)
    page.wait_for_timeout(2500)  # what comes after going live
    return page


def trains(page: Page, figure: str) -> None:
    """Press Train, and wait until it has begun."""
    page.locator(f'[data-widget="{figure}"] .train .button.main').click()
    page.locator(f'[data-widget="{figure}"] [data-more]').wait_for(state="attached")
    page.wait_for_timeout(1000)


def told(moves: list[dict[str, Any]]) -> dict[str, Any]:
    """95 % of the moves are answered within `p95`."""
    times = sorted(move["ms"] for move in moves)
    slow = sorted(moves, key=lambda move: -move["ms"])[:3]
    return {
        "moves": len(times),
        "median": round(statistics.median(times), 1),
        "p95": round(times[max(0, -(-95 * len(times) // 100) - 1)], 1),
        "slowest": {f"{m['widget']}: {m['what']}": round(m["ms"], 1) for m in slow},
    }


def measured(instance: Browser, base: str, rounds: int = ROUNDS) -> dict[str, Any]:
    """For each training: its own controls, those of the page's other figures, those of another page."""
    found: dict[str, Any] = {}
    for name, experiments in TRAININGS.items():
        for watched, figure in experiments.items():
            context = instance.new_context(viewport=TALL, service_workers="block", bypass_csp=True)
            page = opened(context, base, f"{name}/")
            still = page.evaluate(MOVE, [figure, rounds, False])
            trains(page, figure)
            moves = page.evaluate(MOVE, [figure, rounds, True])
            beside = opened(context, base, BESIDE)
            again = page.locator(f'[data-widget="{figure}"] .train .button.main')
            if again.text_content() != "Pause":
                again.click()
            there = beside.evaluate(MOVE, [None, rounds, True])
            context.close()
            own = [m for m in moves if m["widget"] == figure]
            found[f"{name}, {watched}"] = {
                "its own controls": told(own),
                "the page's other figures": told([m for m in moves if m["widget"] != figure]),
                "another page": told(there),
                "nothing trains": told(still),
            }
            print(name, watched, json.dumps(found[f"{name}, {watched}"], indent=1), flush=True)
    return found


def late(found: Mapping[str, Any]) -> list[str]:
    """What misses the target, in words."""
    return [
        f"{training}: {which}: {part['p95']:.0f} ms"
        for training, parts in found.items()
        for which, part in parts.items()
        if part["p95"] > TARGET
    ]


def main() -> None:
    with serve.served(SITE) as base, sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium.find_chromium(), args=chromium.FLAGS)
        found = measured(instance, base)
        instance.close()
    print("\n".join(late(found)) or f"95 % of the moves are answered within {TARGET} ms everywhere")


if __name__ == "__main__":
    main()
