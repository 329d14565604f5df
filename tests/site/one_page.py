"""One page and its first embed, as pictures without Python, in any languages:
`python tests/site/one_page.py OUT temperature ar-XB pl` writes OUT/ar-XB/ and OUT/pl/.

The frame is the site's own, by build/shell.py, with its scripts and styles; what Python draws is drawn here. Enough to
look at a translation, and for test_language.py.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

import contents  # noqa: E402
import make_site  # noqa: E402
import shell  # noqa: E402
from contents import Contents  # noqa: E402

from explainer.ui.page import Page, documents  # noqa: E402
from explainer.ui.widget import Widget  # noqa: E402
from pages import CHAPTERS, PAGES, numbers_of  # noqa: E402


def main(out: Path, name: str, languages: list[str]) -> None:
    page = next(page for page in PAGES if page.name == name)
    widget = page.widgets[0]
    wanted = (name, f"embed/{widget.slug}")
    stills = make_site.drawn_here({k: make for k, make in documents([page]).items() if k in wanted})
    for language in languages:
        os.environ["SITE_LANG"] = language
        shell.speak()
        write(out / language, page, widget, stills)


def write(out: Path, page: Page, widget: type[Widget], stills: dict[str, Any]) -> None:
    """The page and the embed of one of its widgets."""
    names = make_site.write_scripts(out, PAGES)
    listed = Contents.of(PAGES, CHAPTERS, contents.texts())
    text = (ROOT / "pages" / page.folder / "text.md").read_text(encoding="utf-8")
    (out / page.path).mkdir(parents=True, exist_ok=True)
    html = shell.page_html(
        page, stills[page.name], root="../", assets=names, contents=listed, text=text, numbers=numbers_of(page.name)
    )
    (out / page.path / "index.html").write_text(html, encoding="utf-8")
    folder = out / "embed" / widget.slug
    folder.mkdir(parents=True, exist_ok=True)
    html = shell.embed_html(page, widget, stills[f"embed/{widget.slug}"], root="../../", assets=names)
    (folder / "index.html").write_text(html, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
