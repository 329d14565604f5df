"""The whole site as one zip for a class room, an intranet or a USB stick: `_site/transformer-explainer.zip`.

What is in it: the site, ready for any static server; `START-HERE.html`, which explains itself; and in `single/` the
pages as they open by double click. There those share one script with everything that they need, instead of holding it
five times. The zip does not hold itself, nor links to itself.
"""

from __future__ import annotations

import base64
import json
import os
import posixpath
import re
import shutil
import stat
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import links
import offline
import real
import shell
import single

ROOT = Path(__file__).resolve().parent.parent
NAME = "transformer-explainer.zip"
SHARED = "everything.js"
EARLIEST = 315_532_800  # 1980: before that, a zip knows no time
MODEL = re.compile(r'<option value="([^"]*)" data-title=[^>]*>[^<]*</option>')  # of the choice, one that lies beside
ITSELF = re.compile(rf' · <a href="[^"]*{re.escape(NAME)}">[^<]*</a>')  # in footers


def shared_script(out: Path, everything: dict[str, Any]) -> str:
    """A classic script (those load from a disk) that puts the runtime into the page, as a page in one file has it."""
    worker = re.sub(r"^<script[^>]*>|</script>$", "", everything["marks"]["worker"])
    texts = [{"id": "explainer-worker", "text": worker}]
    packs = {file["name"]: file for own in everything["packs"].values() for file in own}  # pages share late ones
    for file in [*everything["files"], *packs.values()]:
        texts.append({"file": file["name"], "text": base64.b64encode((out / file["url"]).read_bytes()).decode()})
    return f"""// Python, the model and the pages' code, for the pages beside this file. Written by build/folder.py.
for (const {{ id, file, text }} of {json.dumps(texts)}) {{
  const part = document.createElement('script');
  part.type = 'text/plain';
  if (id) part.id = id; else part.dataset.file = file;
  part.textContent = text;
  document.body.append(part);
}}
"""


def on_disk(html: str, base: str) -> str:
    """The page at `base` with links to files, not to folders: those open by double click too. None leads to the zip."""

    def where(path: str) -> str | None:
        if path == NAME:
            return None
        return posixpath.relpath(
            f"{path}index.html" if path.endswith("/") or not path else path, posixpath.dirname(base) or "."
        )

    html = re.sub(r' data-pages="([^"]*)"', r' data-pages="\1index.html"', html)
    return links.rewrite(html, base, where)


def offering(html: str, folder: Path) -> str:
    """The page without the further models that `folder` does not have: none is offered that cannot be had."""
    there = folder / real.FOLDER
    return MODEL.sub(lambda option: option[0] if (there / option[1]).is_dir() else "", html)


def start_here(pages: list[Any], sheet: str) -> str:
    """The page that explains the zip and leads to the pages in it. sheet: the name of the style sheet"""
    return shell.templates.get_template("start.html.j2").render(pages=pages, site_name=shell.SITE_NAME, sheet=sheet)


def write_folder(out: Path, pages: list[Any], folder: Path) -> str:
    """Write the content of the zip into `folder`; returns its build (build/offline.py)."""
    shutil.rmtree(folder, ignore_errors=True)
    left = {"single", NAME} if real.in_zip() else {"single", NAME, real.FOLDER}
    shutil.copytree(out, folder, ignore=lambda at, names: left & set(names) if Path(at) == out else set())
    for copy in folder.rglob("index.html"):
        text = on_disk(ITSELF.sub("", copy.read_text(encoding="utf-8")), copy.relative_to(folder).as_posix())
        text = offering(text, folder)
        copy.write_text(text, encoding="utf-8")
    everything = single.read_parts(out)
    (folder / "single").mkdir()
    (folder / "single" / SHARED).write_text(shared_script(out, everything), encoding="utf-8")
    marks = {k: v for k, v in everything["marks"].items() if k not in ("policy", "worker")}
    others = {page.path: f"{page.name}.html" for page in pages}
    for page in pages:
        base = f"{page.path}index.html"
        template = single.template(
            (folder / base).read_text(encoding="utf-8"),
            base,
            lambda path: others.get(path, f"../{path}index.html" if path.endswith("/") else f"../{path}"),
        )
        filled = single.fill(template, {**marks, "files": f'<script src="{SHARED}"></script>'})
        (folder / "single" / f"{page.name}.html").write_text(filled, encoding="utf-8")
    (sheet,) = (out / "assets").glob("site.*.css")
    (folder / "START-HERE.html").write_text(start_here(pages, sheet.name), encoding="utf-8")
    links.check(folder, single.lies_at)
    return offline.seal(folder)


def dated(build: str, kept: Path = ROOT / "_cache" / "dated.json") -> int:
    """When this build was made, in seconds of UTC, even (a zip knows no odd ones): SOURCE_DATE_EPOCH where that is set,
    else the time at which a build with this content was made here first. Another content is always of a later time, so
    that servers, which tell files apart by their times, hand out the new one."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return max(int(given) // 2 * 2, EARLIEST)
    last, when = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else ("", 0)
    if last != build:
        when = max(int(time.time()) // 2 * 2, when + 2)
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(json.dumps([build, when]), encoding="utf-8")
    return int(when)


def pack(folder: Path, file: Path, when: int) -> None:
    """Write the content of `folder` into the zip `file`, readable by everybody and dated `when`: same content,
    same bytes."""
    date = time.gmtime(when)[:6]
    utc = struct.pack(
        "<HHBl", 0x5455, 5, 1, when
    )  # the date as other than local time, for whoever unpacks it elsewhere
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as z:
        for each in sorted([folder, *folder.rglob("*")]):
            name = (Path("transformer-explainer") / each.relative_to(folder)).as_posix()
            entry = zipfile.ZipInfo(f"{name}/" if each.is_dir() else name, date)
            entry.create_system = 3  # unix: the modes hold
            entry.extra = utc
            if each.is_dir():
                entry.external_attr = (stat.S_IFDIR | 0o755) << 16 | 0x10
                z.writestr(entry, b"")
                continue
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.compress_type = zipfile.ZIP_STORED if each.suffix in (".bin", ".woff2") else zipfile.ZIP_DEFLATED
            z.writestr(entry, each.read_bytes())


def write_zip(out: Path, pages: list[Any]) -> Path:
    """Write `out/transformer-explainer.zip`."""
    folder = ROOT / "_cache" / "folder"
    build = write_folder(out, pages, folder)
    pack(folder, out / NAME, dated(build))
    shutil.rmtree(folder)
    return out / NAME
