"""A page is one folder: the one of CONTRIBUTING.md, put into a copy of this repository, is found everywhere.

The page's files are taken from the text itself, so whoever follows it to the letter gets what is tested here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = "surprise"
FILES = dict(
    re.findall(r"^```\w+ (\S+/\S+)\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M | re.S)
)
SITE_URL = "https://your.host/"


def in_the_copy(copy: Path, *command: str) -> str:
    """Run Python in the copy; returns what it printed."""
    environment = {**os.environ, "SITE_URL": SITE_URL, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository with one page more, and a preview of two of its pages."""
    copy = tmp_path_factory.mktemp("repository")
    for top in ("explainer", "pages", "build", "tests"):
        shutil.copytree(ROOT / top, copy / top, ignore=shutil.ignore_patterns("__pycache__", "along", "wheels"))
    for file in ("pyproject.toml", "LICENSE", "CONTRIBUTING.md"):
        shutil.copy(ROOT / file, copy / file)
    (copy / "node_modules").symlink_to(ROOT / "node_modules")
    for name, text in FILES.items():
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text(text, encoding="utf-8")
    (copy / "pages" / NAME / "__init__.py").touch()
    in_the_copy(copy, "build/make_site.py", "--preview", "--only", NAME, "temperature", "--out", "_site")
    return copy


def page(copy: Path, path: str) -> str:
    return (copy / "_site" / path / "index.html").read_text(encoding="utf-8")


def test_it_is_one_folder_of_under_sixty_lines_and_one_test():
    page, test = ({n: t for n, t in FILES.items() if n.startswith(top)} for top in (f"pages/{NAME}/", "tests/"))
    assert len(page) == 5 and len(test) == 1 and len(page) + len(test) == len(FILES)
    assert sum(len([line for line in text.splitlines() if line.strip()]) for text in page.values()) < 60
    for folder in ("build", "tests", "explainer", "pages"):  # nobody knows it
        for file in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.j2")]:
            assert file == Path(__file__) or f"/{NAME}/" not in file.read_text(encoding="utf-8"), file


def test_it_stands_in_the_contents_of_every_page_and_in_the_map_of_the_site(copy: Path):
    for path in (NAME, "temperature", "how"):
        menu = page(copy, path).split('<nav id="site-contents"')[1].split("</nav>")[0]
        group = menu.split("One pass</p>")[1].split("</ul>")[0]
        assert f'{NAME}/" data-chapter="{NAME}"' in group and "Which word surprises it?" in group
    assert f"<loc>{SITE_URL}{NAME}/</loc>" in (copy / "_site" / "sitemap.xml").read_text(encoding="utf-8")


def test_it_stands_between_its_neighbours(copy: Path):
    assert f'<a rel="next" href="../{NAME}/">' in page(copy, "temperature")
    assert '<a rel="prev" href="../temperature/">' in page(copy, NAME)
    assert re.search(r'<a rel="next" href="\.\./[a-z-]+/">', page(copy, NAME))


def test_its_figure_is_drawn_and_has_an_embed(copy: Path):
    assert 'data-widget="surprise"' in page(copy, NAME) and "with a chance of" in page(copy, NAME)
    assert "data-v=" in page(copy, f"embed/{NAME}") and (copy / "_site" / "embed" / NAME / "og.png").exists()


def test_the_zip_and_the_pages_in_one_file_list_it(copy: Path):
    code = (
        "import sys, json; sys.path[:0] = ['.', 'build']; import folder, single; from pages import PAGES, DOCUMENTS;"
        f"print(json.dumps([single.beside(PAGES)('{NAME}/'), folder.start_here(PAGES, 'site.css'), [*DOCUMENTS]]))"
    )
    file, start, documents = json.loads(in_the_copy(copy, "-c", code))
    assert file == f"{NAME}.html" and f'<a href="single/{NAME}.html">Which word surprises it?</a>' in start
    assert {NAME, f"embed/{NAME}"} <= set(documents)


def test_the_tests_of_every_page_ask_it_too(copy: Path):
    asked = ["tests/views/test_surprise.py", "tests/views/test_drawn.py"]
    asked += ["tests/unit/test_prose.py", "tests/unit/test_layers.py"]
    out = in_the_copy(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *asked, "-k", NAME)
    assert int(re.search(r"(\d+) passed", out)[1]) >= 6, out
