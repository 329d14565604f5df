"""Every recipe of build/snippets.toml in the tool that it is for: `make recipes`.

    python tests/recipes/run.py              all of them; results into tests/recipes/results.json
    python tests/recipes/run.py hugo astro   only these

A post with the documented code is built by the tool, served on another origin than the site, and opened in Chromium. It
has to be live with the values of the code, at the height that was left for it and with nothing moved; to follow the
host's colours; to show, after the host has moved it or gone to another page and back, what it showed before; and to be
a picture with a link where no script runs. What a recipe was seen in, and when, stands in README (`table`, held by
tests/unit/test_recipes.py).
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "build"), str(ROOT)]

import browser as chromium  # noqa: E402
import npm  # noqa: E402
import serve  # noqa: E402
import snippets  # noqa: E402

KEPT = HERE / "results.json"
WORK = ROOT / "_cache" / "recipes"
VENV, NODE = WORK / "venv", WORK / "node"
SITE = Path(os.environ.get("EXPLAINER_SITE", ROOT / "_site"))
LIVE = 180_000  # ms
SLACK = 60  # px that a figure may leave of the room for it
SLUG, TITLE = "temperature", "From logits to probabilities"
VALUES = {"prompt": 'Tom & "Mia" have a', "t": "0.7"}
NOT_RUN = {
    "iframe": "tests/site/test_embed.py opens plain frames",
    "quarto": "its package fetches a binary from elsewhere when it is installed, and that was not to be had",
    "ghost": "a service; its HTML card holds the lines for plain HTML",
    "link": "services; tests look at the picture and at oEmbed",
}
"""Recipes that are not run, and why."""
HEAD = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A post</title></head><body>'


@dataclass
class Tool:
    """A tool with a project for one post. files: what stands around the recipe; `POST` is where its last step goes"""

    recipe: str
    name: str
    version: Callable[[], str]
    files: dict[str, str]
    post: str  # where the last step of the recipe goes, in `files` as POST
    build: list[list[str]]
    out: str
    page: str  # of the post, in the built site
    other: str = ""  # a page that the host's own router goes to and comes back from, by links named Other and Post
    dark: Callable[[Any], None] | None = None  # the host's own switch; else its root is given a color-scheme
    note: str = ""
    knows: dict[str, tuple[str, str]] = field(default_factory=dict)  # a fault of the tool: {what: (found, words)}
    key: str = ""  # of its result, where a recipe has several tools
    env: dict[str, str] = field(default_factory=dict)


def said(*command: str) -> str:
    """The first version number that a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=npm.environment())
    found = re.search(r"\d+\.\d+(\.\d+)?(?=\D|$)", re.sub(r"^.*Running.*$", "", done.stdout + done.stderr, flags=re.M))
    return found[0] if found else "unknown"


def pip(name: str) -> Callable[[], str]:
    code = f"import importlib.metadata as m; print(m.version('{name}'))"
    return lambda: said(str(VENV / "bin" / "python"), "-c", code)


def node(name: str) -> Callable[[], str]:
    return lambda: json.loads((NODE / "node_modules" / name / "package.json").read_text(encoding="utf-8"))["version"]


def python_tool(name: str) -> str:
    return str(VENV / "bin" / name)


def node_tool(name: str) -> str:
    return str(NODE / "node_modules" / ".bin" / name)


def material_dark(page: Any) -> None:
    page.locator("label[for=__palette_1]:visible").click()


LINKS = "<p><a href='/other/'>Other</a> <a href='/post/'>Post</a></p>"
SPHINX = {
    "conf.py": 'project = "Posts"\nextensions = ["myst_parser"]\nhtml_theme = "alabaster"\n',
    "index.md": "# Posts\n\n```{toctree}\npost\n```\n",
}
STUBS = """<?php
$head = '';
function add_shortcode($n, $f) { global $shortcode; $shortcode = $f; }
function add_action($n, $f) {}
function esc_attr($s) { return htmlspecialchars($s, ENT_QUOTES); }
function esc_url($s) { return htmlspecialchars($s, ENT_QUOTES); }
function wp_enqueue_script($n, $src, $d, $v, $foot) { global $head; $head = '<script src="' . $src . '"></script>'; }
require __DIR__ . '/explainer.php';
preg_match_all('/(\\w+)="([^"]*)"/', substr(file_get_contents(__DIR__ . '/post.txt'), 11), $found);
$figure = explainer_figure(array_combine($found[1], $found[2]));
file_put_contents(__DIR__ . '/out/index.html', "<!doctype html><title>A post</title>$head<p>Before.</p>$figure");
"""

