"""What a reader does with two widgets wherever Panel shows them, and what has to be seen then: for test_panel_*.py.

Numbers are compared with `explainer`'s own, looks with the site's style sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import explainer
from explainer.kernel.explain import explain
from explainer.models import lab
from explainer.ui import design
from explainer.ui.html import percent
from pages.attention.page import AttentionState

PROMPT = "Once there was a"
APP = f"""
import panel as pn

import explainer

pn.extension()
chain = explainer.widget("temperature", prompt={PROMPT!r})
stepper = explainer.widget("attention-stepper", step=0)
pn.Column(chain, stepper, sizing_mode="stretch_width").servable()
"""
Theme = Literal["light", "dark"]
PATIENCE = 180_000  # ms until a widget is there: Python has to start
expect.set_options(timeout=30_000)


@contextmanager
def watched(browser: Browser, address: str, allowed: tuple[str, ...] = ()) -> Iterator[Page]:
    """A page at `address`; what its console complains of, and what it asks of others, fails the test.

    allowed: parts of complaints that are not ours
    """
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    origin, problems = urlsplit(address).netloc, list[str]()
    page = context.new_page()
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("request", lambda r: problems.append(f"asked {r.url}") if is_foreign(r.url, origin) else None)
    context.set_default_timeout(60_000)
    page.goto(address, timeout=PATIENCE)
    yield page
    context.close()
    ours = [problem for problem in problems if not any(part in problem for part in allowed)]
    assert not ours, "\n".join(ours)


def is_foreign(address: str, origin: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme not in ("data", "blob") and parts.netloc != origin


def widget(page: Page, slug: str) -> Locator:
    """A widget that is there: Panel has shown it."""
    found = page.locator(f'[data-widget="{slug}"]')
    expect(found).to_be_visible(timeout=PATIENCE)
    return found


def share(prompt: str = PROMPT, t: float = 0.5) -> str:
    """The share of the likeliest token, as the first row of the chain's table ends in it."""
    return percent(float(explainer.next_token(prompt, t).final.max()))


def shown(chain: Locator) -> Locator:
    return chain.get_by_test_id("chain").locator("tbody tr").first.locator("td").last


def has_focus(element: Locator) -> bool:
    return element.evaluate("(el) => el.getRootNode().activeElement === el")


# ---------------------------------------------------------------- what is done


def is_styled(page: Page, themes: Sequence[Theme] = ("light", "dark")) -> None:
    """Every widget has the site's looks, and all of them one style sheet between them.

    themes: those of the reader's system that they follow
    """
    every = page.locator("[data-widget]")
    kind = "(s) => [...s.cssRules].some((rule) => rule.selectorText === '.widget')"
    sheets = every.evaluate_all(
        f"""(all) => {{
            const sheets = all.flatMap((el) => el.getRootNode().adoptedStyleSheets.filter({kind}));
            return [sheets.length, new Set(sheets).size];
        }}"""
    )
    assert sheets == [every.count(), 1]
    looks = "({ borderTopLeftRadius: r, fontSize: f }) => [r, f]"
    assert every.first.evaluate(f"(el) => ({looks})(getComputedStyle(el))") == ["12px", f"{18 * 0.833:g}px"]
    for theme in themes:
        page.emulate_media(color_scheme=theme)
        has_colours(every.first, theme)
    page.emulate_media(color_scheme="light")


def has_colours(widget: Locator, theme: Theme) -> None:
    colour = {"light": design.LIGHT, "dark": design.DARK}[theme]["raised"]
    rgb = ", ".join(str(int(colour[k : k + 2], 16)) for k in (1, 3, 5))
    expect(widget).to_have_css("background-color", f"rgb({rgb})")


