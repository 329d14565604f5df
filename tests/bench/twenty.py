"""The site with sixteen pages more, copies of its chapters under other names: what a page costs must not grow by them.

`prepare` copies our code beside, adds the copies, and builds the runtime and one page of it. The closure and the
snapshot are those of the site itself (their keys know no page), so the build makes the packs of the copies alone.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIES = 16
BUILD = """
import sys
sys.path[:0] = [".", "build"]
import contents, make_site, runtime, single
from pathlib import Path
from pages import CHAPTERS, PAGES
out = Path(sys.argv[1])
stills = runtime.build_runtime(out, [page.folder for page in PAGES])
names = make_site.write_scripts(out, PAGES)
listed = contents.Contents.of(PAGES, CHAPTERS, contents.texts())
make_site.write_page(out, next(page for page in PAGES if page.name == sys.argv[2]), stills, names, listed)
"""


def prepare(work: Path, site: Path, page: str) -> None:
    """Build the runtime of a site with COPIES pages more, and one of its pages.

    work: where the copy of our code goes; site: where the site does
    """
    for folder in (work, site):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for top in ("explainer", "pages", "build"):
        shutil.copytree(ROOT / top, work / top, ignore=shutil.ignore_patterns("__pycache__", "along"))
    shutil.copy(ROOT / "package-lock.json", work)
    for shared in ("node_modules", "_cache"):
        (work / shared).symlink_to(ROOT / shared)
    sys.path[:0] = [str(ROOT), str(ROOT / "build")]
    from pages import CHAPTERS

    copies = {}
    for n in range(COPIES):
        folder = CHAPTERS[n % len(CHAPTERS)].folder
        copies[f"copy{n}"] = folder
        shutil.copytree(work / "pages" / folder, work / "pages" / f"copy{n}")
        for file in (work / "pages" / f"copy{n}").rglob("*.py"):
            text = re.sub(r'^( *slug = ")', rf"\1copy{n}-", file.read_text(encoding="utf-8"), flags=re.M)
            file.write_text(text.replace(f'name="{folder}",', f'name="copy{n}",'), encoding="utf-8")
    keep_measurements(copies, work)
    subprocess.run([sys.executable, "-c", BUILD, str(site), page], cwd=work, check=True)


def keep_measurements(copies: dict[str, str], work: Path) -> None:
    """What a page has measured, its copy has, too: nothing is measured again for a bench."""
    code = """
import json, sys
sys.path[:0] = [".", "build"]
import measure
from explainer.models import measured
results, notes = measured.made(), dict(measured.read()[1])
for copy, folder in json.loads(sys.argv[1]).items():
    own = lambda name: name.replace(f"pages.{folder}.", f"pages.{copy}.")
    results |= {own(name): (own(module), value) for name, (module, value) in results.items() if own(name) != name}
    notes[f"shown by {copy}"] = json.dumps([own(name) for name in measure.shown_by(folder)])
measured.write(results, notes)
"""
    subprocess.run([sys.executable, "-c", code, json.dumps(copies)], cwd=work, check=True)
