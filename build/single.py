"""A page, or a widget, in one .html, live when opened from a disk with the network off.

The page as built, its style sheet, fonts and script written into it; the worker as one classic script; Pyodide, the
libraries, the memory snapshot and the page's pack as base64 of what the site serves. What only the ordinary boot needs
is left out.

Such a file has 17 MB, so it is made where it is asked for: by the reader's browser (build/web/take.js), from a
template, `<page>/single.html` or `embed/<widget>/single.html`, and `runtime/parts.<hash>.json`, what every file needs,
by the same `fill` as here: marks (`<!--explainer:style-->`) are replaced. `make single WIDGET=temperature`
does it on this machine.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import assets
import links
import shell
import snippets

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / "_cache" / "single"
LATE = ["family"]  # what a figure may ask for later


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
    forms = f"--define:FORMS={json.dumps(snippets.known()['forms'])}"
    assets.esbuild(str(HERE / "web" / "single-page.js"), *common, forms, f"--outfile={WORK / 'page.js'}")
    assets.esbuild(
        str(HERE / "web" / "single-worker.js"),
        *common,
        f"--alias:pyodide-loader={pyodide / 'pyodide.mjs'}",
        f"--alias:pyodide-module={pyodide / 'pyodide.asm.mjs'}",
        f"--define:MANIFEST={json.dumps(json.loads(manifest))}",
        '--define:import.meta.url="https://file.invalid/"',
        f"--outfile={WORK / 'worker.js'}",
    )
    page, worker = (in_script((WORK / name).read_text(encoding="utf-8")) for name in ("page.js", "worker.js"))
    return page, worker


def in_script(code: str) -> str:
    """Code that may stand inside a script element."""
    return code.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def style(sheet: Path) -> str:
    """The style sheet with its fonts inside."""
    css = sheet.read_text(encoding="utf-8")
    for name in re.findall(r"url\(\"?([^\")]+\.woff2)\"?\)", css):
        data = base64.b64encode((sheet.parent / name).read_bytes()).decode()
        css = re.sub(rf'url\("?{re.escape(name)}"?\)', f"url(data:font/woff2;base64,{data})", css)
    return css


def policy(*scripts: str) -> str:
    """What a page in one file may do: its own scripts, known by their checksum, and nothing from anywhere."""
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts]
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(hashes)} blob: 'wasm-unsafe-eval'",
            "worker-src blob:",
            "connect-src data:",
            "style-src 'unsafe-inline'",
            "font-src data:",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def parts(out: Path, pyodide: Path, names: dict[str, str]) -> dict[str, Any]:
    """What every file needs: texts that stand for marks, and the runtime's files {name: {url, integrity}}."""
    page, worker = bundle(out, pyodide)
    reading = in_script((out / names["reading.js"]).read_text(encoding="utf-8"))
    manifest = json.loads((out / "runtime" / "manifest.json").read_text(encoding="utf-8"))

    def file(name: str) -> dict[str, str]:
        entry = manifest["files"][name]
        data = out / "runtime" / entry["url"]
        integrity = f"{assets.checksum(data)} {assets.written(entry['raw_sha256'])}"
        return {"name": name, "url": f"runtime/{entry['url']}", "integrity": integrity}

    return {
        "marks": {
            "policy": f'<meta http-equiv="Content-Security-Policy" content="{policy(reading, page)}">',
            "reading": f"<script>{reading}</script>",
            "style": f"<style>{style(out / names['site.css'])}</style>",
            "worker": f'<script type="text/plain" id="explainer-worker">{worker}</script>',
            "page": f"<script>{page}</script>",
        },
        "files": [file(n) for n in manifest["resume"] + manifest["soon"] + LATE if n != "pyodide.asm.mjs"],
        "packs": {
            folder: [file(name), *(file(late) for late in manifest["late"].get(folder, ()))]
            for name in manifest["files"]
            if name.startswith("page-") and (folder := name.removeprefix("page-"))
        },
    }


def write_parts(out: Path, pyodide: Path, names: dict[str, str]) -> str:
    """Write `out/runtime/parts.<hash>.json`; returns its path in the site."""
    data = json.dumps(parts(out, pyodide, names), separators=(",", ":")).encode()
    file = out / "runtime" / assets.hashed(Path("parts.json"), data)
    file.write_bytes(data)
    return f"runtime/{file.name}"


def beside(pages: list[Any]) -> Callable[[str], str | None]:
    """Where a page in one file finds the others: in files beside it. What is no such page is on the site,
    if that has a name."""
    files = {page.path: f"{page.name}.html" for page in pages}
    site = shell.templates.globals["site_url"]
    return lambda path: files.get(path) or (f"{site}{path}" if site else None)


