"""The temperature page without a browser: requests in, markup and messages out; expected numbers from explainer."""

from __future__ import annotations

import html
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from explainer import corpus
from explainer.corpus.examples import PROMPTS
from explainer.kernel import sampling
from explainer.kernel.ops import entropy
from explainer.kernel.temperature import chain, expected_total_variation
from explainer.models import lab
from explainer.studies import forecast, next_token
from explainer.ui.html import number, percent
from explainer.ui.parts.charts import within
from pages import numbers_of
from pages.temperature import page as page
from pages.temperature.facts import draws, repetition
from pages.temperature.views.chain import ROWS
from pages.temperature.views.parts import at_t, decimals, digits_apart, fine, nats, times

V = lab.tokenizer().n_vocab

SHORT = 24  # tokens per text in these tests


@pytest.fixture(autouse=True, scope="module")
def short_texts():
    """Two hundred tokens take seconds; the tests of the writing itself are in tests/unit."""
    from pages.temperature import numbers as said
    from pages.temperature.views import repetition as view

    patch = pytest.MonkeyPatch()
    for module in (repetition, view, said):
        patch.setattr(module, "LENGTH", SHORT)
    repetition.desk.cache_clear()
    yield
    patch.undo()
    repetition.desk.cache_clear()


@pytest.fixture
def made():
    return {c.name: c for c in page.PAGE.make()}


def ask(made, **values):
    made["link"].request = values
    return made["link"]


def rows_of(markup: str, figure: str) -> list[list[str]]:
    """The exact values (or texts) of a figure's first table, row by row."""
    start = markup.index(f'data-figure="{figure}"')
    table = re.search(r"<table.*?</table>", markup[start:], re.S)[0]
    out = []
    for row in re.findall(r"<tr.*?</tr>", table, re.S):
        cells = []
        for attributes, body in re.findall(r"<t[dh]([^>]*)>(.*?)</t[dh]>", row, re.S):
            value = re.search(r'data-v="([^"]*)"', attributes)
            cells.append(value[1] if value else html.unescape(re.sub(r"<[^>]+>", "", body)).strip())
        out.append(cells)
    return out


def tokens(prompt: str) -> tuple[int, ...]:
    return lab.tokens_of(prompt)


# ---------------------------------------------------------------- the chain


@pytest.mark.parametrize("t", ["0", "0.01", "0.5", "1", "2", "10", "inf"])
def test_every_number_of_the_chain_is_the_models(made, t):
    ask(made, t=t)
    expected = chain(lab.trace(tokens(page.PROMPT))["logits"][-1], float(t))
    order = next_token.ranked(tokens(page.PROMPT))
    rows = rows_of(made["temperature"].html, "chain")
    for row, token in zip(rows[1 : ROWS + 1], order, strict=False):
        name, z, scaled, grown, p = row
        assert name == lab.tokenizer().display(int(token))
        assert [float(z), float(scaled), float(grown), float(p)] == [
            expected.logits[token],
            expected.scaled[token],
            expected.grown[token],
            expected.probs[token],
        ]
    beyond_few, others, total = rows[ROWS + 1 : ROWS + 4]  # what is in sight with six rows, and with all of them
    assert float(beyond_few[-1]) == pytest.approx(expected.probs[order[6:]].sum())
    assert float(others[-1]) == pytest.approx(expected.probs[order[ROWS:]].sum())
    assert float(total[3]) == expected.total


def test_the_whole_vocabulary_is_there(made):
    ask(made, t="2")
    listed = json.loads(html.unescape(re.search(r'data-list="([^"]*)"', made["temperature"].html)[1]))
    probs = sampling.distribution(lab.trace(tokens(page.PROMPT))["logits"][-1], 2)
    assert sorted(listed["ids"]) == list(range(lab.tokenizer().n_vocab))
    assert listed["shares"] == [probs[i] for i in listed["ids"]]
    assert listed["names"] == [lab.tokenizer().display(i) for i in listed["ids"]]
    assert sum(listed["shares"]) == pytest.approx(1)


