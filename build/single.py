"""One .html per page with everything inside, live when opened from a disk with the network off: `_site/single/<page>.html`.

The page as built, its style sheet, fonts and script written into it; the worker as one classic script; Pyodide, the
libraries and the memory snapshot as base64 of what the site serves. What only the ordinary boot needs is left out.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path

import assets

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / "_cache" / "single"


def bundle(out: Path, pyodide: Path) -> tuple[str, str]:
    """(the page's script, the worker's script), each one classic script."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    manifest = (out / "runtime" / "manifest.json").read_text(encoding="utf-8")
    common = [
        "--bundle",
        "--minify",
        "--format=iife",
        "--target=es2022",
        "--log-level=error",
        "--external:node:*",
        "--external:ws",
        "--legal-comments=none",
    ]
    assets.esbuild(str(HERE / "web" / "single-page.js"), *common, f"--outfile={WORK / 'page.js'}")
    assets.esbuild(
        str(HERE / "web" / "single-worker.js"), *common, f"--alias:pyodide-loader={pyodide / 'pyodide.mjs'}",
        f"--alias:pyodide-module={pyodide / 'pyodide.asm.mjs'}", f"--define:MANIFEST={json.dumps(json.loads(manifest))}",
        '--define:import.meta.url="https://file.invalid/"', f"--outfile={WORK / 'worker.js'}",
    )  # fmt: skip
    return tuple(
        (WORK / name).read_text(encoding="utf-8").replace("</script", "<\\/script") for name in ("page.js", "worker.js")
    )  # type: ignore[return-value]


def inline(html: str, folder: Path, page_script: str, worker: str, files: dict[str, bytes]) -> str:
    """The page at `folder` with everything that it refers to inside it."""

    def style(match: re.Match[str]) -> str:
        path = (folder / match[1]).resolve()
        css = path.read_text(encoding="utf-8")
        for name in re.findall(r"url\(\"?([^\")]+\.woff2)\"?\)", css):
            data = base64.b64encode((path.parent / name).read_bytes()).decode()
            css = re.sub(rf'url\("?{re.escape(name)}"?\)', f"url(data:font/woff2;base64,{data})", css)
        return f"<style>{css}</style>"

    html = re.sub(r'<link rel="(?:preload|icon|alternate|canonical)"[^>]*>\n?', "", html)
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n?', "", html)
    html = re.sub(r' data-worker="[^"]*"', "", html)  # the worker is in the file, too
    html = re.sub(r'<link rel="stylesheet" href="([^"]+)">', style, html)
    html = re.sub(
        r'<script src="([^"]*reading[^"]*)"></script>',
        lambda m: f"<script>{(folder / m[1]).resolve().read_text(encoding='utf-8')}</script>",
        html,
    )
    parts = [
        f'<script type="text/plain" data-file="{name}">{base64.b64encode(data).decode()}</script>'
        for name, data in files.items()
    ]
    tail = (
        f'<script type="text/plain" id="explainer-worker">{worker}</script>\n'
        + "\n".join(parts)
        + f"\n<script>{page_script}</script>"
    )
    html = re.sub(r'<script type="module" src="[^"]+"[^>]*></script>', lambda _: tail, html)
    html = re.sub(r'href="(?:\.\./)+(attention|temperature|feedback|paths)/"', r'href="\1.html"', html)
    html = re.sub(r'<a class="home" href="[^"]*">', '<a class="home" href="home.html">', html)
    html = re.sub(
        r'<p><a href="[^"]*how/">How this page works</a>.*?</p>',
        "<p>This is one file: it works from a disk, without a network.</p>",
        html,
        flags=re.S,
    )
    return html


def write_singles(out: Path, pyodide: Path, pages: list[str], widgets: list[str]) -> list[Path]:
    """Write `out/single/<page>.html` and `out/single/<widget>.html`; returns them."""
    manifest = json.loads((out / "runtime" / "manifest.json").read_text(encoding="utf-8"))
    names = [n for n in manifest["resume"] if n != "pyodide.asm.mjs"]
    files = {n: (out / "runtime" / manifest["files"][n]["url"]).read_bytes() for n in names}
    page_script, worker = bundle(out, pyodide)
    target = out / "single"
    target.mkdir(exist_ok=True)
    made = []
    for name in [*pages, *widgets]:
        folder = out / (f"embed/{name}" if name in widgets else "" if name == "home" else name)
        html = (folder / "index.html").read_text(encoding="utf-8")
        file = target / f"{name}.html"
        file.write_text(inline(html, folder, page_script, worker, files), encoding="utf-8")
        made.append(file)
    return made
