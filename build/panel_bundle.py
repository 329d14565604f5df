"""The widgets' JavaScript and style sheet for Panel's own surroundings, in one file: `python build/panel_bundle.py`.

The scripts are the site's (build/web/panel.js imports them), the style sheet is the site's, made to hold inside of a
shadow root. The result, explainer/host/panel.js, is package data of the wheel and not kept in the repository.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import assets  # noqa: E402

from explainer.ui import design  # noqa: E402

OUT = ROOT / "explainer" / "host" / "panel.js"  # Panel serves what lies beside a component
REM = 18  # px: the site's, 112.5 % of a browser's 16
SMALL_REM = 16.48  # on a phone, 103 %
BROWSERS_REM = 16  # what a media query means by rem: nobody's style sheet changes that
OWN = """
:host { background: none; }
.host > .widget { margin: 0; }
"""


def scoped(css: str) -> str:
    """The site's style sheet for a shadow root.

    `:root` and `html` are the host, `body` is the element below it; a `rem` is the site's own, not the page's that the
    widget is in. Fonts cannot be declared there: text is in the reader's own.
    Raises ValueError where the sheet has a form that is not known here.
    """
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    css = re.sub(r"@font-face\s*\{[^}]*\}", "", css)
    for size, rem in (("112.5%", f"{REM}px"), ("103%", f"{SMALL_REM}px")):
        css, found = re.subn(rf"html \{{ font-size: {re.escape(size)};", f":host {{ display: block; --rem: {rem};", css)
        if found != 1:
            raise ValueError(f"site.css sets the root's font size to {size} {found} times")
    css = re.sub(r":root:not\((\[[^]]*\])\)", r":host(:not(\1))", css)
    css = re.sub(r":root(\[[^]]*\])", r":host(\1)", css)
    css = css.replace(":root", ":host")
    css = re.sub(r"(^|[\s}])html \{", r"\1:host {", css)
    css = re.sub(r"(^|[\s}])body \{", r"\1.host {", css)

    def in_px(query: re.Match[str]) -> str:
        rem = BROWSERS_REM if query[1] == "media" else REM
        return re.sub(r"([\d.]+)rem\b", lambda length: f"{float(length[1]) * rem:g}px", query[0])

    css = re.sub(r"@(media|container)[^{]*\{", in_px, css)
    css = re.sub(r"(?<![\w-])(-?[\d.]+)rem\b", r"calc(\1 * var(--rem))", css)
    return css + OWN


def write(out: Path = OUT) -> Path:
    """Bundle and minify; returns where to. Raises RuntimeError with esbuild's words when it fails."""
    work = ROOT / "_cache" / "panel"
    work.mkdir(parents=True, exist_ok=True)
    styles = design.css() + (HERE / "web" / "site.css").read_text(encoding="utf-8")
    (work / "all.css").write_text(scoped(styles), encoding="utf-8")
    minified = work / "panel.css"
    assets.esbuild(str(work / "all.css"), "--minify", f"--outfile={minified}", f"--target={assets.CSS_TARGET}")
    assets.esbuild(
        str(HERE / "web" / "panel.js"),
        "--bundle",
        "--minify",
        "--format=esm",
        "--target=es2022",
        f"--outfile={out}",
        f"--alias:panel-styles={minified}",
        "--loader:.css=text",
        "--log-level=warning",
        "--legal-comments=none",
    )
    return out


if __name__ == "__main__":
    print(write())
