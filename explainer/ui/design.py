"""The design tokens of the whole site: one colour per meaning, one type scale, one spacing scale.

`css()` turns them into custom properties; the build writes them in front of every style sheet. Figures never name a
colour: they name a meaning (`--query`, `--key`, ...), so prose, tables and drawings cannot disagree.

The hues are spread so that they stay apart for readers with protanopia, deuteranopia and tritanopia, and differ in
lightness too (tests/unit/test_design.py simulates all three; method: Machado et al. 2009, distances in Oklab).
Text contrast is AA.
"""

MEANINGS = {
    # name: (what it stands for, light, dark)
    "query": ("the position that asks (T)", "#c93911", "#f99865"),
    "key": ("the position that is read (S)", "#05539b", "#81b2fc"),
    "value": ("what is carried from there", "#904a6e", "#d774d4"),
    "head": ("one attention head, its pattern", "#6112cb", "#988cf9"),
    "resid": ("the residual stream", "#057c35", "#87e1ad"),
    "vocab": ("the vocabulary: logits and probabilities", "#744d0d", "#c1dd69"),
    "true": ("the true distribution of the text", "#1c1b1a", "#f3efe8"),
    "loss": ("what gets worse", "#7a003b", "#da876f"),
}

# A number's sign, in tensors that have both: no meaning of the list above, and blue against yellow, which nearly
# everybody tells apart. Cells show it as tints.
SIGNS = {
    "plus": ("a number above 0", "#1f6f8b", "#6fd3e6"),
    "minus": ("a number below 0", "#b57200", "#f0b24a"),
}

# Words side by side in one figure, told apart by colour: one that names a colour has a calm version of it, the others
# what is left, in this order. What is filled with one and bears a text is a tint of it (TINT of 100, the rest ground).
WORDS = {
    # name: (light, dark)
    "blue": ("#2f6db0", "#74ace8"),
    "red": ("#c24334", "#ea8275"),
    "green": ("#2c8552", "#69c08f"),
    "yellow": ("#ad8100", "#dfbb4a"),
    "violet": ("#7757b8", "#ae93e6"),
    "pink": ("#c75a8a", "#f0a1c1"),
    "teal": ("#1b8790", "#5dbfc8"),
    "black": ("#4b4743", "#8f877d"),
}
TINT = 46

LIGHT = {
    "paper": "#fffdf9",
    "raised": "#ffffff",
    "sunken": "#f5f1ea",
    "ink": "#1f1d1b",
    "soft": "#5d5750",
    "line": "#ddd6cb",
    "strong-line": "#8d857a",
    "focus": "#05539b",
    "zero": "#f5f1ea",
    "shadow": "#00000024",
}
DARK = {
    "paper": "#161514",
    "raised": "#1e1c1a",
    "sunken": "#262320",
    "ink": "#ece7df",
    "soft": "#b0a89d",
    "line": "#3a3631",
    "strong-line": "#7d756a",
    "focus": "#81b2fc",
    "zero": "#262320",
    "shadow": "#00000080",
}

# A type scale of ratio 1.2 around a 18 px text (17 px on a phone); spacing in steps of 4 px. Nothing that must be read
# is smaller than `xxs`: 12 px, 11 on a phone.
TYPE = {
    "xxs": "0.68rem",
    "xs": "0.72rem",
    "s": "0.833rem",
    "m": "1rem",
    "l": "1.2rem",
    "xl": "1.44rem",
    "xxl": "2.074rem",
    "hero": "2.6rem",
}
SPACE = {
    "1": "0.25rem",
    "2": "0.5rem",
    "3": "0.75rem",
    "4": "1rem",
    "5": "1.5rem",
    "6": "2.5rem",
    "7": "4rem",
}
MOTION = {"quick": "120ms", "calm": "260ms", "travel": "380ms", "ease": "cubic-bezier(.2,.7,.2,1)"}


def css() -> str:
    """All tokens as custom properties, light by default and on paper, dark by preference or by `data-theme`."""
    light = {**LIGHT, **{name: m[1] for name, m in (MEANINGS | SIGNS).items()}}
    dark = {**DARK, **{name: m[2] for name, m in (MEANINGS | SIGNS).items()}}
    light |= {f"word-{name}": pair[0] for name, pair in WORDS.items()}
    dark |= {f"word-{name}": pair[1] for name, pair in WORDS.items()}
    fixed = (
        {"tint": f"{TINT}%"}
        | {f"type-{k}": v for k, v in TYPE.items()}
        | {f"space-{k}": v for k, v in SPACE.items()}
        | MOTION
    )

    def block(values: dict[str, str]) -> str:
        return "".join(f"--{k}:{v};" for k, v in values.items())

    return (
        f":root{{color-scheme:light;{block(fixed)}{block(light)}}}"
        "@media screen and (prefers-color-scheme:dark)"
        f"{{:root:not([data-theme=light]){{color-scheme:dark;{block(dark)}}}}}"
        f"@media screen{{:root[data-theme=dark]{{color-scheme:dark;{block(dark)}}}}}"
        "@media(prefers-reduced-motion:reduce){:root{--quick:0ms;--calm:0ms;--travel:0ms}}"
    )
