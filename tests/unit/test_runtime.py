"""The runtime's build: the patch, the slimmer sources, packs; and the session between pages and Python."""

import ast
import json
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import packs
import page_pack
import patch_runtime
import pytest
import runtime
import slim
import trims
import zstandard

ROOT = Path(__file__).resolve().parents[2]
PYODIDE = ROOT / "node_modules" / "pyodide"


# ---------------------------------------------------------------- the patch

needs_pyodide = pytest.mark.skipif(not PYODIDE.is_dir(), reason="npm ci has not been run")


@needs_pyodide
def test_the_patch_fits_the_pinned_pyodide(tmp_path: Path) -> None:
    patch_runtime.patch(PYODIDE, tmp_path)
    for name in ("pyodide.asm.mjs", "pyodide.mjs"):
        assert (tmp_path / name).read_text("utf-8") != (PYODIDE / name).read_text("utf-8")
    assert (tmp_path / "pyodide.asm.wasm").read_bytes() == (PYODIDE / "pyodide.asm.wasm").read_bytes()
    assert json.loads((PYODIDE / "package.json").read_text())["version"] == patch_runtime.VERSION


@needs_pyodide
@pytest.mark.parametrize("edit", patch_runtime.ASM + patch_runtime.LOADER, ids=lambda e: e.why[:40])
def test_each_edit_refuses_an_altered_input(edit: patch_runtime.Edit) -> None:
    edits = patch_runtime.ASM if edit in patch_runtime.ASM else patch_runtime.LOADER
    name = "pyodide.asm.mjs" if edit in patch_runtime.ASM else "pyodide.mjs"
    text = (PYODIDE / name).read_text("utf-8")
    with pytest.raises(patch_runtime.PatchError, match=r"matches 0 times.*another version"):
        patch_runtime.apply(text.replace(edit.old, edit.old[:-1] + "~"), edits, name)
    with pytest.raises(patch_runtime.PatchError, match="matches 2 times"):
        patch_runtime.apply(text + edit.old, (edit,), name)


# ---------------------------------------------------------------- slimmer sources


@pytest.fixture
def helper() -> Iterator[None]:
    module = types.ModuleType("lazily")
    exec(slim.SOURCE, module.__dict__)
    sys.modules["lazily"] = module
    yield
    del sys.modules["lazily"]


def loads(code: str) -> set[str]:
    """The modules that a transformed source imports while it runs."""
    tree = slim.transform(code, "slimmed", False)
    return {a.name for s in tree.body if isinstance(s, ast.Import) for a in s.names}


def test_an_import_used_only_in_functions_waits(helper: None) -> None:
    assert loads("import colorsys\ndef f():\n    return colorsys.rgb_to_hsv(1, 0, 0)") == set()
    assert loads("import colorsys\nx = colorsys.rgb_to_hsv(1, 0, 0)") == {"colorsys"}
    assert loads("import abc\nclass A(abc.ABC): pass") == {"abc"}
    assert loads("import abc\ndef f(x=abc): pass") == {"abc"}
    assert loads("import abc\n@abc.abstractmethod\ndef f(): pass") == {"abc"}


def test_a_late_import_gives_the_same_value(helper: None) -> None:
    source = "import colorsys\nfrom math import sqrt as root\ndef f(): return colorsys.rgb_to_hsv(1, 0, 0), root(4)"
    sys.modules.pop("colorsys", None)
    module = types.ModuleType("slimmed")
    sys.modules["slimmed"] = module
    try:
        exec(compile(slim.transform(source, "slimmed", False), "slimmed", "exec"), module.__dict__)
        assert "colorsys" not in sys.modules
        assert module.f() == ((0.0, 1.0, 1), 2.0)
        assert module.root(9) == 3  # others may still take the name from the module
    finally:
        del sys.modules["slimmed"]


