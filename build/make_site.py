"""Build the whole static site into `_site/`: `python build/make_site.py` (make site).

With `--preview` the stills come from this very Python instead of Pyodide and there is no runtime: a few seconds, for
working on looks and words. The real build takes the stills from the documents that sleep in the snapshot.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import api  # noqa: E402
import assets as asset_files  # noqa: E402
import folder  # noqa: E402
import licences  # noqa: E402
import links  # noqa: E402
import offline  # noqa: E402
import previews  # noqa: E402
import shell  # noqa: E402
import single  # noqa: E402
import sizes  # noqa: E402


def preview_stills(documents: dict[str, Any]) -> dict[str, Any]:
    """The stills drawn by this Python: same components, no ids."""
    return {
        name: {
            "models": [
                {"id": f"{name}-{c.name}", "name": c.name, "attributes": {k: v for k, v in c.param.values().items() if k in ("html", "values", "messages")}}
                for c in make()
            ]
        }
        for name, make in documents.items()
    }  # fmt: skip


def name_worker(out: Path) -> str:
    """Put a hash into the worker's name, so that a page of one build never starts the worker of another."""
    worker = out / "runtime" / "worker.js"
    if not worker.exists():
        return "runtime/worker.js"  # a preview
    final = worker.with_name(asset_files.hashed(worker, worker.read_bytes()))
    worker.rename(final)
    return f"runtime/{final.name}"


STATIC = (
    ("how", "How this page works"),
    ("licences", "Licences of what is inside"),
    ("demo", "A blog post with three live figures"),
)


def static_text(name: str) -> str:
    if name != "licences":
        return (ROOT / "pages" / name / "text.md").read_text(encoding="utf-8")
    parts = ["Everything that this site sends you, with its licence in full.\n"]
    for each in licences.collect():
        parts.append(
            f"## {each.name} {each.version}\n\n{each.licence}. {each.note}\n\n```text\n{each.text.strip()}\n```\n"
        )
    return "{% raw %}\n" + "\n".join(parts) + "\n{% endraw %}"


def static_numbers(name: str, out: Path) -> dict[str, Any]:
    """What the text of the 'how' page says in numbers, all read from what was just built."""
    if name == "demo":
        from pages import DOCUMENTS

        wished = ("temperature", "attention-stepper", "feedback-loop", "whole-model", "components")
        three = [w for w in wished if f"embed/{w}" in DOCUMENTS][:3]
        return dict(zip(("first", "second", "third"), three, strict=True))
    if name != "how":
        return {}
    import importlib.metadata as meta

    from explainer.models import lab

    pyodide = json.loads((ROOT / "node_modules" / "pyodide" / "package.json").read_text(encoding="utf-8"))["version"]
    card = ROOT / "explainer" / "models" / "weights" / f"{lab.STORYTELLER}.md"
    return {
        "pyodide": pyodide, **{n: meta.version(n) for n in ("numpy", "panel", "bokeh")},
        "parameters": f"{lab.model().n_params:,}",
        "sizes_table": sizes.table(out), "times_table": sizes.times(ROOT / "tests" / "bench" / "kept.json"), "model_card": sizes.demote(card.read_text(encoding="utf-8")) if card.exists() else "",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "_site")
    parser.add_argument("--preview", action="store_true", help="stills from this Python, no runtime")
    parser.add_argument("--only", default=None, help="just this page (with --preview)")
    arguments = parser.parse_args()
    began = time.perf_counter()

    def say(words: str) -> None:
        print(f"[{time.perf_counter() - began:6.1f} s] {words}", flush=True)

    api.check()
    say("measurements that the pages show by default")
    subprocess.run([sys.executable, str(HERE / "measure.py")], check=True)
    from pages import CHAPTERS, DOCUMENTS, PAGES, numbers_of

    out = arguments.out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    if arguments.preview:
        wanted = {k: v for k, v in DOCUMENTS.items() if arguments.only in (None, k)}
        stills = preview_stills(wanted)
    else:
        import runtime

        say("the runtime: Pyodide, numpy, Panel, one snapshot of all documents")
        runtime.build_runtime(out)
        stills = json.loads((ROOT / "_cache" / "still.json").read_text(encoding="utf-8"))
    say("scripts, styles, fonts")
    names = asset_files.build_assets(out, [w.slug for page in PAGES for w in page.widgets])
    shell.checksums |= {name: asset_files.checksum(out / names[name]) for name in names if name.endswith(".js")}
    names["worker.js"] = name_worker(out)
    if not arguments.preview:
        names["parts.json"] = single.write_parts(out, runtime.patched(), names)
    for page in PAGES:
        if page.name not in stills:
            continue
        say(f"page /{page.path}")
        text = (ROOT / "pages" / page.name / "text.md").read_text(encoding="utf-8")
        root = "../" if page.path else "./"
        html = shell.page_html(
            page,
            stills[page.name],
            root=root,
            assets=names,
            chapters=CHAPTERS,
            text=text,
            numbers=numbers_of(page.name),
        )
        (out / page.path).mkdir(exist_ok=True)
        (out / page.path / "index.html").write_text(html, encoding="utf-8")
        previews.write_picture(out / page.path, page.question, shell.SITE_NAME, page.state().prompt)
        for widget in page.widgets:
            key = f"embed/{widget.slug}"
            if key in stills:
                (out / key).mkdir(parents=True, exist_ok=True)
                html = shell.embed_html(page, widget, stills[key], root="../../", assets=names)
                (out / key / "index.html").write_text(html, encoding="utf-8")
                previews.write_oembed(out / key, page, widget, shell.SITE_NAME)
                previews.write_picture(out / key, widget.title, f"From “{page.question}”", page.state().prompt)
    for name, question in STATIC:
        say(f"page /{name}/")
        html = shell.static_page(
            name,
            question,
            static_text(name),
            root="../",
            assets=names,
            chapters=CHAPTERS,
            numbers=static_numbers(name, out),
        )
        (out / name).mkdir(exist_ok=True)
        (out / name / "index.html").write_text(html, encoding="utf-8")
    say("pages /api/")
    api.write(out, functools.partial(shell.plain_page, assets=names, chapters=CHAPTERS))
    shutil.copy(out / names["embed.js"], out / "embed.js") if "embed.js" in names else None
    if not arguments.preview:
        say("pages in one file")
        single.write_singles(out, PAGES)
    say("the name of this build, and its service worker")
    offline.seal(out)
    if not arguments.preview:
        say("the whole site in one zip")
        folder.write_zip(out, [p for p in PAGES if p.name in stills])
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