def test_twenty_at_one_half_is_forty(made):
    ask(made, t="0.5")
    assert "a logit of 20 becomes</dt><dd>40</dd>" in made["temperature"].html
    for t, twenty in (("0", "∞"), ("0.01", "2,000"), ("10", "2"), ("0.7", "28.57")):
        ask(made, t=t)
        assert f"a logit of 20 becomes</dt><dd>{twenty}</dd>" in made["temperature"].html


def test_limits_are_said_and_carried_by_the_url(made):
    assert ask(made, t="inf").values["t"] == "inf"
    assert "all tokens become alike" in made["temperature"].html
    shares = {row[-1] for row in rows_of(made["temperature"].html, "chain")[1 : ROWS + 1]}
    assert shares == {repr(1 / lab.tokenizer().n_vocab)}
    assert ask(made, t=0).values["t"] == 0
    assert "only the best is left" in made["temperature"].html
    json.dumps(made["link"].values, allow_nan=False)


def test_cuts_show_in_the_chain_and_the_facts(made):
    ask(made, t="1", top_k="3")
    look = next_token.next_token(tokens(page.PROMPT), 1.0, 3)
    rows = rows_of(made["temperature"].html, "chain")
    assert [float(r[-1]) for r in rows[1:6]] == [look.final[t] for t in look.order[:5]]
    assert float(rows[4][-1]) == 0
    assert f"{float(entropy(look.final)):.2f} nats" in made["temperature"].html


def test_equations_hold_as_printed(made):
    for t in ("0.01", "0.05", "0.3", "0.5", "1", "3.7", "10"):
        for prompt in (page.PROMPT, PROMPTS["copy a name"][0], PROMPTS["a small sum"][0]):
            ask(made, t=t, prompt=prompt)
            found = re.findall(
                r"e<sup>([\d.,]+)</sup>(?: ≈ ([\d.,]+)(?: × 10<sup>(\d+)</sup>)?)? times", made["temperature"].html
            )
            assert len(found) == 2
            for exponent, digits, power in found:
                if not digits:
                    assert float(exponent.replace(",", "")) > 709  # e to that is no number that this page can hold
                    continue
                value = float(digits.replace(",", "")) * 10.0 ** int(power or 0)
                assert value == pytest.approx(math.exp(float(exponent.replace(",", ""))), rel=6e-3), (t, prompt)
    assert (times(154203.4), times(4.6e35), fine(-1.6432), fine(0)) == (
        "154,000",
        "4.60 × 10<sup>35</sup>",
        "−1.643",
        "0",
    )


def test_two_logits_that_differ_look_different(made):
    ask(made, t="0")
    shown = re.findall(r"<td[^>]*>([^<]*)</td>", made["temperature"].html[made["temperature"].html.index("<tbody>") :])
    assert shown[0] != shown[4]
    assert [digits_apart(v) for v in ((1.0, 2.0), (1.001, 1.002), (1.0, 1.00001), (1.0, math.inf))] == [2, 3, 3, 2]


def test_in_the_limits_nothing_is_divided(made):
    for t, words in (("0", "T → 0"), ("inf", "T → ∞")):
        ask(made, t=t)
        shown = "".join(c.html for name, c in made.items() if name != "link")
        assert f"limit of z ÷ T, {words}" in shown and f"At {words}; the truth has no temperature" in shown
        assert not re.search(r"÷ [0∞]\b|T = [0∞][^.\d]", shown)
    assert f"{V} tokens alike, {percent(1 / V)} each" in made["temperature"].html
    ask(made, t="0.5")
    assert "z ÷ 0.5" in made["temperature"].html and (at_t(0.5), at_t(0)) == ("T = 0.5", "T → 0")


