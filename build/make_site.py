"""Build the whole static site into `_site/`: `python build/make_site.py` (make site).

With `--preview` the stills come from this very Python instead of Pyodide and there is no runtime: half a minute, for
the looks of all pages; one page, live, is `build/preview.py`'s. The real build takes the stills from Pyodide.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import api  # noqa: E402
import assets as asset_files  # noqa: E402
import contents  # noqa: E402
import folder  # noqa: E402
import heights  # noqa: E402
import links  # noqa: E402
import offline  # noqa: E402
import panel_bundle  # noqa: E402
import plots  # noqa: E402
import previews  # noqa: E402
import real  # noqa: E402
import runtime  # noqa: E402
import shell  # noqa: E402
import single  # noqa: E402
import sizes  # noqa: E402
from contents import Contents  # noqa: E402

from explainer.ui.page import Page, documents  # noqa: E402
from pages import CHAPTERS, PAGES, numbers_of  # noqa: E402


def drawn_here(documents: dict[str, Callable[[], list[Any]]]) -> dict[str, Any]:
    """The stills of documents, drawn by this Python: same components, no ids."""
    return {
        name: {
            "models": [
                {
                    "id": f"{name}-{c.name}",
                    "name": c.name,
                    "attributes": {k: v for k, v in c.param.values().items() if k in ("html", "values", "messages")},
                }
                for c in make()
            ]
        }
        for name, make in documents.items()
    }


def write_scripts(out: Path, pages: list[Page]) -> dict[str, str]:
    """Scripts, styles and fonts into `out`; returns {plain name: path in the site}, the worker's among them."""
    names = asset_files.build_assets(out, heights.figures(pages))
    shell.checksums |= {name: asset_files.checksum(out / names[name]) for name in names if name.endswith(".js")}
    names["worker.js"] = name_worker(out)
    return names


def write_page(
    out: Path, page: Page, stills: dict[str, Any], names: dict[str, str], listed: Contents, extra: str = ""
) -> None:
    """A page, with its picture. extra: markup for its head"""
    names |= plots.write(out, (model["attributes"].get("html", "") for model in stills[page.name]["models"]))
    html = shell.page_html(
        page,
        stills[page.name],
        root="../" if page.path else "./",
        assets=names,
        contents=listed,
        text=(ROOT / "pages" / page.folder / "text.md").read_text(encoding="utf-8"),
        numbers=numbers_of(page.name),
        extra=extra,
    )
    (out / page.path).mkdir(exist_ok=True)
    (out / page.path / "index.html").write_text(html, encoding="utf-8")


def write_embeds(out: Path, page: Page, stills: dict[str, Any], names: dict[str, str]) -> None:
    """The embeds of a page's widgets, with their pictures and descriptions."""
    for widget in page.widgets:
        embed = out / "embed" / widget.slug
        embed.mkdir(parents=True, exist_ok=True)
        html = shell.embed_html(page, widget, stills[f"embed/{widget.slug}"], root="../../", assets=names)
        (embed / "index.html").write_text(html, encoding="utf-8")
        picture = shell.still_html(widget, stills[f"embed/{widget.slug}"], root="../../", assets=names)
        (embed / "still.html").write_text(picture, encoding="utf-8")
        previews.write_oembed(embed, page, widget, shell.SITE_NAME)


def name_worker(out: Path) -> str:
    """Put a hash into the worker's name, so that a page of one build never starts the worker of another."""
    worker = out / "runtime" / "worker.js"
    if not worker.exists():
        return "runtime/worker.js"  # a preview
    final = worker.with_name(asset_files.hashed(worker, worker.read_bytes()))
    worker.rename(final)
    return f"runtime/{final.name}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "_site")
    parser.add_argument("--preview", action="store_true", help="stills from this Python, no runtime")
    parser.add_argument("--only", nargs="*", default=[], help="just these pages (with --preview)")
    arguments = parser.parse_args()
    began = time.perf_counter()

    def say(words: str) -> None:
        print(f"[{time.perf_counter() - began:6.1f} s] {words}", flush=True)

    api.check()
    say("measurements that the pages show by default")
    subprocess.run([sys.executable, str(HERE / "measure.py")], check=True)
    texts = contents.texts()
    listed = Contents.of(PAGES, CHAPTERS, texts)
    pages = [page for page in PAGES if page.name in arguments.only or not (arguments.preview and arguments.only)]
    out = arguments.out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    if arguments.preview:
        stills = drawn_here(documents(pages))
    else:
        say("the runtime: Pyodide, numpy, Panel, one snapshot, and a pack for each page")
        stills = runtime.build_runtime(out, [page.folder for page in PAGES])
    say("scripts, styles, fonts")
    names = write_scripts(out, PAGES)
    panel_bundle.write()
    if not arguments.preview:
        names["parts.json"] = single.write_parts(out, runtime.patched(), names)
    if not arguments.preview:
        say("the real language model, in parts")
        shell.models[:] = real.write(out)
    for page in pages:
        say(f"page /{page.path}")
        write_page(out, page, stills, names, listed)
        write_embeds(out, page, stills, names)
        previews.write_pictures(out, page, shell.SITE_NAME)
    previews.write_figures(out / "embed", pages)
    (out / "embed" / "keep.html").write_text(shell.keep_html(root="../", assets=names), encoding="utf-8")
    for text in texts:
        say(f"page /{text.path}")
        numbers = numbers_of(text.name, out)
        names |= plots.write(out, numbers.values())
        (out / text.path).mkdir(exist_ok=True)
        html = shell.text_html(text, root="../", assets=names, contents=listed, numbers=numbers)
        (out / text.path / "index.html").write_text(html, encoding="utf-8")
    say("pages /api/")
    api.write(out, functools.partial(shell.plain_page, assets=names, contents=listed))
    shutil.copy(out / names["embed.js"], out / "embed.js")
    if not arguments.preview:
        say("templates of pages in one file")
        single.write_templates(out, PAGES)
        single.write_addresses(out, PAGES)
    if site_url := previews.site_url():
        (out / "sitemap.xml").write_text(contents.sitemap(listed, site_url), encoding="utf-8")
    say("the name of this build, and its service worker")
    offline.seal(out)
    if not arguments.preview:
        say("the whole site in one zip")
        folder.write_zip(out, PAGES)
        say("links: whether each leads somewhere")
        links.check(out, single.lies_at)
    heap = None if arguments.preview else json.loads((ROOT / "_cache" / "heap.json").read_text(encoding="utf-8"))
    rows = sizes.write(out, heap)
    if heap:
        print(sizes.text_table(rows))
        print(sizes.heap_table(heap))
    say(f"done: {out}")


if __name__ == "__main__":
    main()
