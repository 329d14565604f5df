"""Markup: the only place where text becomes HTML. Everything that is not already `Markup` is escaped."""

import functools
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from markupsafe import Markup, escape

VOID = {"input", "br", "hr", "img"}  # SVG elements are closed: HTML would nest what follows into them
SPECIAL = re.compile("[&<>\"']")


def escaped(text: str) -> str:
    """The text as HTML, most of which needs no change (and markupsafe has no fast code in a browser)."""
    return str(escape(text)) if SPECIAL.search(text) else text


@functools.cache
def attribute_name(name: str) -> str:
    """`data_v` as HTML writes it: `data-v`; a trailing `_` only keeps Python's own words apart (`class_`)."""
    return name.rstrip("_").replace("_", "-")


def attributes(attrs: dict[str, Any]) -> str:
    """Attributes as HTML. `None` and `False` are left out, `True` is a bare name, `_` in a name becomes `-`."""
    parts = []
    for name, value in attrs.items():
        if value is None or value is False:
            continue
        if value is True:
            parts.append(f" {attribute_name(name)}")
        elif type(value) is int:  # nothing to escape, and there are many
            parts.append(f' {attribute_name(name)}="{value}"')
        else:
            parts.append(f' {attribute_name(name)}="{escaped(str(value))}"')
    return "".join(parts)


def tag(name: str, *children: Any, **attrs: Any) -> Markup:
    """One element. Children: strings (escaped), `Markup` (kept), iterables of them, or None (nothing)."""
    if name == "code":
        attrs["translate"] = "no"
    head = f"<{name}{attributes(attrs)}>" if attrs else f"<{name}>"
    if name in VOID:
        return Markup(head)
    return Markup(f"{head}{''.join(pieces(children))}</{name}>")


def join(children: Iterable[Any]) -> Markup:
    """Concatenate children as `tag` does."""
    return Markup("".join(pieces(children)))


def pieces(children: Iterable[Any]) -> list[str]:
    """The markup of each child, flat."""
    out: list[str] = []
    for child in children:
        if type(child) is Markup:
            out.append(child)
        elif child is None or child is False:
            continue
        elif isinstance(child, str):
            out.append(escaped(child))
        elif isinstance(child, (list, tuple)) or hasattr(child, "__next__"):
            out += pieces(child)
        else:
            out.append(escaped(str(child)))
    return out


def number(value: float, digits: int = 3) -> str:
    """A number for the eye: at most `digits` significant digits, a real minus sign, no needless zeros.

    Values too small for that are written like `4e−5`. The exact value belongs in `data-v` (`exact`), never in the text.
    """
    value = float(value)
    if value != value:
        return "–"
    if value in (float("inf"), float("-inf")):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 99.95:
        text = f"{size:,.0f}"
    elif size >= 10 - 0.5 * 10 ** -(digits - 1):  # 9.998 is 10.0, not 10.00
        text = f"{size:.1f}"
    elif size >= 0.5 * 10 ** -(digits - 1):
        text = f"{size:.{digits - 1}f}"
    else:
        text = f"{size:.0e}".replace("e-0", "e−").replace("e-", "e−")
    return ("−" if value < 0 else "") + text


def how_many(n: int, one: str, many: str = "") -> str:
    """A count with its noun: `1 token`, `1,202 tokens`. many: the plural, where it is not just an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def compact(value: float) -> str:
    """A number for a small cell: two digits, no leading zero (`.24`, `−1.3`, `12`); the exact one is in `data-v`.

    0 and 1 only when they are exactly that: else `<.01`, `>.99`, `−.00`, `1.0`.
    """
    size = abs(float(value))
    if size != size or size == float("inf"):
        return number(value)
    if size in (0, 1):
        text = f"{size:.0f}"
    elif 0 < value < 0.005:
        return "<.01"
    elif 0.995 <= value < 1:
        return ">.99"
    else:
        text = f"{size:.0f}" if size >= 9.95 else f"{size:.1f}" if size >= 0.995 else f"{size:.2f}"[1:]
    return ("−" if value < 0 else "") + text


def percent(p: float) -> str:
    """A probability in percent: `38 %`, `4.2 %`, `0.03 %`, `<0.01 %`. 0 and 1 only when they are exactly that.

    No number (nan), a share of nothing: `–`.
    """
    if p != p:
        return "–"
    if p == 0:
        return "0 %"
    if p == 1:
        return "100 %"
    q = 100 * p
    if q < 0.01:
        return "<0.01 %"
    if q > 99.99:
        return ">99.99 %"
    if q < 0.095:  # from there on it rounds to 0.1
        return f"{q:.2f} %"
    if q > 99.9:
        return f"{q:.2f} %"
    if q < 9.95 or q > 99:
        return f"{q:.1f} %"
    return f"{q:.0f} %"


def typed(value: float | None) -> str:
    """A number as one types it into a field: every digit, no needless zero (`1`, `0.05`); '' for none."""
    if value is None:
        return ""
    return str(value).removesuffix(".0")


def nats(value: float) -> str:
    """A loss in running text: below 1 three decimals, small ones four, never a power of ten; no number (nan): `–`."""
    if value == 0 or value != value or abs(value) >= 0.9995:
        return number(value)
    return f"{value:.{3 if abs(value) >= 0.0095 else 4}f}".replace("-", "−")


def spread(mean: Any) -> str:
    """The 95 % interval of a measured mean (corpus.held_out.Mean), in words: `0.37 to 0.39`."""
    return f"{nats(mean.low)} to {nats(mean.high)}"


def sample(mean: Any) -> str:
    """What a measured mean is the mean of: `763 tokens in 64 documents`."""
    return f"{how_many(mean.tokens, 'token')} in {how_many(mean.documents, 'document')}"


def exact(value: float) -> str:
    """The shortest text that reads back as the same number (for `data-v`, the hover read-out and downloads).

    '' where there is no number (nan): an empty cell of a download.
    """
    if value != value:
        return ""
    return str(value) if isinstance(value, np.floating) else repr(float(value))
