"""What is changed in third-party sources beyond what slim.py does by rule, and why. Applied when they are compiled.

INSTEAD: a module's whole text. EDITS: exact replacements, each of which must match exactly once: another version of the
package fails the build here instead of breaking in a reader's browser.
"""

from __future__ import annotations


class TrimError(Exception):
    """An edit does not fit the installed version of a package."""


INSTEAD = {
    # modules whose whole work is to attach docstrings
    "numpy._core._add_newdocs": "",
    "numpy._core._add_newdocs_scalars": "",
    # Panel's bridge to BokehJS and to a DOM, neither of which is here; of all of it only this is wanted
    "panel.io.pyodide": """
import asyncio
import param
_tasks = set()
def serve(*args, **kwargs):
    raise RuntimeError("Cannot serve an application in Pyodide.")
def async_execute(func):
    task = asyncio.ensure_future(func())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
param.parameterized.async_executor = async_execute
""",
    # Panel's look: stylesheets for widgets that we do not have, and a number indicator that brings tqdm along
    "panel.theme.native": """
from .base import DarkTheme, DefaultTheme, Design
class Native(Design):
    _themes = {"dark": DarkTheme, "default": DefaultTheme}
""",
    # HTML templates of whole documents: the pages have their HTML; without these, jinja2 is not needed
    "bokeh.core.templates": """
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return None
""",
}

EDITS: dict[str, tuple[tuple[str, str], ...]] = {
    # unittest, only to be able to cache by mock objects
    "panel.io.cache": (
        ("import unittest.mock\n", ""),
        ("    unittest.mock.Mock : lambda obj: _int_to_bytes(id(obj)),\n", ""),
    ),
    # the same templates again, and jinja2 with them
    "panel.io.resources": (
        ("_env = get_env()\n", "_env = None\n"),
        ("_env.trim_blocks = True\n", ""),
        ("_env.lstrip_blocks = True\n", ""),
        ("_env.filters['json'] = lambda obj: Markup(json.dumps(obj, cls=json_dumps))\n", ""),
        ("_env.filters['conffilter'] = conffilter\n", ""),
        ("_env.filters['sorted'] = sorted\n", ""),
        ("INDEX_TEMPLATE = _env.get_template('convert_index.html')\n", "INDEX_TEMPLATE = None\n"),
        ("BASE_TEMPLATE = _env.get_template('base.html')\n", "BASE_TEMPLATE = None\n"),
        ("ERROR_TEMPLATE = _env.get_template('error.html')\n", "ERROR_TEMPLATE = None\n"),
        ("LOGOUT_TEMPLATE = _env.get_template('logout.html')\n", "LOGOUT_TEMPLATE = None\n"),
        ("BASIC_LOGIN_TEMPLATE = _env.get_template('basic_login.html')\n", "BASIC_LOGIN_TEMPLATE = None\n"),
        ("JS_RESOURCES = _env.get_template('js_resources.html')\n", "JS_RESOURCES = None\n"),
    ),
    # the version number, looked up with the e-mail parser (importlib.metadata)
    "bokeh": (
        ("import importlib.metadata as importlib_metadata\n", ""),
        ('__version__ = importlib_metadata.version("bokeh")\n', '__version__ = "3.9.2"\n'),
        ("del importlib_metadata\n", ""),
    ),
    # `pn.interact`, which brings panes and widgets along
    "panel": (("from .interact import interact  # noqa\n", ""),),
}


def trim(name: str, source: str) -> str:
    """The text of module `name` with its trims. Raises TrimError if one does not fit."""
    source = INSTEAD.get(name, source)
    for old, new in EDITS.get(name, ()):
        if source.count(old) != 1:
            raise TrimError(
                f"{name}: {old.strip()!r} occurs {source.count(old)} times instead of once: another version?"
            )
        source = source.replace(old, new)
    return source
