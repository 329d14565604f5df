"""Our scripts, styles and fonts into `_site/assets/`, bundled by esbuild, each name carrying a hash of its content."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

import heights  # noqa: E402
import npm  # noqa: E402
import snippets  # noqa: E402
import words  # noqa: E402

from explainer.ui import design  # noqa: E402

NODE_MODULES = ROOT / "node_modules"
FONTS = (
    "source-serif-4/files/source-serif-4-latin-wght-normal.woff2",
    "source-serif-4/files/source-serif-4-latin-wght-italic.woff2",
    "inter/files/inter-latin-wght-normal.woff2",
)
CSS_TARGET = "chrome111,firefox113,safari16.4"
ENTRIES = ("page.js", "models.js", "plain.js", "plot.js", "embed.js", "reading.js", "keep.js")


def esbuild(*arguments: str) -> None:
    """Run the pinned esbuild; raises RuntimeError with its own words when it fails. Scripts speak the site's language
    (build/web/words.js)."""
    binary = NODE_MODULES / "esbuild" / "bin" / "esbuild"
    spoken = f"--define:globalThis.WORDS={json.dumps(words.of_scripts())}"
    done = subprocess.run(
        ["node", str(binary), *arguments, spoken],
        capture_output=True,
        text=True,
        env={**npm.environment(), "NODE_PATH": str(NODE_MODULES)},
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"esbuild failed:\n{done.stderr}")


def hashed(path: Path, data: bytes) -> str:
    return f"{path.stem}.{hashlib.sha256(data).hexdigest()[:10]}{path.suffix}"


def checksum(file: Path) -> str:
    """As a browser checks it (Subresource Integrity)."""
    return written(hashlib.sha256(file.read_bytes()).hexdigest())


def written(sha256: str) -> str:
    """A checksum in hexadecimal digits as an attribute `integrity` has it."""
    return "sha256-" + base64.b64encode(bytes.fromhex(sha256)).decode()


def bokeh_js() -> bytes:
    """BokehJS without its extensions, as the installed Bokeh has it; its licence stands in its head."""
    found = importlib.util.find_spec("bokeh")
    assert found is not None and found.origin is not None
    return (Path(found.origin).parent / "server" / "static" / "js" / "bokeh.min.js").read_bytes()


def build_assets(out: Path, figures: dict[str, Any]) -> dict[str, str]:
    """Write `out/assets/*`; returns {plain name: 'assets/<hashed name>'}.

    figures: the widgets that embed.js knows (heights.py)

    A page's folder may have a script of its own, `script.js` (here `script-<folder>.js`), and a `style.css`.
    """
    target = out / "assets"
    target.mkdir(parents=True, exist_ok=True)
    work = ROOT / "_cache" / "assets"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    names: dict[str, str] = {}

    def put(name: str, data: bytes) -> None:
        final = hashed(Path(name), data)
        (target / final).write_bytes(data)
        names[name] = f"assets/{final}"

    sources = {entry: HERE / "web" / entry for entry in ENTRIES if (HERE / "web" / entry).exists()}
    sources |= {f"script-{file.parent.name}.js": file for file in sorted((ROOT / "pages").glob("*/script.js"))}
    for entry, source in sources.items():
        shape = "iife" if entry in ("embed.js", "reading.js") else "esm"
        esbuild(
            str(source),
            "--bundle",
            "--minify",
            f"--format={shape}",
            "--target=es2022",
            f"--outfile={work / entry}",
            "--log-level=warning",
            "--legal-comments=none",
            f"--define:FIGURES={json.dumps(dict(sorted(figures.items())))}",
            f"--define:WIDTHS={json.dumps(heights.WIDTHS)}",
            f"--define:FORMS={json.dumps(snippets.known()['forms'])}",
        )
        put(entry, (work / entry).read_bytes())
    put("bokeh.min.js", bokeh_js())
    for font in FONTS:
        put(Path(font).name, (NODE_MODULES / "@fontsource-variable" / font).read_bytes())
    sheets = [HERE / "web" / "site.css", *sorted((ROOT / "pages").glob("*/style.css"))]
    styles = design.css() + "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    for name in re.findall(r'url\("([^"]+\.woff2)"\)', styles):
        styles = styles.replace(f'url("{name}")', f'url("{Path(names[name]).name}")')
    (work / "all.css").write_text(styles, encoding="utf-8")
    esbuild(
        str(work / "all.css"),
        "--minify",
        f"--outfile={work / 'site.css'}",
        f"--target={CSS_TARGET}",
    )
    put("site.css", (work / "site.css").read_bytes())
    put("icon.svg", (HERE / "web" / "icon.svg").read_bytes())
    return names
