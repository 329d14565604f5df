"""The package as a library: what a REPL shows, what errors say to do, and the wheel in an environment of its own."""

from __future__ import annotations

import ast
import html.parser
import importlib.metadata
import re
import subprocess
import sys
import sysconfig
import textwrap
import tomllib
import venv
from pathlib import Path

import numpy as np
import panel_bundle
import pytest

import explainer
from explainer.host.shelf import pages
from explainer.kernel import sampling
from explainer.kernel.checkpoint import MissingCheckpoint
from explainer.models import lab, measured
from explainer.studies import next_token

ROOT = Path(__file__).resolve().parents[2]
TEXT = "Once there was a"


# ---------------------------------------------------------------- what it gives


def test_a_trace_of_a_text_is_the_forward_pass_over_its_tokens():
    trace = explainer.load().trace(TEXT)
    assert trace.tokens == lab.tokens_of(TEXT)
    np.testing.assert_array_equal(trace["logits"], lab.trace(lab.tokens_of(TEXT))["logits"])
    assert explainer.trace(trace.tokens).tokens == explainer.trace(TEXT).tokens == trace.tokens


def test_the_next_token_is_the_one_that_the_pages_show():
    mine = explainer.next_token(TEXT, 0.7, top_k=5)
    np.testing.assert_array_equal(mine.final, next_token.next_token(lab.tokens_of(TEXT), 0.7, 5).final)
    other = explainer.load("storyteller-1l").next_token(TEXT)
    assert not np.array_equal(other.final, explainer.next_token(TEXT).final)


def test_generating_is_the_kernels_loop_up_to_the_end_of_the_document():
    written = explainer.generate(TEXT, 100, temperature=0.5, seed=4)
    steps = sampling.generate(lab.model(), lab.tokens_of(TEXT), 100, 0.5, rng=4, stop=explainer.tokenizer().end_id)
    assert written.written == tuple(step.token for step in steps)
    assert written.written[-1] == explainer.tokenizer().end_id and len(written.steps) < 100
    assert str(written).startswith(TEXT) and "<|end|>" not in str(written)


def test_every_name_of_the_front_is_there():
    for name in explainer.__all__:
        assert getattr(explainer, name).__doc__, name
    assert set(explainer.__all__) <= set(dir(explainer))


# ---------------------------------------------------------------- what one sees


def test_a_models_repr_says_its_sizes_its_training_and_its_loss_beside_the_floor():
    model = explainer.load()
    said, held_out = repr(model), model.card["held_out"]
    assert said.splitlines()[0].startswith("storyteller-4l: 4 layers x 4 heads, residual width 96")
    for part in (f"{model.n_params:,} weights", "24,576,000 tokens", "seed 1"):
        assert part in said
    assert f"loss {held_out['loss']:.4f}" in said and f"floor {held_out['floor']:.4f}" in said
    shown = words(model._repr_html_())
    assert all(line.strip() in shown for line in said.splitlines())


def test_a_traces_repr_lists_its_records_with_axes_and_shapes():
    trace = explainer.trace(TEXT)
    said = repr(trace)
    for key in ("tokens", "blocks.0.attn.pattern", "logits"):
        shape = " x ".join(map(str, trace[key].shape))
        assert re.search(rf"^  {re.escape(key)} +{trace.axes(key)} +{shape}$", said, re.M), key
    assert "blocks.1 to blocks.3 have the same names" in said and "blocks.2.attn.z" not in said
    same = {re.sub(r"^blocks\.\d+", "", key) for key in trace if key.startswith("blocks.1.")}
    assert same == {key.removeprefix("blocks.0") for key in trace if key.startswith("blocks.0.")}
    assert "have the same names" not in repr(explainer.load("storyteller-1l").trace(TEXT))
    shown = words(trace._repr_html_())
    assert all(key in shown for key in trace)


def test_other_reprs_are_short_and_say_what_matters():
    following = explainer.next_token(TEXT, top_k=3)
    best = explainer.tokenizer().display(int(following.order[0]))
    said = repr(following)
    assert best in said and f"{following.final.max():.3%}" in said and "more" not in said
    assert repr(explainer.tokenizer()) == "Tokenizer(850 tokens)"
    written = explainer.generate(TEXT, 3)
    assert repr(written) == f"Continuation({written.text!r}, 3 tokens written)"
    assert words(written._repr_html_()) == written.text
    assert "array" not in repr(written.steps[0])


def words(markup: str) -> str:
    """The text of a piece of HTML."""
    found: list[str] = []
    reader = html.parser.HTMLParser()
    reader.handle_data = found.append  # type: ignore[method-assign]
    reader.feed(markup)
    return "".join(found)


# ---------------------------------------------------------------- what errors say


def test_a_text_where_tokens_belong_is_told_what_takes_texts():
    with pytest.raises(TypeError, match=r"explainer\.load\(\)\.trace\(text\)"):
        explainer.load().forward(TEXT)


def test_unknown_names_are_answered_with_those_that_there_are():
    with pytest.raises(MissingCheckpoint, match="storyteller-2l"):
        explainer.load("gpt-2")
    with pytest.raises(KeyError, match=r"there is blocks\.0\.attn\.pattern"):
        explainer.trace(TEXT)["blocks.0.attn.patern"]
    with pytest.raises(KeyError, match=r"there is blocks\.0\.attn\.pattern"):
        explainer.trace(TEXT)["pattern"]
    with pytest.raises(AttributeError, match=r"it has .*load"):
        explainer.forward  # noqa: B018
    with pytest.raises(ValueError, match="temperature-draws"):
        explainer.widget("temprature")
    with pytest.raises(TypeError, match="it has: prompt, model, t,"):
        explainer.widget("temperature", warmth=1)


