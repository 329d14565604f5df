"""Colours: readable, and apart from one another, for every kind of colour vision and in both themes."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from explainer.ui.design import DARK, LIGHT, MEANINGS, SIGNS, TINT, WORDS, css

THEMES = {"light": (LIGHT, 1), "dark": (DARK, 2)}


def linear(colour: str) -> np.ndarray:
    """sRGB text -> linear RGB [3]."""
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    """WCAG 2.2 contrast ratio."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# Oklab (Ottosson 2020): distances there are about as large as they look
M1 = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
M2 = np.array(
    [
        [0.2104542553, 0.793617785, -0.0040720468],
        [1.9779984951, -2.428592205, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.808675766],
    ]
)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Linear RGB -> Oklab."""
    return M2 @ np.cbrt(M1 @ np.clip(rgb, 0, 1))


def mixed(a: str, b: str, share: float) -> np.ndarray:
    """As `color-mix(in oklab, a share, b)`, in linear RGB."""
    between = share * oklab(linear(a)) + (1 - share) * oklab(linear(b))
    return np.linalg.inv(M1) @ (np.linalg.inv(M2) @ between) ** 3


# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
    ),
}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["paper", "raised", "sunken"])
def test_text_has_aa_contrast_on_every_ground(theme, ground):
    colours, at = THEMES[theme]
    for name in ("ink", "soft"):
        assert contrast(colours[name], colours[ground]) >= 4.5, name
    for name, meaning in MEANINGS.items():
        assert contrast(meaning[at], colours[ground]) >= 4.5, name


@pytest.mark.parametrize("theme", THEMES)
def test_controls_and_focus_stand_out(theme):
    colours, _ = THEMES[theme]
    for name in ("strong-line", "focus"):
        assert contrast(colours[name], colours["raised"]) >= 3, name


# meanings that stand beside each other in one figure
TOGETHER = [
    ("query", "key"),
    ("query", "resid"),
    ("vocab", "true"),
    ("key", "head"),
    ("query", "value"),
    ("resid", "loss"),
    ("head", "resid"),
    ("key", "resid"),
    ("vocab", "loss"),
    ("head", "query"),
]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHT)
def test_colours_of_one_figure_stay_apart(theme, sight):
    _, at = THEMES[theme]
    for a, b in TOGETHER:
        seen = [oklab(SIGHT[sight] @ linear(MEANINGS[name][at])) for name in (a, b)]
        assert np.linalg.norm(seen[0] - seen[1]) > 0.055, (a, b, sight)


@pytest.mark.parametrize("theme", THEMES)
def test_no_two_meanings_share_a_colour(theme):
    _, at = THEMES[theme]
    every = MEANINGS | SIGNS
    for a, b in itertools.combinations(every, 2):
        assert np.linalg.norm(oklab(linear(every[a][at])) - oklab(linear(every[b][at]))) > 0.055, (a, b)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHT)
def test_the_sign_of_a_half_strong_cell_is_seen(theme, sight):
    colours, at = THEMES[theme]
    tints = [mixed(SIGNS[name][at], colours["zero"], 0.5) for name in ("plus", "minus")]
    seen = [oklab(SIGHT[sight] @ tint) for tint in tints]
    assert np.linalg.norm(seen[0] - seen[1]) > 0.07


@pytest.mark.parametrize("theme", THEMES)
def test_words_are_told_apart_and_can_be_read_on(theme):
    colours, at = THEMES[theme]
    ground, ink = colours["raised"], luminance(colours["ink"])
    for name, pair in WORDS.items():
        assert contrast(pair[at - 1], ground) >= 3, name  # beads, thin bars
        tint = float(mixed(pair[at - 1], ground, TINT / 100) @ [0.2126, 0.7152, 0.0722])
        assert (max(tint, ink) + 0.05) / (min(tint, ink) + 0.05) >= 4.5, name
    for a, b in itertools.combinations(WORDS, 2):
        assert np.linalg.norm(oklab(linear(WORDS[a][at - 1])) - oklab(linear(WORDS[b][at - 1]))) > 0.055, (a, b)


# ---- what the style sheet does with them

ROOT = Path(__file__).resolve().parents[2]
SHEET = (ROOT / "build" / "web" / "site.css").read_text(encoding="utf-8")


def test_the_style_sheet_names_meanings_never_colours():
    rules = re.sub(r"/\*.*?\*/", "", SHEET, flags=re.S)
    masks = re.sub(r"mask-image:[^;}]*", "", rules)  # a mask's black is no colour
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|oklab)\(", masks) == []
    known = re.findall(r"--([a-z0-9-]+):", css() + rules)
    used = set(re.findall(r"var\(--([a-z0-9-]+)", rules))
    # numbers in a style attribute
    by_views = {"v", "n", "k", "w", "at", "way", "chance", "drawn", "turn", "read", "done", "h"}
    assert used - set(known) - by_views == set()


# text in one token on a ground of another, as the rules pair them
PAIRS = [
    ("paper", "ink"),  # pressed and main buttons
    ("raised", "query"), ("raised", "key"),  # nodes of the paths, columns computed anew
    ("raised", "vocab"),  # the stretch that was hit
    ("ink", "zero"), ("soft", "zero"), ("ink", "sunken"), ("soft", "raised"), ("loss", "raised"), ("resid", "raised"),
]  # fmt: skip


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text, ground", PAIRS)
def test_pairs_that_are_used_have_aa_contrast(theme, text, ground):
    colours, at = THEMES[theme]
    every = {**colours, **{name: meaning[at] for name, meaning in MEANINGS.items()}}
    assert contrast(every[text], every[ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_colour_maps_start_at_a_neutral_zero_and_reach_as_far_both_ways(theme):
    """Maps are mixed in Oklab (site.css), so equal steps of the value look equal; what is left are their ends."""
    colours, at = THEMES[theme]
    zero = oklab(linear(colours["zero"]))
    assert np.hypot(zero[1], zero[2]) < 0.02  # no hue of its own
    reach = {name: np.linalg.norm(oklab(linear(meaning[at])) - zero) for name, meaning in MEANINGS.items()}
    assert min(reach.values()) > 0.3
    assert 0.6 < reach["resid"] / reach["query"] < 1.7  # the two ends of signed maps
    assert not re.search(r"color-mix\(in (?!oklab)", SHEET)
