"""What other sites show of ours: Open Graph pictures and oEmbed descriptions, drawn without a browser.

A picture carries the question and the attention patterns of the model on the page's own default text, in the site's
colours: real numbers, no screenshot. Addresses in both need the place where the site will stand: SITE_URL in the
environment (`make site SITE_URL=https://example.org/explainer/`); without it they stay relative.
"""

from __future__ import annotations

import io
import json
import os
import textwrap
from html import escape
from pathlib import Path
from typing import Any

import heights
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from explainer.models import lab
from explainer.ui.design import LIGHT, MEANINGS

WIDTH, HEIGHT = 1200, 630


def site_url() -> str:
    """Where the site will stand, with a slash at the end; '' when that is not known."""
    url = os.environ.get("SITE_URL", "")
    return url if not url or url.endswith("/") else url + "/"


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


def picture(question: str, subtitle: str, prompt: str) -> bytes:
    """A PNG of 1200 x 630 for a page or widget: words on the left, the patterns of all heads on the right."""
    image = Image.new("RGB", (WIDTH, HEIGHT), LIGHT["paper"])
    draw = ImageDraw.Draw(image)
    trace = lab.trace(lab.tokens_of(prompt)[:16])
    config = lab.model().config
    paper, ink = rgb(LIGHT["sunken"]), rgb(MEANINGS["head"][1])
    side, gap = 120, 14
    left, top = WIDTH - config.n_heads * (side + gap) - 40, (HEIGHT - config.n_layers * (side + gap)) // 2
    for layer in range(config.n_layers):
        for head in range(config.n_heads):
            pattern = trace[f"blocks.{config.n_layers - 1 - layer}.attn.pattern"][head]
            cells = (paper + (ink - paper) * pattern[..., None]).astype(np.uint8)
            tile = Image.fromarray(cells).resize((side, side), Image.Resampling.NEAREST)
            image.paste(tile, (left + head * (side + gap), top + layer * (side + gap)))
    y = 120
    for line in textwrap.wrap(question, 17):
        draw.text((60, y), line, font=ImageFont.load_default(62), fill=LIGHT["ink"])
        y += 76
    for line in textwrap.wrap(subtitle, 36):
        y += 34
        draw.text((60, y), line, font=ImageFont.load_default(27), fill=LIGHT["soft"])
    out = io.BytesIO()
    image.quantize(64).save(out, "PNG", optimize=True)
    return out.getvalue()


def write_picture(folder: Path, question: str, subtitle: str, prompt: str) -> None:
    """Write `folder/og.png`."""
    (folder / "og.png").write_bytes(picture(question, subtitle, prompt))


def write_oembed(folder: Path, page: Any, widget: Any, site_name: str) -> None:
    """Write `folder/oembed.json` (type rich, oEmbed 1.0) for `/embed/<slug>/`."""
    address = f"{site_url()}embed/{widget.slug}/"
    tall = heights.tall(page, widget.slug)["compact"]
    frame = (
        f'<iframe src="{escape(address)}" title="{escape(widget.title)}" width="100%" height="{tall}" style="border:0" '
        'loading="lazy"></iframe>'
    )
    described = {
        "version": "1.0",
        "type": "rich",
        "title": widget.title,
        "provider_name": site_name,
        "provider_url": site_url() or "./",
        "width": 720,
        "height": tall,
        "html": frame,
        "thumbnail_url": f"{address}og.png",
        "thumbnail_width": WIDTH,
        "thumbnail_height": HEIGHT,
    }
    (folder / "oembed.json").write_text(json.dumps(described, indent=1), encoding="utf-8")