def test_too_long_a_text_is_told_how_much_of_it_fits():
    with pytest.raises(ValueError, match="give it the last 128 tokens"):
        explainer.trace("a b c " * 100)


# ---------------------------------------------------------------- widgets


@pytest.fixture(scope="module", autouse=True)
def bundle() -> None:
    """Of their JavaScript, where nobody has made it yet (`make panel`)."""
    if not (ROOT / "explainer" / "host" / "panel.js").is_file():
        panel_bundle.write()


def test_a_widget_is_the_pages_own_over_the_values_given():
    with pytest.warns(UserWarning, match="Temperature cannot be -3"):
        made = explainer.widget("temperature", prompt=TEXT, t=-3)
    kinds = {widget.slug: widget for page in pages().PAGES for widget in page.widgets}
    assert type(made.widget) is kinds["temperature"]
    assert (made.state.prompt, made.state.t) == (TEXT, 0) and made.html == made.widget.html


# ---------------------------------------------------------------- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from the sdist, as `python -m build` does."""
    out = tmp_path_factory.mktemp("dist")
    panel_bundle.write()
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT)
    assert len(list(out.glob("*.tar.gz"))) == 1
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def outside(wheel, tmp_path_factory) -> Path:
    """An environment with the wheel and numpy in it and nothing else; its Python."""
    folder = tmp_path_factory.mktemp("outside")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    site = next((folder / "venv" / "lib").glob("*/site-packages"))
    for part in Path(np.__file__).parents[1].glob("numpy*"):  # numpy, numpy.libs: as installed here, no network needed
        (site / part.name).symlink_to(part)
    return python


def run(*command: object, **options) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def snippets() -> list[str]:
    """The Python of README's sections *As a library* and *In a notebook*."""
    text = (ROOT / "README.md").read_text("utf-8")
    sections = [text.split(f"## {name}\n")[1].split("\n## ")[0] for name in ("As a library", "In a notebook")]
    return [found for section in sections for found in re.findall(r"```python\n(.*?)```", section, re.S)]


def test_what_the_readme_shows_runs_where_only_the_wheel_and_numpy_are(outside, tmp_path):
    bare, with_panel = snippets()
    script = tmp_path / "readme.py"
    values = [line.split("#")[0].strip() for line in bare.splitlines() if line and not line.startswith("import")]
    assert len(values) > 5
    shown = "\n".join(f"print(repr({value}))" if is_expression(value) else value for value in values)
    script.write_text(f"import explainer\n{shown}\n{textwrap.dedent(LOADED)}")
    said = run(outside, "-W", "error", script, cwd=tmp_path)
    for part in ("storyteller-4l: 4 layers", "(4, 5, 5)", "What follows", "Continuation("):
        assert part in said
    assert said.splitlines()[-1] == "[]", "the front needs numpy alone"
    problem = subprocess.run([outside, "-c", with_panel], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "pip install '<file>.whl[panel]'" in problem.stderr


LOADED = """
import sys
print(sorted({"panel", "bokeh", "param", "markupsafe"} & set(sys.modules)))
"""


def is_expression(line: str) -> bool:
    return isinstance(ast.parse(line).body[0], ast.Expr)


def test_the_page_folders_are_inside_of_the_installed_package(outside, tmp_path):
    _, with_panel = snippets()
    script = tmp_path / "widget.py"
    script.write_text(
        f"import sys\nsys.path.append({sysconfig.get_path('purelib')!r})\n{textwrap.dedent(with_panel)}\n"
        "from explainer.host.shelf import pages\nfrom explainer.models import measured\n"
        "print(pages().__name__, 'pages' in sys.modules, len(pages().PAGES))\n"
        "print(measured.fingerprint('pages.temperature.page'))\n"
    )
    where, fingerprint = run(outside, script, cwd=tmp_path).splitlines()
    assert where == f"explainer.pages False {len(pages().PAGES)}"
    assert fingerprint == measured.fingerprint("pages.temperature.page"), "so what the build measured holds there, too"


def test_the_wheel_asks_for_numpy_and_leaves_out_what_is_not_shipped(wheel, outside):
    names = run(sys.executable, "-m", "zipfile", "-l", wheel)
    for part in ("explainer/training", "weights/along", "text.md", " pages/"):
        assert part not in names
    (site,) = (outside.parents[1] / "lib").glob("*/site-packages")
    found = next(d for d in importlib.metadata.distributions(path=[str(site)]) if d.name == "transformer-explainer")
    assert [r for r in found.requires or [] if "extra ==" not in r] == ["numpy>=2"]


def test_pyodide_build_is_the_one_of_the_recipe():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    recipe = dict(re.findall(r"^(\w+)=(\S+)$", (ROOT / "build/numpy_wheel/versions.env").read_text("utf-8"), re.M))
    assert f"=={recipe['PYODIDE_BUILD']};" in extras["numpy-wheel"][0]
    assert f"numpy=={recipe['NUMPY']}" in extras["build"]