TOOLS = [
    Tool("html", "plain HTML", lambda: "", {}, "post/index.html", [], ".", "post/"),
    *(
        Tool(
            "html",
            f"{name}, the lines for plain HTML with a `key`",
            node(package),
            {
                f"{page}/index.html": HEAD.replace("</head>", '<script src="/router.js"></script></head>').replace(
                    "<body>", f"<body{boost}>"
                )
                + f"{LINKS}{body}</body></html>"
                for page, body in (("post", "POST"), ("other", "Words."))
            },
            "post/index.html",
            [["cp", str(NODE / "node_modules" / package / script), "router.js"]],
            ".",
            "post/",
            other="other/",
            key=key,
        )
        for key, name, package, script, boost in (
            ("turbo", "Turbo", "@hotwired/turbo", "dist/turbo.es2017-umd.js", ""),
            ("htmx", "htmx, hx-boost", "htmx.org", "dist/htmx.min.js", ' hx-boost="true"'),
        )
    ),
    Tool(
        "hugo",
        "Hugo",
        lambda: said(python_tool("hugo"), "version"),
        {
            "hugo.toml": 'baseURL = "/"\ntitle = "Posts"\ndisableKinds = ["taxonomy", "term", "RSS", "sitemap", '
            '"home", "section"]\n',
            "layouts/_default/single.html": HEAD + "<p>Before.</p>{{ .Content }}</body></html>",
            "content/posts/post.md": "---\ntitle: A post\n---\n\nWords.\n\nPOST\n\nMore words.\n",
        },
        "content/posts/post.md",
        [[python_tool("hugo"), "--quiet"]],
        "public",
        "posts/post/",
    ),
    Tool(
        "jekyll",
        "Jekyll",
        lambda: said("jekyll", "--version"),
        {
            "_config.yml": "title: Posts\nfuture: true\npermalink: /:title/\n",
            "_layouts/default.html": HEAD + "{{ content }}</body></html>",
            "_posts/2026-12-01-post.md": "---\nlayout: default\n---\n\nWords.\n\nPOST\n\nMore words.\n",
        },
        "_posts/2026-12-01-post.md",
        [["jekyll", "build", "--quiet"]],
        "_site",
        "post/",
    ),
    Tool(
        "mkdocs-material",
        "Material for MkDocs, navigation.instant, palette switch",
        pip("mkdocs-material"),
        {
            "mkdocs.yml": "site_name: Posts\nsite_url: HOST\ntheme:\n  name: material\n  font: false\n"
            "  features: [navigation.instant]\n  palette:\n"
            "    - scheme: default\n      toggle: {icon: material/weather-night, name: Dark}\n"
            "    - scheme: slate\n      toggle: {icon: material/weather-sunny, name: Light}\n"
            "nav: [index.md, post.md, other.md]\n",
            "docs/index.md": "# Posts\n",
            "docs/other.md": "# Another\n\n[Post](post.md)\n",
            "docs/post.md": "# A post\n\n[Other](other.md)\n\nWords.\n\nPOST\n\nMore words.\n",
        },
        "docs/post.md",
        [[python_tool("mkdocs"), "build", "--quiet"]],
        "site",
        "post/",
        other="other/",
        dark=material_dark,
    ),
    Tool(
        "myst",
        "Sphinx with MyST",
        pip("sphinx"),
        {**SPHINX, "post.md": "# A post\n\nWords.\n\nPOST\n\nMore words.\n"},
        "post.md",
        [[python_tool("sphinx-build"), "-q", "-b", "html", ".", "out"]],
        "out",
        "post.html",
    ),
    Tool(
        "rst",
        "Sphinx with reStructuredText",
        pip("sphinx"),
        {**SPHINX, "post.rst": "A post\n======\n\nWords.\n\nPOST\n\nMore words.\n"},
        "post.rst",
        [[python_tool("sphinx-build"), "-q", "-b", "html", ".", "out"]],
        "out",
        "post.html",
    ),
    Tool(
        "eleventy",
        "Eleventy",
        node("@11ty/eleventy"),
        {
            "_includes/page.njk": HEAD + "{{ content | safe }}</body></html>",
            "post.md": "---\nlayout: page.njk\n---\nWords.\n\nPOST\n\nMore words.\n",
        },
        "post.md",
        [[node_tool("eleventy"), "--quiet"]],
        "_site",
        "post/",
    ),
    Tool(
        "astro",
        "Astro, ClientRouter",
        node("astro"),
        {
            "package.json": '{"name": "posts", "type": "module"}',
            "astro.config.mjs": "export default { devToolbar: { enabled: false } };\n",
            **{
                f"src/pages/{name}.astro": "---\nimport { ClientRouter } from 'astro:transitions';\n---\n"
                + HEAD.replace("</head>", "<ClientRouter /></head>")
                + f"{LINKS}POST</body></html>"
                for name in ("post", "other")
            },
        },
        "src/pages/post.astro",
        [[node_tool("astro"), "build"]],
        "dist",
        "post/",
        other="other/",
        env={"ASTRO_TELEMETRY_DISABLED": "1"},
    ),
    Tool(
        "observable",
        "Observable Framework, the lines for plain HTML",
        node("@observablehq/framework"),
        {"observablehq.config.js": "export default { root: 'src' };\n", "src/post.md": "# A post\n\nPOST\n"},
        "src/post.md",
        [[node_tool("observable"), "build"]],
        "dist",
        "post.html",
        note="element",
        knows={"no_script": ("%2526", "yes, but it writes %26 in a link as %2526")},
    ),
    Tool(
        "jupyter",
        "Jupyter, by nbconvert --execute",
        pip("nbconvert"),
        {"post.py": "POST"},
        "post.py",
        [
            [
                python_tool("python"),
                "-c",
                "import nbformat as n, pathlib as p; b = n.v4.new_notebook(); "
                "b.cells = [n.v4.new_code_cell(p.Path('post.py').read_text())]; n.write(b, 'post.ipynb')",
            ],
            [python_tool("jupyter"), "nbconvert", "--execute", "--to", "html", "--log-level=ERROR", "post.ipynb"],
        ],
        ".",
        "post.html",
    ),
    Tool(
        "wordpress",
        "WordPress: the plugin's function under PHP, not WordPress itself",
        lambda: said("php", "--version"),
        {"run.php": STUBS, "post.txt": "[explainer POST", "out/other.html": ""},
        "post.txt",
        [["php", "run.php"]],
        "out",
        "",
        note="shortcode",
    ),
]