def test_cuts_are_folded_away_until_they_are_set(made):
    assert "<summary>Cut the tail: no cut</summary>" in made["temperature"].html
    assert '<details class="cut-fields" data-opens="top_k top_p min_p">' in made["temperature"].html
    ask(made, top_k="5", min_p="0.1")
    assert "<summary>Cut the tail: top-k 5, min-p 0.1</summary>" in made["temperature"].html
    assert '<details class="cut-fields" open data-opens=' in made["temperature"].html


# ---------------------------------------------------------------- one scale


def bars_of(markup: str, figure: str) -> list[tuple[float, float, float | None, list[float]]]:
    """(drawn length, value, place of the mark, the other values) of each row of bars, that of the others being last."""
    body = markup[markup.index(f'data-figure="{figure}"') :]
    rows = []
    for row in re.findall(
        r"<tr[^>]*><th scope=\"row\">.*?</tr>", re.search(r"<tbody>.*?</tbody>", body, re.S)[0], re.S
    ):
        bar = float(re.search(r'class="bar" style="--v:([\d.e-]+)"', row)[1])
        mark = re.search(r'class="mark[^"]*" style="--v:([\d.e-]+)"', row)
        first, *others = (float(v) for v in re.findall(r'data-v="([^"]*)"', row))
        rows.append((bar, first, float(mark[1]) if mark else None, others))
    return rows


@pytest.mark.parametrize("t", ["0", "0.5", "2", "4", "10", "inf"])
@pytest.mark.parametrize("draws", [0, 1, 100])
def test_all_rows_have_one_scale(made, t, draws):
    ask(made, t=t, draws=draws)
    for name, figure, n in (("temperature-draws", "histogram", 7), ("temperature-truth", "beside", 15)):
        rows = bars_of(made[name].html, figure)
        assert len(rows) == n
        longest = max(max(p, other[0]) for _, p, _, other in rows)
        for bar, p, mark, other in rows:
            assert bar == pytest.approx(p / longest, abs=1e-4)
            assert mark is None or mark == pytest.approx(other[0] / longest, abs=1e-4)


# ---------------------------------------------------------------- draws


def test_the_reader_makes_the_first_draw(made):
    shown = made["temperature-draws"].html
    assert "Nothing has been drawn yet" in shown and "out of" not in shown
    ask(made, draws=1)
    assert f"Number 1 of seed {page.SEED}" in made["temperature-draws"].html


@pytest.mark.parametrize(("t", "n"), [("4", 1), ("4", 101), ("1", 100), ("inf", 10_000)])
def test_what_more_draws_bring_is_said_by_the_formula(made, t, n):
    ask(made, t=t, draws=n)
    probs = sampling.distribution(lab.trace(tokens(page.PROMPT))["logits"][-1], float(t))
    now, later = (number(expected_total_variation(probs, k), 4) for k in (n, 100 * n))
    assert (
        f"Honest draws are {now} away on average, and {later} with a hundred times as many."
        in made["temperature-draws"].html
    )


def test_where_one_token_can_be_drawn_nothing_is_approached(made):
    ask(made, t="0", draws=100)
    assert "Only one token can be drawn" in made["temperature-draws"].html
    assert "hundred times" not in made["temperature-draws"].html


def test_draws_are_the_seeds(made):
    ask(made, t="1", draws="1000", seed="5")
    probs = sampling.distribution(lab.trace(tokens(page.PROMPT))["logits"][-1], 1)
    order = next_token.ranked(tokens(page.PROMPT))
    expected = draws.first_draws(probs, 5, 1000, order)
    rows = rows_of(made["temperature-draws"].html, "histogram")[1:]
    assert [int(r[-1]) for r in rows[:6]] == [int(expected.counts[t]) for t in order[:6]]
    assert sum(int(r[-1]) for r in rows) == 1000
    assert f"u = {expected.last.u:.6f}" in made["temperature-draws"].html
    before = made["temperature-draws"].html
    ask(made, seed="6")
    assert made["temperature-draws"].html != before
    ask(made, seed="5")
    assert made["temperature-draws"].html == before


