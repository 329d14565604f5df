"""A further model goes the whole way in a browser: parts, cache, slices, Python; a dropped file; cancelled; left.

These tests speak to the site's worker as a page does; what pages make of its answers is in test_model_choice.py, and
what several pages are told, without a browser, in tests/unit/worker.mjs. The random Llama goes always; the real model
where the site has it.
"""

from __future__ import annotations

import re

import pytest

from explainer.models import registry
from tests.golden.compare_models import FOLDER

TINY = registry.MODELS["tiny-llama"]
SMOLLM2 = registry.MODELS["smollm2-135m"]
TALK = """() => {
  const script = new URL(WORKER, location.href);
  const worker = new Worker(script, { type: 'module' });
  window.said = [];
  window.hear = (states) => new Promise((resolve) => {
    const look = () => {
      const found = window.said.find((m) => states.includes(m.state ?? m.type));
      if (found) resolve(found); else setTimeout(look, 20);
    };
    look();
  });
  worker.onmessage = ({ data }) => {
    window.said.push({ ...data, at: performance.now() });
    if (data.lock) window.lock = data.lock;
    if (data.type === 'leaving') worker.postMessage({ client: 'test', type: 'left' });
    if (data.loaded > window.enough) worker.postMessage({ client: 'test', type: 'cancel' });
  };
  window.ask = (message) => { window.said = []; worker.postMessage({ client: 'test', ...message }); };
}"""


@pytest.fixture
def worker(context, site, site_directory):
    """A page in which `ask` sends to a worker of its own, and `hear` waits for one of some states."""
    (script,) = (site_directory / "runtime").glob("worker.*.js")
    page = context.new_page()
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(site + "licences/")
    page.evaluate(TALK.replace("WORKER", f"'../runtime/{script.name}'"))
    page.set_default_timeout(180_000)
    return page


def ask(page, message, *states):
    page.evaluate("message => window.ask(message)", message)
    return page.evaluate("states => window.hear(states)", list(states))


def parts_asked(page):
    return [url for url in page.requests if re.search(r"/models/.*\.bin$", url)]


def test_the_random_one_comes_in_parts_and_a_second_time_it_is_here(worker):
    there = ask(worker, {"type": "model", "name": TINY.name}, "there", "failed")
    assert there["state"] == "there", there
    assert there["model"].pop("taken") == 1
    assert there["model"] == {
        "name": TINY.name,
        "title": TINY.title,
        "licence": TINY.licence,
        "weights": TINY.weights,
        "layers": 2,
        "heads": 4,
        "vocabulary": 352,
        "window": registry.WINDOW,
    }
    worker.requests.clear()
    ask(worker, {"type": "model", "name": TINY.name}, "there", "failed")
    assert not [said for said in worker.evaluate("() => window.said") if said.get("state") == "fetching"]
    assert worker.requests == []


def test_a_dropped_file_leaves_the_machine_in_no_request(worker):
    files = [FOLDER / "tiny-gpt2" / name for name in ("model.safetensors", "config.json", "tokenizer.json")]
    ask(worker, {"type": "model", "name": TINY.name}, "there", "failed")  # so that Python is there
    worker.requests.clear()
    worker.evaluate(
        "() => document.body.append(Object.assign(document.createElement('input'), { type: 'file', multiple: true }))"
    )
    worker.locator("input[type=file]").last.set_input_files(files)
    worker.evaluate("""() => {
        const { files } = [...document.querySelectorAll('input[type=file]')].at(-1);
        window.ask({ type: 'model', name: 'file', files: [...files] });
    }""")
    there = worker.evaluate("() => window.hear(['there', 'failed'])")
    assert there["state"] == "there", there
    assert there["model"]["layers"] == 2 and there["model"]["vocabulary"] == 352
    assert worker.requests == []


def test_what_goes_wrong_is_a_sentence(worker, context):
    context.guard.allow("404")
    failed = ask(worker, {"type": "model", "name": "no-such"}, "there", "failed")
    assert failed["message"] == "This site was built without that model."
    failed = ask(worker, {"type": "model", "name": "../x"}, "there", "failed")
    assert failed["message"] == "There is no model of that name."


def test_leaving_ends_the_worker_and_pages_notice_by_its_lock(worker):
    ask(worker, {"type": "model", "name": TINY.name}, "there")
    free = "() => navigator.locks.request(window.lock, { ifAvailable: true }, (lock) => lock !== null)"
    assert not worker.evaluate(free)
    worker.evaluate("() => window.ask({ type: 'leave' })")
    worker.wait_for_function(free)


def test_the_real_one(worker, site_directory):
    if not (site_directory / "models" / SMOLLM2.name).is_dir():
        pytest.skip("THE REAL MODEL IS NOT TESTED IN A BROWSER: this site was built without it")
    there = ask(worker, {"type": "model", "name": SMOLLM2.name}, "there", "failed")
    assert there["state"] == "there", there
    assert there["model"]["weights"] == SMOLLM2.weights and there["model"]["vocabulary"] == 49_152
    assert len(parts_asked(worker)) <= 13


def test_the_real_one_can_be_cancelled_and_goes_on_where_it_was(worker, context, site_directory):
    if not (site_directory / "models" / SMOLLM2.name).is_dir():
        pytest.skip("THE REAL MODEL IS NOT TESTED IN A BROWSER: this site was built without it")
    worker.evaluate("() => { window.enough = 3e7; }")
    assert ask(worker, {"type": "model", "name": SMOLLM2.name}, "cancelled", "there", "failed")["state"] == "cancelled"
    worker.evaluate("() => { window.enough = Infinity; }")
    ask(worker, {"type": "model", "name": SMOLLM2.name}, "there", "failed")
    progress = [said for said in worker.evaluate("() => window.said") if said.get("state") == "fetching"]
    assert SMOLLM2.bytes > progress[-1]["kept"] > 0
