"""The choice of a further model on the pages: asked first, fetched, drawn, left; what fails leaves all as it was.

What is said when, and what is left alone, is in tests/web/models.test.mjs. The random Llama goes always; the real model
where the site has it.
"""

from __future__ import annotations

import pytest
from conftest import LIVE, settle, until, wait_live
from playwright.sync_api import Page, expect

from explainer.models import registry
from tests.golden.compare_models import FOLDER

TINY = registry.MODELS["tiny-llama"]
SMOLLM2 = registry.MODELS["smollm2-135m"]
pytestmark = pytest.mark.usefixtures("context")  # a Python of its own: others would be about the model, too
SMALL = "Object.defineProperty(Navigator.prototype, 'deviceMemory', { get: () => 2 })"
LARGE = "Object.defineProperty(Navigator.prototype, 'deviceMemory', { get: () => 8 })"


def more(page: Page):
    return page.locator("[data-models-more]")


def choose(page: Page, name: str) -> None:
    page.locator(f"[data-model-choice] option[value={name}]").evaluate("option => { option.hidden = false; }")
    page.locator("[data-model-choice]").select_option(name)


def press(page: Page, words: str) -> None:
    more(page).get_by_role("button", name=words).click()


def body(page: Page, figure: str) -> str:
    return page.locator(f"#{figure} [data-body]").inner_text()


@pytest.mark.parametrize(
    ("path", "figure"),
    [
        ("", "transformer"),
        ("attention/", "attention-stepper"),
        ("temperature/", "temperature"),
        ("feedback/", "feedback-loop"),
    ],
)
def test_a_model_is_asked_for_first_then_all_figures_are_about_it_until_it_is_left(path, figure, open_page):
    page = open_page(path)
    before, address = body(page, figure), page.url
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    choose(page, TINY.name)
    expect(more(page)).to_contain_text("220 MB of memory")
    assert not [url for url in requests if "/models/" in url], "nothing is fetched before the reader says yes"
    assert body(page, figure) == before
    press(page, "Load the model")
    expect(more(page)).to_contain_text("now about a random Llama", timeout=60_000)
    settle(page)
    assert "model=tiny-llama" in page.url
    expect(page.locator("html")).to_have_attribute("data-model", "tiny-llama")  # as `product.md` promises
    assert body(page, figure) != before
    expect(page.locator(f"#{figure} [data-bind=prompt]").first).to_have_value("The capital of France is")
    press(page, "Leave it")
    expect(page.locator("[data-model-choice]")).to_have_value("storyteller")
    expect(page.locator(f"#{figure} [data-bind=prompt]").first).not_to_have_value("The capital of France is")
    settle(page)
    assert page.url == address
    expect(page.locator("html")).to_have_attribute("data-model", "storyteller")
    until(
        page,
        "([figure, before]) => document.querySelector(`#${figure} [data-body]`).innerText === before",
        [figure, before],
    )


def test_not_now_leaves_all_as_it_was(open_page):
    page = open_page("")
    before = body(page, "transformer")
    choose(page, TINY.name)
    press(page, "Not now")
    expect(more(page)).to_have_text("")
    expect(page.locator("[data-model-choice]")).to_have_value("storyteller")
    assert body(page, "transformer") == before


def test_an_address_asks_and_what_the_reader_has_typed_is_kept(open_page):
    page = open_page("", model="tiny-llama", prompt="Mia has")
    expect(more(page)).to_contain_text("are fetched")
    expect(page.locator("#transformer [data-bind=prompt]")).to_have_value("Mia has")
    press(page, "Load the model")
    expect(more(page)).to_contain_text("now about", timeout=60_000)
    settle(page)
    expect(page.locator("#transformer [data-bind=prompt]")).to_have_value("Mia has")
    assert "prompt=Mia+has" in page.url


def test_what_goes_wrong_is_said_and_the_storyteller_stays(open_page, guard):
    guard.allow("404")
    page = open_page("")
    before = body(page, "transformer")
    page.locator(f"[data-model-choice] option[value={TINY.name}]").evaluate("option => { option.value = 'no-such'; }")
    choose(page, "no-such")
    press(page, "Load the model")
    expect(more(page)).to_contain_text("This site was built without that model. The storyteller is here")
    assert body(page, "transformer") == before and "model=" not in page.url


def test_an_embed_asks_only_if_its_address_does(open_page):
    page = open_page("embed/transformer/")
    expect(page.locator("[data-models]")).to_be_hidden()
    page = open_page("embed/transformer/", model="tiny-llama")
    before = body(page, "transformer")
    expect(more(page)).to_contain_text("are fetched")
    assert body(page, "transformer") == before
    press(page, "Load the model")
    expect(more(page)).to_contain_text("now about", timeout=60_000)
    settle(page)
    assert body(page, "transformer") != before


def test_an_embed_whose_host_sets_the_model_has_the_way_back(open_page):
    page = open_page("embed/transformer/")
    page.evaluate("explainer.set({ model: 'tiny-llama' })")
    press(page, "Load the model")
    expect(more(page)).to_contain_text("now about", timeout=60_000)
    page.locator("[data-model-choice]").select_option("storyteller")
    expect(more(page)).to_contain_text("is still in memory")
    page.evaluate("explainer.set({ model: 'tiny-llama' })")  # it is here: nothing is asked
    expect(more(page)).to_contain_text("now about", timeout=60_000)


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.textContent")