def set_up() -> None:
    """The tools, from the registries: Python's and npm's by lock file, Jekyll and PHP as Debian has them."""
    WORK.mkdir(parents=True, exist_ok=True)
    lock = (ROOT / "lock" / "recipes.txt").read_bytes()
    stamp = VENV / hashlib.sha256(lock).hexdigest()[:12]
    if not stamp.exists():
        print("installing the Python tools", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        install = [str(VENV / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", "-r"]
        subprocess.run([*install, str(ROOT / "lock" / "recipes.txt")], check=True)
        stamp.touch()
    NODE.mkdir(exist_ok=True)
    locked = (HERE / "package-lock.json").read_bytes()
    stamp = NODE / "node_modules" / hashlib.sha256(locked).hexdigest()[:12]
    if not stamp.exists():
        print("installing the npm tools", flush=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, NODE / name)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, check=True, cwd=NODE, env=npm.environment())
        stamp.touch()
    missing = [name for name, command in (("jekyll", "jekyll"), ("php-cli", "php")) if not shutil.which(command)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {', '.join(missing)}", flush=True)
        subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing], check=False)


def fingerprint(recipe: str) -> str:
    """Of what a recipe says now: a result is of this very text."""
    codes = [step["code"] for step in snippets.recipe(recipe)["steps"]]
    return hashlib.sha256(json.dumps([codes, snippets.known()["forms"]]).encode()).hexdigest()[:12]


def lay_out(tool: Tool, folder: Path, site: str, host: str) -> None:
    """Write the project: the steps of the recipe, as documented, and what a post needs around them."""
    shutil.rmtree(folder, ignore_errors=True)
    steps = snippets.recipe(tool.recipe)["steps"]

    def fill(code: str) -> str:
        return snippets.fill(code, SLUG, TITLE, site=site, **VALUES)

    code = fill(steps[-1]["code"])
    files = dict(tool.files)
    if tool.note == "element":
        code = fill("[[element]]")
    elif tool.note == "shortcode":
        files["explainer.php"], code = code, fill('widget="[[slug]]"[[attrs]] title="[[title]]"]')
    else:
        files |= {step["file"]: fill(step["code"]) for step in steps[:-1]}
    if tool.key:
        code = code.replace(f'widget="{SLUG}"', f'widget="{SLUG}" key="first"')
    elif tool.recipe == "html":
        files[tool.post] = HEAD + "<p>Words.</p>POST</body></html>"
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("POST", code).replace("HOST", host), encoding="utf-8")