def test_local_names_are_left_alone(helper: None) -> None:
    source = """
import math, json
def parameter(math): return math
def assigned():
    math = 3
    return [math for math in (math, 4)], math
def inner():
    def deep(): return math.floor(2.5)
    return deep()
def declared():
    global json
    json = 5
"""
    module = types.ModuleType("slimmed")
    sys.modules["slimmed"] = module
    try:
        exec(compile(slim.transform(source, "slimmed", False), "slimmed", "exec"), module.__dict__)
        assert module.parameter(1) == 1
        assert module.assigned() == ([3, 4], 3)
        assert module.inner() == 2
        module.declared()
        assert module.json == 5
    finally:
        del sys.modules["slimmed"]


def test_help_texts_go_and_values_stay() -> None:
    tree = slim.transform("x = dict(help='a text', doc='another', label='kept')\ny = dict(help=1)", "m", False)
    space: dict[str, object] = {}
    exec(compile(tree, "m", "exec"), space)
    assert space["x"] == {"label": "kept"}
    assert space["y"] == {"help": 1}


def test_an_extended_all_is_not_guessed() -> None:
    tree = ast.parse("__all__ = ['a']\n__all__ += ['b']")
    assert slim.static_all(tree, "m", False, lambda name: None) is None
    assert slim.static_all(ast.parse("__all__ = ('a', 'b')"), "m", False, lambda name: None) == ["a", "b"]


def test_a_trim_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(trims.TrimError, match="another version"):
        trims.trim("bokeh", "__version__ = 'something else'")
    assert trims.trim("unknown.module", "x = 1") == "x = 1"


@pytest.mark.parametrize("name", sorted(trims.EDITS))
def test_the_trims_fit_what_is_installed(name: str) -> None:
    base = runtime.site_packages().joinpath(*name.split("."))
    source = (base / "__init__.py" if base.is_dir() else base.with_suffix(".py")).read_text("utf-8")
    assert trims.trim(name, source) != source


# ---------------------------------------------------------------- packs and files


def test_a_pack_comes_back_as_it_was() -> None:
    files = [("a/b.txt", b"hello"), ("empty", b""), ("ünï", bytes(range(256)))]
    assert packs.unpack(packs.pack(files)) == files
    with pytest.raises(ValueError, match="cut short"):
        packs.unpack(packs.pack(files)[:-1])
    with pytest.raises(ValueError, match="not a pack"):
        packs.unpack(b"nonsense")


def test_a_sparse_image_has_all_that_is_not_zero() -> None:
    page = packs.PAGE
    data = bytes(2 * page) + b"a" * page + b"\0" * (page - 1) + b"b" + bytes(page) + b"end"
    image = packs.sparse(data)
    start = 8 + int.from_bytes(image[4:8], "little")
    size, runs = json.loads(image[8:start])
    assert (image[:4], size, runs) == (b"SPRS", len(data), [[2 * page, 2 * page], [5 * page, 3]])
    whole = bytearray(size)
    for at, length in runs:
        whole[at : at + length] = image[start : start + length]
        start += length
    assert whole == data and start == len(image)
    assert packs.sparse(b"")[8:] == b"[0,[]]"


def test_compression_is_reproducible_and_names_carry_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "CACHE", tmp_path / "cache")
    assert runtime.compress(b"x" * 1000) == runtime.compress(b"x" * 1000)
    emitter = runtime.Emitter(tmp_path / "out")
    emitter.add("thing", b"content")
    entry = emitter.files["thing"]
    stored = (tmp_path / "out" / entry["url"]).read_bytes()
    assert zstandard.ZstdDecompressor().decompress(stored) == b"content"
    assert entry["sha256"][:12] in entry["url"]
    assert entry["bytes"] == len(stored)
    assert entry["raw"] == 7


