"""Runs inside a Pyodide resumed from the snapshot, at build time: one page's code compiled, its stills drawn.

The page is imported from its sources, as the first page of a visit would be; each document of it is opened once with
drawing, then used. What that imports beyond what the snapshot holds is the page's pack.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import traceback
from pathlib import Path

import closure as tool

SITE = "/lib/python3.14/site-packages"


def run(config_json: str) -> str:
    """Compile the page and open its documents.

    config: {"page": its folder, "measured": a file of build/measure.py's results for it, "there": the modules of the
    snapshot, "late": those that come later, "roots", "own": as for closure.py}
    returns: JSON {"stills": {document: as `session.Live.describe`}, "modules", "opened",
    "libraries": of the pack} or {"error"}
    """
    config = json.loads(config_json)
    closure = tool.Closure(config["roots"], tuple(config["own"]), "/out", {})
    closure.install()
    here = {"__main__", "page_run", "closure", "slim", "trims"}
    for name in set(sys.modules) - set(config["there"]) - here:
        del sys.modules[name]  # what these tools have imported: if the page needs it, it shall import it
    for module in list(sys.modules.values()):  # what is imported further comes from the sources, past their gate
        path = getattr(module, "__path__", None)
        if isinstance(path, list) and path and path[0].startswith(SITE):
            inside = path[0].removeprefix(SITE)
            module.__path__ = [p for root in closure.roots if Path(p := root + inside).is_dir()] + path
    try:
        began = time.time()
        methods = importlib.import_module("explainer.host.methods")
        compiled = methods.Methods()
        compiled.install()
        session = importlib.import_module("explainer.host.session")
        shelf = importlib.import_module("explainer.host.shelf")
        documents = shelf.documents(config["page"])
        if config["measured"]:
            measured = importlib.import_module("explainer.models.measured")
            measured.store().update(measured.read(Path(config["measured"]))[0])
        stills = {}
        for name in documents:
            live = session.make(name, config["page"])
            stills[name] = live.describe()
            session._dismantle(live)
        drawn = time.time()
        exercise = importlib.import_module("exercise")
        with exercise.unheard():
            for name in documents:
                exercise.use(name, config["page"])
    except BaseException:
        return json.dumps({"error": traceback.format_exc()})
    used = time.time()
    compiled.write(Path("/out", methods.NAME))
    new = set(sys.modules) - set(config["there"]) - here - {"exercise"}
    closure.standard_library(new)
    late = tuple(config["late"])  # what a live page has from elsewhere
    gone = [name for name in closure.modules if name.startswith(late)]
    for name in gone:
        found = closure.modules.pop(name)
        Path("/out", found["where"], found["path"]).unlink()
    libraries = {name: path for name, path in closure.libraries.items() if not name.startswith(late)}
    return json.dumps(
        {
            "stills": stills,
            "modules": closure.modules,
            "opened": closure.opened,
            "libraries": libraries,
            "seconds": {"draw": drawn - began, "use": used - drawn},
        }
    )
