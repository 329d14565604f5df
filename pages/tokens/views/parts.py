"""What the figures of /tokens/ have in common: how a piece of a text is written, and the buttons that step and play."""

from __future__ import annotations

from markupsafe import Markup

from explainer.ui.html import join, tag


def display(piece: bytes) -> str:
    """Bytes for the screen: a blank as ␣, what is no character by itself as ‹C3›."""
    try:
        text = piece.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(b) if 0x20 < b < 0x7F else "␣" if b == 0x20 else f"‹{b:02X}›" for b in piece)
    return "".join("␣" if c == " " else c if c.isprintable() else f"‹{ord(c):02X}›" for c in text)


def hexadecimal(piece: bytes) -> str:
    """Bytes as numbers: 73 65."""
    return piece.hex(" ").upper()


def quoted(piece: bytes) -> str:
    """A piece in running text."""
    return f"“{display(piece)}”"


def transport(name: str, at: int, last: int, whose: str, forth: str) -> Markup:
    """The buttons of the site's one player. name: the value that counts its steps; forth: what one step on is"""

    def turn(label: str, kind: str, by: int, title: str) -> Markup:
        to = min(max(at + by, 0), last)
        return tag(
            "button",
            join([tag("span", label, class_="sr"), tag("i", class_=kind, aria_hidden="true")]),
            type="button",
            class_="button icon",
            title=title,
            data_set=name,
            value=to,
            data_crank_by=by,
            aria_disabled="true" if to == at else None,
        )

    play = tag(
        "button",
        "Play",
        type="button",
        class_="button",
        data_crank_play=True,
        aria_pressed="false",
        aria_disabled="true" if at == last else None,
    )
    return tag(
        "div",
        turn("Rewind", "rewind", -at, "Rewind"),
        turn("Previous step", "back", -1, "One step back"),
        turn("Next step", "forth", 1, forth),
        play,
        class_="step-controls climb-controls",
        role="group",
        aria_label=whose,
    )