def test_what_the_prose_says_in_numbers_makes_nothing_be_compiled_anew(tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.mkdir()
    key = lambda: runtime.digest(*runtime.own_files(tmp_path))  # noqa: E731
    (page / "page.py").write_text("x = 1")
    before = key()
    for prose in ("numbers.py", "text.md"):
        (page / prose).write_text("y = 2")
    assert key() == before
    (page / "page.py").write_text("x = 2")
    assert key() != before


# ---------------------------------------------------------------- what a change makes anew


KEYS = """
import json, sys
sys.path[:0] = [".", "build"]
import page_pack, runtime
from pathlib import Path
folders = [file.parent.name for file in Path("pages").glob("*/page.py")]
print(json.dumps({"": runtime.closure_key()} | {name: page_pack.key(name, Path("image")) for name in folders}))
"""


def keys(copy: Path) -> dict[str, str]:
    done = subprocess.run([sys.executable, "-c", KEYS], cwd=copy, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A copy of our code, and its keys."""
    copy = tmp_path_factory.mktemp("repository")
    for top in ("explainer", "pages", "build"):
        shutil.copytree(ROOT / top, copy / top, ignore=shutil.ignore_patterns("__pycache__", "along", "measured.pkl"))
    shutil.copy(ROOT / "package-lock.json", copy)
    return copy, keys(copy)


def changed(copy: Path, name: str, before: dict[str, str], text: str = "\nanother = 1\n") -> set[str]:
    """What has another key after something was added to a file: '' is what all pages share."""

    file = copy / name
    old = file.read_bytes() if file.exists() else None
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as end:
        end.write(text)
    after = keys(copy)
    file.unlink() if old is None else file.write_bytes(old)
    return {key for key in before if before[key] != after[key]}


@pytest.mark.parametrize("file", ["views/new.py", "page.py"])
def test_a_change_of_a_page_makes_its_pack_anew_and_nothing_else(copy: tuple, file: str) -> None:
    folder, before = copy
    assert changed(folder, f"pages/attention/{file}", before, "\n") == {"attention"}


def test_what_all_pages_share_is_in_no_page(copy: tuple) -> None:
    """The packs are made anew all the same: their key has the snapshot's (here it is the same)."""
    folder, before = copy
    assert "" in changed(folder, "explainer/studies/new.py", before)
    assert "" in changed(folder, "explainer/ui/parts/components.py", before)


def test_what_a_page_alone_imports_from_elsewhere_counts(copy: tuple) -> None:
    """A module outside of the packages that all pages share is of the packs of the pages that import it."""
    copy, _ = copy
    (copy / "explainer" / "elsewhere").mkdir()
    (copy / "explainer" / "elsewhere" / "__init__.py").touch()
    (copy / "explainer" / "elsewhere" / "thing.py").write_text("x = 1\n")
    page = copy / "pages" / "paths" / "page.py"
    old = page.read_text()
    page.write_text(old + "\nfrom explainer.elsewhere import thing\n")
    assert changed(copy, "explainer/elsewhere/thing.py", keys(copy)) == {"paths"}
    page.write_text(old)


def test_another_snapshot_makes_every_pack_anew() -> None:
    assert page_pack.key("paths", Path("snapshot-a")) != page_pack.key("paths", Path("snapshot-b"))


def test_a_pack_has_its_pages_code_and_what_that_found_out() -> None:
    """Of the last build, if there was one."""
    found = sorted(runtime.CACHE.glob("page-attention-*/stills.json"), key=lambda f: f.stat().st_mtime)
    if not found:
        pytest.skip("the site has not been built")
    names = [name for name, _ in page_pack.files("attention", found[-1].parent)]
    beside = ("page.pyc", "measured.pkl", "stills.json", "methods.marshal")
    assert {f"pages/attention/{name}" for name in beside} <= set(names)
    own = {f"{name.replace('.', '/')}.pyc" for name in runtime.OF_ONE_PAGE}
    assert "explainer/studies/indirect.pyc" in own & set(names), "what no other page needs"
    shared = [name for name in names if name.startswith(("explainer/", "numpy/", "bokeh/", "panel/"))]
    assert not {name for name in shared if name.endswith(".pyc")} - own


def test_markup_that_is_drawn_differently_each_time_stops_the_build() -> None:
    model = lambda html: {"models": [{"name": "x", "attributes": {"html": html}}]}  # noqa: E731
    assert list(page_pack.prints({"a": model("<b>"), "embed/x": model("<b>")})) == ["x"]
    with pytest.raises(runtime.BuildError, match="x is drawn differently each time"):
        page_pack.prints({"a": model("<b>"), "embed/x": model("<i>")})