def make(tool: Tool, folder: Path) -> None:
    for command in tool.build:
        environment = {**npm.environment(), **tool.env, "NODE_PATH": str(NODE / "node_modules"), "CI": "1"}
        if command[0].startswith(str(NODE)) and not (folder / "node_modules").exists():
            (folder / "node_modules").symlink_to(NODE / "node_modules")
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{Path(command[0]).name} failed: {(done.stdout + done.stderr)[-1500:]}")


SHIFTS = """window.shifted = []; new PerformanceObserver(list => {
  for (const e of list.getEntries()) if (!e.hadRecentInput) {
    const names = e.sources.map(({ node }) => `${node?.nodeName} ${node?.className ?? node?.data?.slice(0, 20)}`);
    window.shifted.push([e.value, names.join(' + ')]);
  }
}).observe({ type: 'layout-shift', buffered: true });"""


def until(page: Any, script: str, **more: Any) -> None:
    page.wait_for_function(script, timeout=LIVE, **more)


def inner(page: Any) -> Any:
    frame = page.locator("transformer-explainer iframe").element_handle().content_frame()
    until(frame, "() => document.documentElement.dataset.explainer === 'live' && "
                 "!document.documentElement.hasAttribute('data-busy')")  # fmt: skip
    return frame


def look(tool: Tool, browser: Any, address: str, site: str) -> dict[str, str]:
    """Open the post; what was seen, by name: 'yes', or what was wrong."""
    seen: dict[str, str] = {}
    context = browser.new_context(viewport={"width": 1280, "height": 900}, service_workers="block")
    context.route(lambda url: not url.startswith((address, site)), lambda route: route.abort())
    page = context.new_page()
    page.add_init_script(f"if (top === self) {{ {SHIFTS} }}")
    page.goto(address + tool.page)
    element = page.locator("transformer-explainer")
    element.scroll_into_view_if_needed()
    page.locator("transformer-explainer iframe").wait_for(state="visible", timeout=LIVE)
    before = page.locator("transformer-explainer iframe").bounding_box()["height"]

    frame = inner(page)
    state = frame.evaluate("explainer.state()")
    right = state["prompt"] == VALUES["prompt"] and state["t"] == float(VALUES["t"])
    seen["live"] = "yes" if right else f"with {state['prompt']!r} at {state['t']}"

    page.wait_for_timeout(700)
    height = page.locator("transformer-explainer iframe").bounding_box()["height"]
    body = frame.evaluate("document.body.getBoundingClientRect().height")
    moved = page.evaluate("shifted")
    total = sum(value for value, _ in moved)  # the heights that are kept are of what a figure shows at first
    fits = height == before and -1 < height - body < SLACK and total < 0.01
    wrong = f"{before} px, then {height} for {body:.0f}; moved: {moved}"
    seen["height"] = wrong if not fits else f"yes (shift {total:.4f})" if total else "yes"

    if tool.dark:
        tool.dark(page)
    else:
        page.evaluate("document.documentElement.style.colorScheme = 'dark'")
    seen["theme"] = "yes"
    try:
        frame.wait_for_selector("html[data-theme=dark]", state="attached", timeout=20_000)
    except Exception:
        seen["theme"] = "stays light on a dark host"

    frame.evaluate("explainer.set({ t: 2 })")
    until(frame, "() => explainer.state().t === 2 && !document.documentElement.hasAttribute('data-busy')")
    page.wait_for_timeout(300)
    if tool.other:
        page.evaluate("window.same = true")
        page.get_by_role("link", name="Other", exact=True).first.click()
        page.wait_for_url(f"**/{tool.other}")
        page.wait_for_timeout(500)
        page.get_by_role("link", name="Post", exact=True).first.click()
        page.wait_for_url(f"**/{tool.page}")
    else:
        page.evaluate("() => { const el = document.querySelector('transformer-explainer'); el.parentNode.append(el); }")
    t = inner(page).evaluate("explainer.state().t")
    seen["state"] = "yes" if t == 2 else f"t is {t} again"
    if tool.other and not page.evaluate("window.same"):
        seen["state"] = "the host's router did not run"
    context.close()

    plain = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 700})
    page = plain.new_page()
    page.goto(address + tool.page)
    picture = page.locator("transformer-explainer a img")
    box = picture.bounding_box() if picture.count() else None
    href = (page.locator("transformer-explainer a").first.get_attribute("href") or "") if box else ""
    asked = {k: v[0] for k, v in parse_qs(urlsplit(href).query).items()}
    good = box and 0 < box["width"] <= 360 and box["height"] > 50 and VALUES.items() <= asked.items()
    seen["no_script"] = "yes" if good else f"picture {box}, link {href}"
    plain.close()
    for what, (found, words) in tool.knows.items():
        seen[what] = words if found in seen[what] else seen[what]
    return seen