def test_no_noise_bit_for_bit(made):
    assert "agree in every bit" not in made["temperature-draws"].html
    for n, t in enumerate(("0", "0.3", "1", "5", "inf"), start=1):
        ask(made, checks=n, t=t)
        v = lab.tokenizer().n_vocab
        assert f"{v} of {v} agree in every bit" in made["temperature-draws"].html


def test_the_check_can_fail(made, monkeypatch):
    real = next_token.forward

    def noisy(*given):
        trace = real(*given)
        return {"logits": np.nextafter(trace["logits"], np.inf)}

    monkeypatch.setattr(next_token, "forward", noisy)
    ask(made, checks=1)
    v = lab.tokenizer().n_vocab
    assert f"{v} of {v} agree" not in made["temperature-draws"].html
    assert "aside problem" in made["temperature-draws"].html


def test_no_draws_yet(made):
    ask(made, draws=0)
    assert "Nothing has been drawn yet" in made["temperature-draws"].html


# ---------------------------------------------------------------- cuts


def test_cuts_in_the_stated_order(made):
    ask(made, t="1.5", top_k="6", top_p="0.8", min_p="0.3")
    look = next_token.next_token(tokens(page.PROMPT), 1.5, 6, 0.8, 0.3)
    rows = rows_of(made["temperature-filters"].html, "order")
    assert rows[0] == ["token", "after T", "top-k 6", "top-p 0.8", "min-p 0.3"]
    for row, token in zip(rows[1:17], look.order, strict=False):
        assert [float(x) for x in row[1:]] == [look.chain.probs[token], *[cut.probs[token] for cut in look.cuts]]
    assert [int(float(x)) for x in rows[17][1:]] == [lab.tokenizer().n_vocab, *[c.n_kept for c in look.cuts]]
    assert [float(x) for x in rows[18][2:]] == [c.removed for c in look.cuts]


def test_each_rule_alone(made):
    ask(made, t="2", top_p="0.6")
    probs = sampling.distribution(lab.trace(tokens(page.PROMPT))["logits"][-1], 2)
    n = int(sampling.keep_top_p(probs, 0.6).sum())
    assert f"Top-p 0.6 keeps {n} of" in made["temperature-filters"].html
    assert (
        "Top-k 5 keeps 5 of" in made["temperature-filters"].html
        and "Not applied now" in made["temperature-filters"].html
    )
    kept = next_token.kept_by_temperature(tokens(page.PROMPT), (0.25, 0.5, 1.0, 2.0, 4.0), 5, 0.6, 0.1)
    assert [[int(float(x)) for x in row[1:]] for row in rows_of(made["temperature-filters"].html, "adapting")[1:]] == [
        list(r) for r in kept
    ]


def test_emptied_field_is_no_cut(made):
    ask(made, top_k="3")
    assert made["link"].values["top_k"] == 3
    ask(made, top_k="")
    assert made["link"].values["top_k"] is None


def test_where_all_are_alike_the_rule_goes_by_logit_and_says_so(made):
    ask(made, t="inf", top_k="5", top_p="0.9", min_p="0.1")
    shown = made["temperature-filters"].html
    for name, n in (("top-k", 5), ("top-p", math.ceil(0.9 * V))):
        assert re.search(rf"keeps {n} of {V} tokens and [\d.]+ % of the probability. Others are just as likely", shown)
        body = shown[shown.index(f'data-figure="alone-{name}"') :]
        body = body[: body.index("</tbody>")]
        assert [why == "kept" for why in re.findall(r'data-why="(kept|removed)"', body)] == [k < n for k in range(14)]
    assert f"Min-p 0.1 keeps {V} of {V} tokens and 100 % of the probability.<" in shown
    assert [float(r[-1]) for r in rows_of(shown, "order")[1:7]] == pytest.approx([0.2] * 5 + [0])


