"""Top-k, top-p, min-p as masks on the real distribution: each by itself, and in the order in which they are applied."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer.kernel import sampling
from explainer.studies.next_token import each_alone, kept_by_temperature
from explainer.ui.html import how_many, join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from .parts import (
    EXAMPLE_CUTS,
    at_t,
    bar_cell,
    bar_table,
    name_of,
    prompt_field,
    temperature_slider,
)

ROWS = 16
ALONE = 14
TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0)
RULES = {
    "top-k": ("Top-k", "the k most likely tokens, however likely they are", "top_k"),
    "top-p": ("Top-p", "the fewest tokens that together hold the share p", "top_p"),
    "min-p": ("Min-p", "tokens at least p times as likely as the best one", "min_p"),
}


class TemperatureFilters(Widget):
    """Three ways to cut the tail off, none of which is the temperature."""

    slug = "temperature-filters"
    title = "Cutting the tail: top-k, top-p, min-p"
    own_only = ""
    reads = ("prompt", "t", "top_k", "top_p", "min_p")
    functions = (sampling.keep_top_k, sampling.keep_top_p, sampling.keep_min_p, sampling.filters)

    def draw(self) -> Markup:
        s = self.state
        look = s.look()
        settings = {name: getattr(s, name) for name in EXAMPLE_CUTS}
        used: dict[str, Any] = {
            name: EXAMPLE_CUTS[name] if value is None else value for name, value in settings.items()
        }
        return join(
            [
                c.controls(c.beyond(prompt_field(s)), temperature_slider(s)),
                c.beyond(
                    c.controls(
                        *[setting(name, settings[name], used[name], len(look.order)) for name in EXAMPLE_CUTS],
                        presets(settings),
                        label="Cuts",
                    )
                ),
                tag(
                    "div",
                    *[alone(cut, settings, look) for cut in each_alone(look.chain.probs, **used, order=look.order)],
                    class_="columns thirds",
                ),
                c.beyond(
                    c.figure("order", in_order(look), title="Applied one after the other.", caption=order_words(look)),
                    c.figure(
                        "adapting",
                        adapting(s.tokens(), used),
                        title="How many tokens each rule keeps.",
                        caption=(
                            "The same rules at other temperatures. The temperature comes first, "
                            "so it decides what the rules see."
                        ),
                    ),
                ),
            ]
        )


def setting(name: str, value: float | None, used: float, n_vocab: int) -> Markup:
    """A slider for one cut; while it is off it shows where the example stands."""
    label = RULES[name.replace("_", "-")][0]
    shown = f"{used:g}" if value is not None else f"off (example: {used:g})"
    field = (
        c.slider(name, label, min(used, n_vocab), 1, n_vocab, log=True, shown=shown)
        if name == "top_k"
        else c.slider(name, label, used, 0, 1, step=0.01, shown=shown)
    )
    off = c.button(f"{label} off", sets=name, value="", pressed=value is None, kind="small")
    return tag("div", field, off, class_="cut-control")


def presets(settings: dict[str, Any]) -> Markup:
    names = " ".join(settings)
    on = "\x1f".join(f"{v:g}" for v in EXAMPLE_CUTS.values())
    return tag(
        "div",
        c.button("All three", sets=names, value=on, kind="small"),
        c.button("No cuts", sets=names, value="\x1f\x1f", kind="small"),
        class_="presets",
    )


def alone(cut: Any, settings: dict[str, Any], look: Any) -> Markup:
    """One rule by itself on the distribution at this temperature: what it keeps in full colour,
    what it removes hatched."""
    label, rule, name = RULES[cut.name]
    ids = look.order[:ALONE].tolist()
    peak = float(look.chain.probs.max())
    rows = [
        f'<tr><th scope="row"><span class="token" translate="no">{name_of(t)}</span></th>'
        + bar_cell(p, p / peak, percent(p), kind=" share" if kept else " share out", why="kept" if kept else "removed")
        + "</tr>"
        for t, p, kept in zip(ids, look.chain.probs[ids].tolist(), cut.kept[ids].tolist(), strict=True)
    ]
    state = "" if settings[name] is not None else " Not applied now."
    few = " No other has any probability." if cut.name == "top-k" and cut.n_kept < cut.setting else ""
    tied = cut.name != "min-p" and cut.n_kept < int((look.chain.probs == peak).sum())
    ties = " Others are just as likely; the larger logit goes first." if tied else ""
    note = (
        f"{label} {cut.setting:g} keeps {cut.n_kept} of {how_many(len(look.order), 'token')} "
        f"and {percent(cut.share)} of the probability.{few}{ties}{state}"
    )
    table = bar_table(
        ["token", f"share at {at_t(look.chain.temperature)}"],
        rows,
        label=f"{label} {cut.setting:g} alone",
        kind="narrow",
    )
    return c.figure(f"alone-{cut.name}", table, title=f"{label}:", caption=f"{rule}.", note=note)


def in_order(look: Any) -> Markup:
    """The distribution after each cut that is set; a token that is removed stays removed."""
    ids = look.order[:ROWS]
    columns = [("after T", look.chain.probs, None)] + [
        (f"{cut.name} {cut.setting:g}", cut.probs, cut) for cut in look.cuts
    ]
    peak = max(float(p.max()) for _, p, _ in columns)
    rows = []
    for token in ids.tolist():
        cells, gone = [], False
        for _, probs, cut in columns:
            p = float(probs[token])
            now = cut is not None and not bool(cut.kept[token])
            if now and not gone:
                text, why = "removed", f"removed by {cut.name} {cut.setting:g}"
            elif gone:
                text, why = "·", "already removed"
            else:
                text, why = percent(p), ""
            gone = gone or now
            cells.append(bar_cell(p, p / peak, text, why=why, kind=" share out" if gone else " share"))
        rows.append(
            f'<tr><th scope="row"><span class="token" translate="no">{name_of(token)}</span></th>{"".join(cells)}</tr>'
        )
    foot_kept = "".join(
        bar_cell(float((probs > 0).sum()), 0, how_many(int((probs > 0).sum()), "token")) for _, probs, _ in columns
    )
    foot_lost = bar_cell(0.0, 0, "") + "".join(bar_cell(cut.removed, 0, percent(cut.removed)) for cut in look.cuts)
    foot = [f'<tr><th scope="row">still possible</th>{foot_kept}</tr>']
    if look.cuts:
        foot.append(f'<tr><th scope="row">probability removed</th>{foot_lost}</tr>')
    heads = ["token", *[name for name, _, _ in columns]]
    return bar_table(
        heads, rows, label="The distribution after the temperature and after each cut, in order", foot=foot, kind="even"
    )


def order_words(look: Any) -> str:
    if not look.cuts:
        return "No cut is set, so what is drawn from is the distribution itself. Move a slider, or press All three."
    return (
        "Temperature, then top-k, then top-p, then min-p. After each cut what is left is scaled up to 100 %, "
        "and the next rule sees that."
    )


def adapting(tokens: tuple[int, ...], used: dict[str, Any]) -> Markup:
    kept = kept_by_temperature(tokens, TEMPERATURES, used["top_k"], used["top_p"], used["min_p"])
    most = max(max(row) for row in kept)
    rows = [
        f'<tr><th scope="row">T = {t:g}</th>' + "".join(bar_cell(float(n), n / most, f"{n}") for n in row) + "</tr>"
        for t, row in zip(TEMPERATURES, kept, strict=True)
    ]
    heads = ["temperature", *[f"{RULES[name][0]} {used[RULES[name][2]]:g} alone" for name in RULES]]
    return bar_table(heads, rows, label="Number of tokens that each rule keeps, by temperature", kind="even")


__all__ = ["TemperatureFilters"]
