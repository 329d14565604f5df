"""What the figures of /tokens/ have in common: how a piece of a text is written."""

from __future__ import annotations


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