def test_why_top_k_keeps_fewer(made):
    ask(made, t="0", top_k="5")
    shown = made["temperature-filters"].html
    assert f"Top-k 5 keeps 1 of {V} tokens and 100 % of the probability. No other has any probability." in shown
    assert ">1 token</td>" in shown and "1 tokens" not in shown


# ---------------------------------------------------------------- truth


def test_who_names_one_token_has_no_temperature(made):
    found = set()
    for t in ("0", "0.5", "10", "inf"):
        ask(made, t=t)
        rows = rows_of(made["temperature-truth"].html, "losses")[1:]
        found |= {tuple(rows[2][1:]), tuple(rows[3])}
        best = re.search("names (␣[a-z]+) and nothing else", rows[3][0]).group(1)
        assert "right 25 % of the time" in rows[3][0] and f"{best}, keeps 1 % back for all" in rows[2][0]
    assert len(found) == 2


def test_a_line_stays_within_its_frame_and_an_arrow_says_that_it_goes_on(made):
    assert within([(0, 0), (2, 4), (4, 4), (6, 0)], 2) == [[(1, 2), (2, 4), (4, 4), (5, 2)]]
    assert within([(0, 4), (1, 0), (2, 4)], 2) == [[(0, 4), (0.5, 2)], [(1.5, 2), (2, 4)]]
    curve = forecast.loss_by_temperature()
    for t in ("0", "0.02", "0.5", "10", "inf"):
        ask(made, t=t)
        shown = made["temperature-truth"].html
        shown = shown[shown.index('data-figure="loss-by-temperature"') : shown.index('data-figure="impossible"')]
        line = [float(y) for y in re.findall(r",([\d.]+)", re.search(r'<polyline points="([^"]*)"', shown)[1])]
        assert line[0] == line[-1] == min(line) and sorted(line).count(min(line)) == 2  # no plateau
        assert shown.count('class="beyond') == 2 + (t in ("0.02", "10"))
        for row in (curve[0], curve[-1]):
            assert f"{number(row[1])} at T = {row[0]:g}" in shown
        assert f"{at_t(float(t))}: " in shown


def test_shares_that_are_set_are_said_as_they_were_set(made):
    options = re.findall(r"<option[^>]*>([^<]*)", made["temperature-truth"].html)
    assert options == ["10 %", "1 %", "0.1 %"] and percent(0.01) == "1.0 %"


def test_the_truth_beside_the_model(made):
    ask(made, t="1")
    truth = corpus.true_distribution(page.PROMPT, lab.tokenizer())
    probs = sampling.distribution(lab.trace(tokens(page.PROMPT))["logits"][-1], 1)
    by_name = {lab.tokenizer().display(i): i for i in range(lab.tokenizer().n_vocab)}
    rows = rows_of(made["temperature-truth"].html, "beside")[1:-1]
    assert len(rows) >= (truth.probs > 0).sum()
    for name, _, p, q in rows:
        assert float(p) == probs[by_name[name]] and float(q) == truth.probs[by_name[name]]


def test_losses_are_the_forecasts(made):
    ask(made, t="0.7", hedge="0.1")
    truth = corpus.true_distribution(page.PROMPT, lab.tokenizer())
    here = forecast.losses(truth.probs, sampling.distribution(lab.trace(tokens(page.PROMPT))["logits"][-1], 0.7), 0.1)
    text = forecast.held_out()
    rows = rows_of(made["temperature-truth"].html, "losses")[1:]
    assert [float(r[1]) for r in rows] == [here.floor, here.model, here.hedged, here.argmax]
    assert [float(r[3]) for r in rows] == [text.floor.value, text.at(0.7)[0], text.argmax(0.1), text.argmax()]
    assert rows[3][1] == "inf" and here.floor <= here.model < here.hedged