def names_of(recipe: str) -> list[str]:
    """The names of the results of a recipe: one for each tool that it is tried in."""
    return [tool.key or tool.recipe for tool in TOOLS if tool.recipe == recipe]


def table(results: dict[str, Any]) -> str:
    """The results as README has them."""
    heads = ("live", "height", "theme", "state", "no_script")
    lines = ["| tool | version | seen | " + " | ".join(("live, with its values", "height, nothing moves",
             "colours", "state kept", "without scripts")) + " |", "|" + "---|" * 8]  # fmt: skip
    for recipe in snippets.known()["recipes"]:
        tools = [results[name] for name in names_of(recipe["id"]) if name in results]
        if not tools:
            lines.append(f"| {recipe['name']} | | not run: {NOT_RUN.get(recipe['id'], 'not yet')} | | | | | |")
        for found in tools:
            cells = " | ".join(found["seen"].get(head, "") for head in heads)
            lines.append(f"| {found['tool']} | {found['version']} | {found['date']} | {cells} |")
    return "\n".join(lines)


def into_readme(text: str, table_now: str) -> str:
    """README with this table in the place of the one that it has."""
    return re.sub(r"^\| tool \| version \|.*?(?=\n\n)", lambda _: table_now, text, count=1, flags=re.S | re.M)


def main() -> None:
    from playwright.sync_api import sync_playwright

    asked = sys.argv[1:]
    set_up()
    results = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    bad = []
    with serve.served(SITE) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find_chromium(), args=chromium.FLAGS)
        for tool in TOOLS:
            name = tool.key or tool.recipe
            if asked and name not in asked:
                continue
            folder = WORK / "posts" / name
            (folder / tool.out).mkdir(parents=True, exist_ok=True)
            began = time.perf_counter()
            with serve.served(folder / tool.out) as address:
                try:
                    lay_out(tool, folder, site, address)
                    make(tool, folder)
                    built = time.perf_counter() - began
                    seen = look(tool, browser, address, site)
                except Exception as problem:
                    built, seen = time.perf_counter() - began, {"live": f"no: {str(problem)[:600]}"}
            version = tool.version() if set(seen) - {"live"} else ""
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            results[name] = {
                "tool": tool.name, "version": version, "date": today, "chromium": browser.version,
                "recipe": fingerprint(tool.recipe), "seen": seen,
            }  # fmt: skip
            fine = len(seen) == 5 and all(what.startswith("yes") for what in seen.values())
            bad += [] if fine else [name]
            took = f"built in {built:.1f} s, {time.perf_counter() - began:.1f} s in all"
            print(f"{'ok  ' if fine else 'FAIL'} {tool.name} {version}: {took}", flush=True)
            for thing, what in seen.items():
                if not what.startswith("yes"):
                    print(f"     {thing}: {what}", flush=True)
        browser.close()
    KEPT.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, why in NOT_RUN.items():
        print(f"not run: {name}: {why}")
    readme = ROOT / "README.md"
    readme.write_text(into_readme(readme.read_text(encoding="utf-8"), table(results)), encoding="utf-8")
    sys.exit(f"failed: {', '.join(bad)}" if bad else 0)


if __name__ == "__main__":
    main()
