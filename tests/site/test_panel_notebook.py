"""A cell of JupyterLab that ends in a widget (make test-long, which installs JupyterLab)."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import panel_bundle
import panel_widgets
import pytest
from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).resolve().parents[2]
CELLS = (
    "import panel as pn\nimport explainer\npn.extension(inline=True)",  # inline: nothing is asked of elsewhere
    f'explainer.widget("temperature", prompt={panel_widgets.PROMPT!r})',
    'explainer.widget("attention-stepper", step=0)',
)
pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("panel-notebook"),
    pytest.mark.skipif(importlib.util.find_spec("jupyterlab") is None, reason="JupyterLab: make test-long"),
]


def notebook() -> str:
    cells = [
        {"cell_type": "code", "id": f"c{k}", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for k, source in enumerate(CELLS)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a notebook in a JupyterLab of its own."""
    panel_bundle.write()
    folder, settings = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("settings")
    (folder / "two.ipynb").write_text(notebook(), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--expose-app-in-browser",
        f"--ServerApp.port={port}",
        "--ServerApp.ip=127.0.0.1",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}",
    ]
    places = {name: str(settings / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    environment = {**os.environ, **places, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said: list[str] = []
    try:
        for line in process.stdout:  # type: ignore[union-attr]
            said.append(line)
            if re.search(rf"http://127.0.0.1:{port}/lab", line):
                yield f"http://127.0.0.1:{port}/lab/tree/two.ipynb"
                break
        else:
            pytest.fail("JupyterLab ended:\n" + "".join(said))
    finally:
        process.terminate()
        process.communicate(timeout=60)


# JupyterLab's own complaints: of news that it could not fetch, of what is not in its settings
NOT_OURS = ("jupyter", "Jupyter", "lab/", "api/", "404", "net::ERR")


@pytest.fixture
def two(the_browser: Browser, lab: str) -> Iterator[Page]:
    """The notebook, with all its cells run."""
    with panel_widgets.watched(the_browser, lab, NOT_OURS) as page:
        page.set_viewport_size({"width": 1300, "height": 4000})  # cells out of sight JupyterLab takes out of the page
        expect(page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(len(CELLS), timeout=panel_widgets.PATIENCE)
        idle = page.get_by_role("button", name=re.compile(r"^Python 3.* \| Idle$"))
        expect(idle).to_be_visible(timeout=panel_widgets.PATIENCE)
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        yield page


def test_both_widgets_work_in_a_cell_and_follow_the_theme(two: Page) -> None:
    panel_widgets.the_chain_works(two)
    panel_widgets.the_stepper_works(two)
    panel_widgets.is_styled(two, themes=["light"])
    two.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    panel_widgets.has_colours(panel_widgets.widget(two, "temperature"), "dark")