def test_outside_the_grammar_it_says_so(made):
    ask(made, prompt="The stock market fell")
    shown = made["temperature-truth"].html
    assert "There is no truth to compare with here" in shown
    assert (
        html.escape(corpus.true_distribution("The stock market fell", lab.tokenizer()).reason)[:30] in shown
        or "which it never writes" in shown
    )
    assert len(rows_of(shown, "beside")) == 16


def test_a_certain_next_token(made):
    ask(made, prompt=PROMPTS["close the quotes"][0] + ".\"'", t="1")
    assert "∞ is no misprint" in made["temperature-truth"].html


# ---------------------------------------------------------------- repetition


def test_the_still_has_all_tokens_and_the_rest_comes_in_pieces(made):
    widget = made["repetition"]
    assert "data-more" not in widget.html
    ask(made, seed=3)
    assert f"Writing: 0 of {SHORT} tokens" in widget.html and 'data-more="again"' in widget.html
    for turn in range(1, 4):
        ask(made, again=turn)
    assert "data-more" not in widget.html
    assert "again" not in made["link"].values
    desk = repetition.desk(tokens(page.PROMPT), 3)
    for text in desk.texts():
        steps = (
            sampling.generate(lab.model(), tokens(page.PROMPT), SHORT, temperature=text.temperature, rng=3)
            if text.temperature
            else None
        )
        if steps:
            assert text.tokens == tuple(s.token for s in steps)
    rows = rows_of(widget.html, "measures")[1:]
    assert [float(r[2]) for r in rows] == [sampling.distinct_n(t.tokens, 2) for t in desk.texts()]
    assert [r[0] for r in rows] == ["T = 0.01", "T = 0.5", "T = 1", "T = 2", "the corpus"]


