"""The whole site as one zip for a class room, an intranet or a USB stick: `_site/transformer-explainer.zip`.

What is in it: the site, ready for any static server; `START-HERE.html`, which explains itself; and in `single/` the
pages as they open by double click. There those share one script with everything that they need, instead of holding it
five times. The zip does not hold itself, nor links to itself.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import offline
import shell
import single

ROOT = Path(__file__).resolve().parent.parent
NAME = "transformer-explainer.zip"
SHARED = "everything.js"
ITSELF = re.compile(rf' · <a href="[^"]*{re.escape(NAME)}">[^<]*</a>')  # in footers
MENTION = re.compile(rf'<a href="[^"]*{re.escape(NAME)}">([^<]*)</a>')


def shared_script(out: Path, everything: dict[str, Any]) -> str:
    """A classic script (those load from a disk) that puts the runtime into the page, as a page in one file has it."""
    worker = re.sub(r"^<script[^>]*>|</script>$", "", everything["marks"]["worker"])
    texts = [{"id": "explainer-worker", "text": worker}]
    for name, file in everything["files"].items():
        texts.append({"file": name, "text": base64.b64encode((out / file["url"]).read_bytes()).decode()})
    return f"""// Python, the model and the site's documents, for the pages beside this file. Written by build/folder.py.
for (const {{ id, file, text }} of {json.dumps(texts)}) {{
  const part = document.createElement('script');
  part.type = 'text/plain';
  if (id) part.id = id; else part.dataset.file = file;
  part.textContent = text;
  document.body.append(part);
}}
"""


def write_folder(out: Path, pages: list[Any], folder: Path) -> None:
    """Write the content of the zip into `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(out, folder, ignore=shutil.ignore_patterns("single", NAME))
    for copy in folder.rglob("*.html"):
        text = ITSELF.sub("", copy.read_text(encoding="utf-8"))
        copy.write_text(MENTION.sub(r"\1", text), encoding="utf-8")
    everything = single.read_parts(out)
    (folder / "single").mkdir()
    (folder / "single" / SHARED).write_text(shared_script(out, everything), encoding="utf-8")
    marks = {k: v for k, v in everything["marks"].items() if k not in ("policy", "worker")}
    for page in pages:
        template = single.template((folder / page.path / "index.html").read_text(encoding="utf-8"))
        filled = single.fill(template, {**marks, "files": f'<script src="{SHARED}"></script>'})
        (folder / "single" / f"{page.name}.html").write_text(filled, encoding="utf-8")
    (sheet,) = (out / "assets").glob("site.*.css")
    start = shell.templates.get_template("start.html.j2").render(
        pages=pages, site_name=shell.SITE_NAME, sheet=sheet.name
    )
    (folder / "START-HERE.html").write_text(start, encoding="utf-8")
    offline.write_service_worker(folder)


def write_zip(out: Path, pages: list[Any]) -> Path:
    """Write `out/transformer-explainer.zip`, with the same bytes for the same site."""
    folder = ROOT / "_cache" / "folder"
    write_folder(out, pages, folder)
    file = out / NAME
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as z:
        for each in sorted(folder.rglob("*")):
            if each.is_file():
                entry = zipfile.ZipInfo(f"transformer-explainer/{each.relative_to(folder)}", (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_STORED if each.suffix in (".bin", ".woff2") else zipfile.ZIP_DEFLATED
                z.writestr(entry, each.read_bytes())
    shutil.rmtree(folder)
    return file