def the_chain_works(page: Page, prompt: str = PROMPT) -> None:
    """Slider, button, text field, messages and Reset of /temperature/'s first widget."""
    chain = widget(page, "temperature")
    expect(shown(chain)).to_have_text(share(prompt))
    slider = chain.get_by_role("slider", name="Temperature")
    slider.focus()
    slider.evaluate("(el) => { el.value = 0.3; el.dispatchEvent(new Event('input', { bubbles: true })); }")
    expect(shown(chain)).to_have_text(share(prompt, 2))
    assert has_focus(slider)
    # when it says that it has answered, the answer stands there
    cell = "el.closest('.widget').querySelector('[data-figure=chain] tbody tr td:last-child')"
    answered = chain.get_by_role("button", name="10", exact=True).evaluate(
        f"""(el) => new Promise((resolve) => {{
            const widget = el.closest('.widget');
            const look = () => {{ if (!widget.hasAttribute('data-busy')) resolve({cell}.textContent); }};
            new MutationObserver(look).observe(widget, {{ attributes: true, attributeFilter: ['data-busy'] }});
            el.click();
        }})"""
    )
    assert answered.strip() == share(prompt, 10)
    # a text is written while answers to its beginnings arrive
    field = chain.get_by_label("Prompt")
    field.click()
    field.fill("Once there was a girl")
    expect(shown(chain)).to_have_text(share("Once there was a girl", 10))
    field.evaluate("(el) => el.setSelectionRange(5, 5)")
    field.press_sequentially("upon a time ", delay=230)
    expect(field).to_have_value("Once upon a time there was a girl")
    expect(shown(chain)).to_have_text(share("Once upon a time there was a girl", 10))
    assert field.evaluate("(el) => el.selectionStart") == len("Once upon a time ") and has_focus(field)
    # what cannot be
    chain.locator("details:has([data-bind=top_k]) > summary").first.click()
    top_k = chain.get_by_label("Top-k")
    top_k.fill("0")
    top_k.press("Tab")
    expect(chain.locator("[data-message=top_k]")).to_have_text("Top-k cannot be 0; it is 1 now.")
    expect(top_k).to_have_value("1")
    # the page's own part, without Python
    chain.get_by_text("Every number, step by step").click()
    chain.get_by_test_id("chain").locator("tbody td").nth(1).hover()
    expect(chain.get_by_test_id("chain").locator("[data-readout]")).to_contain_text("→")
    chain.get_by_role("button", name="Reset").click()
    expect(field).to_have_value(type(explainer.widget("temperature").state)().prompt)
    expect(shown(chain)).to_have_text(share(field.input_value()))
    expect(top_k).to_have_value("")


def the_stepper_works(page: Page) -> None:
    """Steps by button and key, a list, a table's numbers, and a cell that Python is asked about."""
    stepper = widget(page, "attention-stepper")
    name = stepper.locator("[data-step-name]")
    expect(name).to_have_text("Step 1 of 10: Residual stream")
    stepper.get_by_role("button", name="Next step").click()
    stepper.get_by_role("button", name="Next step").press("ArrowRight")
    expect(name).to_have_text("Step 3 of 10: q, k, v")
    stepper.get_by_role("button", name="Next step").click()
    tokens = AttentionState().tokens()
    trace = lab.trace(tokens)
    state = AttentionState()
    stepper.get_by_test_id("keys").locator("xpath=ancestor::details[1]/summary").click()  # they lie one press deeper
    cell = stepper.get_by_test_id("keys").locator("tbody td[data-v]").nth(1)
    cell.hover()
    made = explain(trace, lab.model().params, f"blocks.{state.layer}.attn.k", (0, state.head, 1), lab.names_of(tokens))
    expect(stepper.get_by_test_id("keys").locator("[data-readout]")).to_contain_text(made.numbers[:12])
    stepper.get_by_label("Head", exact=True).select_option("2")
    for _ in range(3):
        stepper.get_by_role("button", name="Next step").click()
    expect(name).to_have_text("Step 7 of 10: Softmax")
    pattern = trace[f"blocks.{state.layer}.attn.pattern"][2]
    row = stepper.get_by_test_id("pattern").locator("tbody tr").nth(2)
    read = "(row) => [...row.querySelectorAll('td[data-v]')].slice(0, 3).map((cell) => Number(cell.dataset.v))"
    for _ in range(100):  # until the answer is there
        if (found := row.evaluate(read)) == pytest.approx(pattern[2, :3].tolist(), rel=1e-3, abs=1e-4):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{found} is not the pattern of head 2, {pattern[2, :3]}")