def test_by_keys_alone_and_a_second_time_without_a_network(make_context, site):
    context = make_context(service_workers="allow")
    page = context.new_page()
    page.goto(site)
    wait_live(page)
    until(page, "() => navigator.serviceWorker.ready.then((r) => r.active !== null)", timeout=LIVE)
    address = page.url
    for network in (True, False):
        if not network:
            page.goto("about:blank")
            context.set_offline(True)
            page.goto(site)
            wait_live(page)
        page.locator(f"[data-model-choice] option[value={TINY.name}]").evaluate("option => { option.hidden = false; }")
        page.locator("[data-model-choice]").focus()
        for _ in range(3):  # past the real one, if the site has it, to the last: nothing happens but questions
            page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowUp")
        expect(page.locator("[data-model-choice]")).to_have_value(TINY.name)
        expect(more(page)).to_contain_text("nothing is fetched" if not network else "are fetched")
        page.keyboard.press("Tab")
        assert focused(page) == "Load the model"
        page.keyboard.press("Enter")
        expect(more(page)).to_contain_text("now about a random Llama", timeout=60_000)
        assert page.evaluate("document.activeElement.hasAttribute('data-models-more')"), "the focus is where it was"
        settle(page)
        at_the_roof = page.locator("#transformer .says .now")
        expect(at_the_roof).to_contain_text("The roof")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        expect(page.locator("[data-model-choice]")).to_have_value("storyteller")
        expect(more(page)).to_contain_text("is still in memory")
        page.keyboard.press("Tab")
        assert focused(page) == "Give the memory back"
        page.keyboard.press("Enter")
        expect(more(page)).to_have_text("")
        assert focused(page) == "page-model"
        settle(page)
        expect(at_the_roof).to_contain_text("The roof")
        assert page.url == address
    context.set_offline(False)
    page.goto(site + "how/")
    page.get_by_role("button", name="Remove what this site keeps").click()
    expect(page.locator("[data-forget] + [role=status]")).to_contain_text("Removed")
    assert page.evaluate("caches.keys()") == []


def test_pages_of_a_visit_share_the_model_and_outlive_its_end(open_page, context):
    context.set_default_timeout(60_000)
    pages = [open_page(path) for path in ("temperature/", "attention/")]
    for _ in range(2):  # the neighbour does nothing, and is there after each end
        choose(pages[0], TINY.name)
        press(pages[0], "Load the model")
        expect(more(pages[0])).to_contain_text("now about a random Llama")
        settle(pages[0])
        before = body(pages[1], "attention-stepper")
        choose(pages[1], TINY.name)
        expect(more(pages[1])).to_contain_text("now about a random Llama")
        settle(pages[1])
        assert body(pages[1], "attention-stepper") != before
        pages[1].locator("[data-model-choice]").select_option("storyteller")
        settle(pages[1])
        press(pages[0], "Leave it")
        expect(more(pages[0])).to_have_text("")
        expect(more(pages[1])).to_have_text("")
        for page in pages:
            wait_live(page)
            assert body(page, "attention-stepper" if page is pages[1] else "temperature")
    assert body(pages[1], "attention-stepper") == before


def test_a_small_machine_gets_an_explanation_and_may_insist(open_page, context):
    context.add_init_script(SMALL)
    page = open_page("")
    choose(page, TINY.name)
    expect(more(page)).to_contain_text("may be too much here: this machine has 2 GB")
    press(page, "Load it all the same")
    expect(more(page)).to_contain_text("now about", timeout=60_000)


def test_a_file_of_the_readers_stays_on_the_machine(open_page):
    page = open_page("")
    choose(page, "file")
    expect(more(page)).to_contain_text("does not leave your machine")
    files = [FOLDER / "tiny-gpt2" / name for name in ("model.safetensors", "config.json", "tokenizer.json")]
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.locator("[data-models] input[type=file]").set_input_files(files)
    expect(more(page)).to_contain_text("now about", timeout=60_000)
    settle(page)
    assert not [url for url in requests if "safetensors" in url or "/models/" in url]
    expect(page.locator("#transformer svg.climb.wide")).to_be_visible()


def test_a_file_that_is_no_model_is_named(open_page, tmp_path):
    page = open_page("")
    wrong = tmp_path / "letter.gguf"
    wrong.write_bytes(b"Dear Sir")
    choose(page, "file")
    page.locator("[data-models] input[type=file]").set_input_files([wrong])
    expect(more(page)).to_contain_text("The storyteller is here, with everything as it was.", timeout=60_000)
    expect(page.locator("[data-model-choice]")).to_have_value("storyteller")


def test_the_real_one_says_paris_and_mary(open_page, site_directory, context):
    if not (site_directory / "models" / SMOLLM2.name).is_dir():
        pytest.skip("THE REAL MODEL IS NOT TESTED ON A PAGE: this site was built without it")
    context.add_init_script(LARGE)
    page = open_page("")
    choose(page, SMOLLM2.name)
    expect(more(page)).to_contain_text("98 MB are fetched")
    press(page, "Load the model")
    expect(more(page)).to_contain_text("now about SmolLM2-135M", timeout=120_000)
    settle(page)
    assert "Paris" in body(page, "transformer")
    assert page.locator("svg.climb.wide .storeys .name").count() == 7, "30 floors in six bundles, and the words"
    press(page, "When Mary and John")
    settle(page)
    expect(page.locator("#transformer .says .now")).to_contain_text("“Mary”", timeout=60_000)