def template(html: str, base: str, where: Callable[[str], str | None]) -> str:
    """A page of the site with marks where a page in one file has everything that this one refers to.

    base: its path in the site; where: where it finds a page of the site, by path (build/links.py)
    """
    mark = "<!--explainer:{}-->".format
    html = re.sub(r'<link rel="(?:preload|icon|alternate|canonical)"[^>]*>\n?', "", html)
    html = re.sub(r'<meta (?:property="og:image"|name="twitter:card")[^>]*>', "", html)  # pictures that are not in it
    html = re.sub(r' data-(?:worker|parts)="[^"]*"', "", html)  # the worker is in the file, too
    html = re.sub(
        r'<script type="application/json" id="explainer-plots">.*?</script>\n<script [^>]*></script>\n',
        "",
        html,
        flags=re.S,
    )  # stills
    html = html.replace(f"{shell.templates.globals['slash']}\n", "")  # a file has no folder
    html = re.sub(r'<aside class="newer".*?</aside>\n', "", html, flags=re.S)
    html = html.replace(' data-view="compact"', ' data-view="full" data-view-said', 1)  # all of it is taken
    html = re.sub(r' data-pages="[^"]*"', ' data-pages="*.html"', html)
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', mark("policy"), html)
    html = re.sub(r'<link rel="stylesheet" href="[^"]+">', mark("style"), html)
    html = re.sub(r'<script src="[^"]*reading[^"]*"></script>', mark("reading"), html)
    tail = "\n".join(map(mark, ("asked", "worker", "files", "page")))
    html = re.sub(r'<script type="module" src="[^"]+"[^>]*></script>', tail, html)
    html = re.sub(
        r'<p class="about">.*?</p>',
        (
            "<p>This is one file: it works from a disk, without a network. "
            "Its links open the other pages where their files lie beside it.</p>"
        ),
        html,
        flags=re.S,
    )
    html = links.rewrite(html, base, where, state_in_hash=True)
    menu = re.compile(r'<nav id="site-contents".*?</nav>', re.S)  # lists no page that it cannot lead to
    return menu.sub(lambda found: re.sub(r"<li>(?!<a ).*</li>\n", "", found[0]), html)


def fill(page: str, marks: dict[str, str]) -> str:
    """The template with its marks replaced; a mark that is not given vanishes.
    No newer build is asked for (build/offline.py)."""
    page = re.sub(r' data-build="[^"]*"', "", page, count=1)
    return re.sub(r"<!--explainer:([a-z]+)-->", lambda m: marks.get(m[1], ""), page)


def files_for(template: str, everything: dict[str, Any]) -> list[dict[str, str]]:
    """What a page needs of the runtime: what all need, and its own pack."""
    still = re.search(r'id="explainer-still">(.*?)</script>', template, re.S)
    page = json.loads(still[1])["page"] if still else None
    return [*everything["files"], *everything["packs"].get(page, [])]


def one_file(out: Path, template: str, everything: dict[str, Any]) -> str:
    """The template with everything inside."""
    files = "\n".join(
        (
            f'<script type="text/plain" data-file="{f["name"]}">'
            f"{base64.b64encode((out / f['url']).read_bytes()).decode()}</script>"
        )
        for f in files_for(template, everything)
    )
    return fill(template, {**everything["marks"], "files": files})


def read_parts(out: Path) -> dict[str, Any]:
    (file,) = (out / "runtime").glob("parts.*.json")
    return json.loads(file.read_text(encoding="utf-8"))


def write_templates(out: Path, pages: list[Any]) -> None:
    """Write the templates `<page>/single.html` and `embed/<widget>/single.html`."""
    where = beside(pages)
    for file in [*(out / page.path / "index.html" for page in pages), *(out / "embed").glob("*/index.html")]:
        html = template(file.read_text(encoding="utf-8"), file.relative_to(out).as_posix(), where)
        file.with_name("single.html").write_text(html, encoding="utf-8")


def write_addresses(out: Path, pages: list[Any]) -> None:
    """Write `single/<page>.html`, where a page in one file used to lie: it leads to the page, to the button for one."""
    (out / "single").mkdir()
    for page in pages:
        to = f"../{page.path}#take"
        html = (
            f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(page.question)}</title>\n'
            f'<meta name="viewport" content="width=device-width">\n<meta http-equiv="refresh" content="0; url={to}">\n'
            f'<p><a href="{to}">{escape(page.question)}</a>: at its end, a button makes one file of it.</p>\n</html>\n'
        )
        (out / "single" / f"{page.name}.html").write_text(html, encoding="utf-8")


def lies_at(page: str) -> str:
    """Where a page will lie that is now at `page`: a template becomes a file in `single/`."""
    return re.sub(r"^(?:embed/)?(?:([^/]+)/)?single\.html$", lambda m: f"single/{m[1] or 'home'}.html", page)


def write_single(site: Path, name: str, folder: Path) -> Path:
    """Write `<name>.html`, of a page or a widget, into `folder`. Raises KeyError, with the names that there are."""
    found = [file.relative_to(site) for file in site.rglob("single.html")]
    found.sort(key=lambda file: file.parts[0] != "embed")  # of a page and a widget of one name, the page
    templates = {Path(lies_at(file.as_posix())).stem: site / file for file in found}
    if name not in templates:
        raise KeyError(", ".join(sorted(templates)))
    html = one_file(site, templates[name].read_text(encoding="utf-8"), read_parts(site))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return folder / f"{name}.html"


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Write single/<name>.html, of a page or a widget of a site that is built."
    )
    parser.add_argument("name", help="of the page, or of the widget as in /embed/<name>/")
    parser.add_argument("--site", type=Path, default=ROOT / "_site")
    options = parser.parse_args()
    try:
        file = write_single(options.site, options.name, options.site / "single")
    except KeyError as known:
        print(f"there is no page and no widget “{options.name}”; there are: {known.args[0]}")
        return 1
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