def test_loops_are_found_and_marked():
    from pages.temperature.views.repetition import story

    tokenizer = lab.tokenizer()
    words = tuple(tokenizer.encode(" red, blue, blue,")) + tuple(tokenizer.encode(" la,")) * 9
    looped, marked = sampling.find_loop(words), repetition.copied(words)
    curve = repetition.distinct_so_far(words)
    text = repetition.Text("T = 0.5", 0.5, words, (0.0,) * len(words), None, looped, marked, curve)
    shown = story(text)
    assert "ends in a loop: 2 tokens, 9 times" in shown
    assert shown.count('class="loop"') + shown.count('class="loop odd"') == -(-(len(words) - looped.start) // 2)
    assert "does not end" not in shown


def test_the_corpus_stands_beside_the_model(made):
    shown = made["repetition"].html
    assert re.findall(r"<h4>([^<]*)</h4>", shown) == ["T = 0.01", "T = 0.5", "T = 1", "T = 2", "the corpus"]
    assert shown.count(">nats</text>") == 1  # the strips have an axis


def test_a_prompt_outside_the_grammar_has_no_corpus_text(made):
    ask(made, prompt="Hello", again=0)
    for turn in range(11, 15):
        ask(made, again=turn)
    assert "The corpus never writes this prompt" in made["repetition"].html
    assert [r[0] for r in rows_of(made["repetition"].html, "measures")[1:]] == ["T = 0.01", "T = 0.5", "T = 1", "T = 2"]


# ---------------------------------------------------------------- what readers and links send


HOSTILE = [
    "",
    " ",
    "x" * 10_000,
    "🦜🦜",
    "مرحبا بالعالم",
    "\x00\x07\x1b[31m",
    "<script>alert(1)</script>",
    "a\nb\tc",
    "\ud800",
    "&amp;\"'><b>",
]


@pytest.mark.parametrize("prompt", HOSTILE)
def test_nothing_breaks_on_any_prompt(made, prompt):
    link = ask(made, prompt=prompt, t="0.8")
    assert ("The model reads" in link.messages.get("prompt", "")) == (len(prompt) > 1000)
    for name, component in made.items():
        if name != "link":
            assert "<script>" not in component.html and "<b>" not in component.html
    assert float(rows_of(made["temperature"].html, "chain")[1][-1]) > 0


BAD = [
    ({"t": "-3"}, 0, "cannot be -3"),
    ({"t": "hot"}, 0.5, "not a number"),
    ({"t": "nan"}, 0.5, "not a number"),
    ({"top_k": "0"}, 1, "cannot be 0"),
    ({"top_p": "7"}, 1, "cannot be 7"),
    ({"min_p": "-1"}, 0, "cannot be -1"),
    ({"seed": "-1"}, 0, "cannot be -1"),
    ({"draws": "1e9"}, draws.MOST, "cannot be 1e9"),
    ({"hedge": "0.5"}, 0.01, "not a choice"),
]


@pytest.mark.parametrize(("given", "kept", "says"), BAD)
def test_bad_links_get_a_sentence(made, given, kept, says):
    link = ask(made, **given)
    (name,) = given
    assert link.values[name] == kept
    assert says in link.messages[name]


def test_a_slider_position_is_said_in_full_by_the_link(made):
    assert ask(made, t=0.7079457843841379).values["t"] == 0.708
    assert ask(made, t="1e-9").values["t"] == 1e-9
    assert math.isfinite(float(rows_of(made["temperature"].html, "chain")[1][-1]))


def test_what_is_out_of_sight_waits_and_catches_up(made):
    before = made["temperature-truth"].html
    ask(made, t="0.3", first="temperature temperature-draws")
    assert "T = 0.3" in made["temperature-draws"].html or "z ÷ 0.3" in made["temperature"].html
    assert "z ÷ 0.3" in made["temperature"].html and made["temperature-truth"].html == before
    ask(made, first="")
    assert "At T = 0.3" in made["temperature-truth"].html


def test_a_link_reopens_the_same_view(made):
    link = ask(made, t="1.7", top_k="20", min_p="0.05", seed="9", draws="777", prompt=PROMPTS["free choice"][0])
    again = {c.name: c for c in page.PAGE.make()}
    ask(again, **json.loads(json.dumps(link.values)))
    for name in ("temperature", "temperature-draws", "temperature-filters", "temperature-truth"):
        assert again[name].html == made[name].html


def test_markup_stays_small(made):
    for name, component in made.items():
        if name != "link":
            assert len(component.html) < 150_000, name


def test_ids_are_unique_on_the_page(made):
    ids = [i for c in made.values() if c.name != "link" for i in re.findall(r' id="([^"]+)"', c.html)]
    assert len(ids) == len(set(ids))


def test_the_prose_has_all_its_numbers():
    numbers = numbers_of("temperature")
    text = Path(page.__file__).with_name("text.md").read_text(encoding="utf-8")
    loops = " ".join(re.findall(r"\{% *for ([a-z_, ]+) in", text))
    wanted = set(re.findall(r"\{\{ *([a-z_0-9]+)", text)) - set(loops.replace(",", " ").split())
    assert wanted and wanted <= set(numbers)
    assert "nan" not in " ".join(str(numbers[n]) for n in wanted)


def test_0_is_written_only_for_what_is_0():
    assert [nats(x) for x in (0.0, 0.0004, 0.0005, 1.5, math.inf)] == ["0", "<0.001", "0.001", "1.500", "∞"]
    assert [decimals(x, 3) for x in (0.0, -0.5, 10.2)] == ["0", "−0.500", "10.200"]


def test_the_first_drawing_within_a_request_writes_nothing_long():
    """A document is opened without drawing: the reader's first change must not wait for four long texts."""
    link, *widgets = page.PAGE.make("repetition", draw=False)
    ask({"link": link, **{w.name: w for w in widgets}}, seed=77_771)
    [widget] = widgets
    assert f"Writing: 0 of {SHORT} tokens each." in widget.html
