"""Who gets the drink, in a browser: a kept run needs no model; with the real one here, a press moves the odds."""

from __future__ import annotations

import re

import pytest
import real
from conftest import settle
from playwright.sync_api import expect

from explainer.models import lab, registry
from explainer.studies import indirect

pytestmark = pytest.mark.single_figures

FIGURE = "who-gets-it"
SMOLLM2 = registry.MODELS["smollm2-135m"]


def test_the_kept_run_is_here_without_the_model(open_page, guard):
    requests: list[str] = []
    page = open_page(f"embed/{FIGURE}/")
    page.on("request", lambda request: requests.append(request.url))
    figure = page.locator(f"#{FIGURE}")
    expect(figure).to_contain_text("a kept run")
    expect(figure.locator(".carriers tbody tr")).to_have_count(len(indirect.card()["example"]["parts"]))
    page.evaluate("explainer.set({ trade: 'due' })")  # Python draws it anew, from the card in the page's pack
    settle(page)
    expect(figure).to_contain_text("a kept run")
    assert not [url for url in requests if "/models/" in url]


@pytest.mark.xdist_group("smollm2")
def test_a_head_is_switched_off_and_the_odds_fall(open_page, context, site_directory):
    source = real.smollm2(fetch=False)
    if source is None or not (site_directory / "models" / SMOLLM2.name).is_dir():
        pytest.skip("MARY IS NOT TESTED IN A BROWSER: this site was built without the real model")
    context.add_init_script("Object.defineProperty(Navigator.prototype, 'deviceMemory', { get: () => 8 })")
    page = open_page("attention/", model=SMOLLM2.name)
    page.locator("[data-models-more]").get_by_role("button", name="Load the model").click()
    expect(page.locator("[data-models-more]")).to_contain_text("now about SmolLM2-135M", timeout=180_000)
    settle(page)
    figure = page.locator(f"#{FIGURE}")
    figure.scroll_into_view_if_needed()
    expect(figure.locator(".told")).to_contain_text("Mary", timeout=60_000)
    with source.file.open("rb", buffering=0) as file:
        lab.take(SMOLLM2.name, registry.load({SMOLLM2.file: file}, SMOLLM2.title))
    try:
        with lab.using(SMOLLM2.name):
            found = indirect.carried(
                lab.tokens_of("When Mary and John went to the store, John gave a drink to"), "giver"
            )
            off = float(indirect.odds(found.scene.tokens, frozenset([found.parts[0].at]))[found.due])
    finally:
        lab.let_go()
    first = f"{found.parts[0].layer}.{found.parts[0].head}"
    figure.get_by_role("button", name=f"off: head {first}").click()
    expect(figure.locator(".told")).to_contain_text(f"With head {first} switched off", timeout=60_000)
    settle(page)
    bar = figure.locator("table.bars").first.locator("tbody tr").first.locator("td.num").first
    assert float(bar.get_attribute("data-v") or "nan") == pytest.approx(off, abs=2e-3)
    expect(page).to_have_url(re.compile(rf"[?&]off={re.escape(first)}(&|$)"))
    figure.get_by_role("button", name="Mary").first.click()
    expect(figure.locator(".told")).to_contain_text("Anna", timeout=60_000)
