"""From a page (question, widgets, prose) and its stills to HTML: the frame, the widgets' frames, source code."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import described
import heights
import jinja2
import previews
import words
from contents import Contents, Text
from markupsafe import Markup, escape
from prose import article
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from explainer.architectures.llama_like import INSTEAD
from explainer.host import session
from explainer.models import lab, registry
from explainer.models.examples import EXAMPLES
from explainer.studies import story

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SITE_NAME = "The Transformer, Operated"
SITE_URL = os.environ.get("SITE_URL", "")
# What a page may do, in its own head; build/web/worker.js is not bound by it (a worker answers to the header it comes
# with). No eval, nothing from elsewhere, and one inline script, known by its checksum (SLASH). `style` attributes carry
# numbers into pictures (style="--v:0.25") all over the place: they, and only they, are free; style elements are not.
SLASH = (
    r"if(/\/[^/.]+$/.test(location.pathname))"
    "try{history.replaceState(null,'',location.pathname+'/'+location.search+location.hash)}catch{}"
)
# Some servers hand out attention/index.html at /attention, without the slash at the end: every relative address in it
# would lead elsewhere. Nothing else of the page can be found then, so this stands in the page itself and puts the slash
# into its address.
SLASH_SUM = f"'sha256-{base64.b64encode(hashlib.sha256(SLASH.encode()).digest()).decode()}'"
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src 'self' {SLASH_SUM}",
        "worker-src 'self'",
        "connect-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",
        "font-src 'self'",
        "img-src 'self' data:",
        "frame-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
# The same as a header for the whole site: the worker imports Pyodide's script from a blob, once it is unpacked and
# checked, and compiles WebAssembly; zstddec unpacks its own few kilobytes of it by fetching a data: URL, which asks
# nobody for anything.
HEADER = POLICY.replace(SLASH_SUM, f"{SLASH_SUM} blob: 'wasm-unsafe-eval'")
HEADER = HEADER.replace("connect-src 'self'", "connect-src 'self' data:")
# A page with a plot may do one thing more: BokehJS puts style elements into its shadow roots. Whoever sends the header
# for the whole site has to allow what any of its pages may do; their own heads hold the others to less.
STILL_POLICY = "default-src 'none'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:"
KEEP_POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; img-src data:"
PLOT_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
HEADER = HEADER.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "web"),
    autoescape=jinja2.select_autoescape(["j2", "html"]),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
templates.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]


def speak() -> None:
    """Let the templates speak the site's language (`words.language()`)."""
    rtl = words.direction(words.language()) == "rtl"
    templates.globals.update(lang=words.language(), rtl=rtl)
    templates.globals.update({part: Markup(said) for part, said in words.attributes().items()})


speak()
templates.globals["slash"] = Markup(f"<script>{SLASH}</script>")
checksums: dict[str, str] = {}  # of our scripts, by plain name; filled by build/make_site.py
models: list[str] = []  # the further models that this site has; filled by build/make_site.py


def integrity(name: str) -> Markup:
    """The attribute that lets the browser check a module script.

    Style sheets and classic scripts go without: opened from a disk, browsers refuse those that have it, and the page
    shall be readable there (modules do not run there anyway).
    """
    return Markup(f' integrity="{checksums[name]}" crossorigin') if name in checksums else Markup("")


templates.globals["integrity"] = integrity
templates.globals["site_url"] = SITE_URL if not SITE_URL or SITE_URL.endswith("/") else SITE_URL + "/"


def source_of(widget: Any, other_models: bool = True) -> Markup | None:
    """The real source of the functions of a figure, highlighted, each with the file it is in (its path in this
    repository); below, where page and figure can be about a model of another architecture, what computes it there.
    None for a figure that names no function."""
    if not widget.functions:
        return None
    instead = (
        ()
        if widget.own_only or not other_models
        else dict.fromkeys(g for f in widget.functions for g in INSTEAD.get(f, ()))
    )
    said = Markup("<p>In a model of the Llama kind, such as SmolLM2, these stand in their places:</p>")
    return Markup("").join([*map(listing, widget.functions), *([said] if instead else []), *map(listing, instead)])


def listing(function: Any) -> Markup:
    """The source of one function under the name of its file."""
    file = Path(inspect.getsourcefile(inspect.unwrap(function)) or "").resolve().relative_to(ROOT).as_posix()
    code = highlight(inspect.getsource(function), PythonLexer(), HtmlFormatter(nowrap=True))
    return Markup(f'<p>{file}</p><pre class="code" tabindex="0"><code translate="no">{code}</code></pre>')


PLOT = re.compile(r' data-plot="([a-z0-9-]+)"')
PAGE_LINK = re.compile(r'href="[^"?]*(?P<asked>\?[^"]*)?" data-page-link="(?P<page>[a-z-]+)"')


def led(html: str, root: str) -> str:
    """Markup with its links to pages led to where they lie, seen from `root`; what they ask for there stays."""
    return PAGE_LINK.sub(lambda m: f'href="{root}{m["page"]}/{m["asked"] or ""}" data-page-link="{m["page"]}"', html)


def frame(
    page: Any, widget: Any, body: str, *, root: str, from_page: dict[str, str] | None = None, own: bool | None = None
) -> Markup:
    """A widget's still in its frame: title, toolbar, drawers.

    Python, which draws the still, knows of a page no more than its name; where it lies is said here, and in the
    browser by build/web/links.js.
    own: whether its prompt is that of the whole page (None: of the figure alone)
    """
    body = led(body, root)
    code = source_of(widget, page.state.other_models)
    return Markup(
        templates.get_template("widget.html.j2").render(
            w=widget,
            body=Markup(body),
            code=code,
            from_page=from_page,
            own=own,
            tall=heights.tall(page, widget.slug),
            more='class="beyond"' in body,
        )
    )


def choice_of_model(page: Any, *, root: str, assets: dict[str, str], embed: bool = False) -> Markup:
    """The choice of the model, where a page can be about others: those that this site has (`models`), and the reader's
    own; of an embed it is hidden until an address or its host asks."""
    if not page.state.other_models or "models.js" not in assets:
        return Markup("")
    drawn = templates.get_template("models.html.j2").render(
        models=[entry for name, entry in registry.MODELS.items() if name in models],
        examples=EXAMPLES,
        own=lab.OWN,
        dropped=registry.DROPPED,
        root=root,
        assets=assets,
        embed=embed,
    )
    return Markup(drawn)


def plots(html: str, root: str, assets: dict[str, str]) -> dict[str, Any]:
    """What a page with this markup needs for its plots: {"policy": ...,
    "plots": JSON that tells its script where things lie, or ''}."""
    names = PLOT.findall(html)
    if not names:
        return {"policy": POLICY, "plots": ""}
    lie = {"bokeh": f"{root}{assets['bokeh.min.js']}", "integrity": checksums["bokeh.min.js"]}
    figures = {name: f"{root}{assets[f'plot-{name}.json']}" for name in names}
    return {"policy": PLOT_POLICY, "plots": json_block({**lie, "figures": figures})}


def json_block(value: Any) -> Markup:
    """JSON that may stand inside a script element."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026"))


def embed_html(page: Any, widget: Any, still: dict[str, Any], *, root: str, assets: dict[str, str]) -> str:
    """One widget alone, for `/embed/<slug>/`: its still, its tools, and a way back to the page it comes from."""
    html_of = {m["name"]: m["attributes"].get("html", "") for m in still["models"]}
    back = {"href": f"{root}{page.path}", "question": page.question, "name": page.name}
    lean = lean_still(page, f"embed/{widget.slug}", still)
    body = html_of[widget.slug]
    description = described.of_figure(page, widget, previews.shows(widget))
    return templates.get_template("embed.html.j2").render(
        page=page,
        w=widget,
        description=description,
        resource=figure_resource(page, widget, description, root),
        site_name=SITE_NAME,
        model=lab.OWN,
        root=root,
        assets=assets,
        still=json_block(lean),
        widget=choice_of_model(page, root=root, assets=assets, embed=True)
        + frame(page, widget, body, root=root, from_page=back),
        **plots(body, root, assets),
    )


def keep_html(*, root: str, assets: dict[str, str]) -> str:
    """`/embed/keep.html`: holds on to Python while a host's router changes pages (build/web/keeper.js)."""
    return templates.get_template("keep.html.j2").render(
        root=root, assets=assets, site_name=SITE_NAME, policy=KEEP_POLICY
    )


def still_html(widget: Any, still: dict[str, Any], *, root: str, assets: dict[str, str]) -> str:
    """The compact view of a widget as a picture: no script, nothing but its still."""
    html_of = {m["name"]: m["attributes"].get("html", "") for m in still["models"]}
    body = Markup(led(html_of[widget.slug], root))
    return templates.get_template("still.html.j2").render(
        w=widget, root=root, assets=assets, body=body, policy=STILL_POLICY
    )


def page_html(
    page: Any,
    still: dict[str, Any],
    *,
    root: str,
    assets: dict[str, str],
    contents: Contents,
    text: str,
    numbers: dict[str, Any],
    extra: str = "",
) -> str:
    """One page of the site.

    still: {"models": [{"id", "name", "attributes"}]} of the page's document; markup goes into the widgets,
        ids into the page
    text, numbers: the prose, and what it may use as {{ name }}, beside `chapters`, the pages in reading order
    extra:         markup for its head
    """
    html_of = {m["name"]: m["attributes"].get("html", "") for m in still["models"]}
    asks = [w.slug for w in page.widgets if 'data-bind="prompt"' in html_of[w.slug]]
    bar = {"prompt": page.state().prompt} if page.chapter and asks and len(page.widgets) > 1 else None
    widgets = {
        w.slug: frame(page, w, html_of[w.slug], root=root, own=w.slug == asks[0] if bar else None) for w in page.widgets
    }
    if asks:
        widgets[asks[0]] = choice_of_model(page, root=root, assets=assets) + widgets[asks[0]]
    lean = lean_still(page, page.name, still)
    prose = article(text, {"chapters": contents.chapters, **numbers}, widgets)
    return framed(
        page,
        prose,
        root=root,
        assets=assets,
        contents=contents,
        single=True,
        still=json_block(lean),
        figures=page.widgets,
        two_ways='<div class="discover">' in prose,
        bar=bar,
        emblem=emblem_of(page),
        extra=Markup(extra),
    )


def emblem_of(page: Any) -> Markup | None:
    """The drawing beside a page's title, if its folder has one (title.svg)."""
    file = ROOT / "pages" / page.folder / "title.svg"
    return Markup(file.read_text(encoding="utf-8")) if file.exists() else None


def text_html(page: Text, *, root: str, assets: dict[str, str], contents: Contents, numbers: dict[str, Any]) -> str:
    """A page of prose alone, in the same frame: how the site works, licences."""
    prose = article(page.text, numbers, {})
    return framed(
        page, prose, root=root, assets=assets, contents=contents, single=False, still=None, figures=(), two_ways=False
    )


def plain_page(path: str, question: str, html: Markup, *, root: str, assets: dict[str, str], contents: Contents) -> str:
    """Markup as a page without Python behind it, in the same frame.

    path: where it lies in the site, 'api/kernel/'
    """
    page = SimpleNamespace(
        name=path.split("/")[0],
        title=question,
        question=question,
        path=path,
        chapter=False,
        group="",
        on_demand=True,
        heading=escape(question).replace(".", Markup(".<wbr>")),  # a long dotted name breaks behind a dot
    )
    return framed(
        page, html, root=root, assets=assets, contents=contents, single=False, still=None, figures=(), two_ways=False
    )


def address(path: str, root: str) -> str:
    """The address of a page of the site: full, if it is known where the site will stand, else as seen from `root`."""
    return f"{previews.site_url() or root}{path}"


def figure_resource(page: Any, widget: Any, description: str, root: str) -> Markup:
    """A figure alone, as search engines are told of it."""
    at, site = address(f"embed/{widget.slug}/", root), (SITE_NAME, address("", root))
    return json_block(described.resource(widget.title, description, at, site, inside=address(page.path, root)))


def page_resource(page: Any, figures: Any, description: str, root: str) -> Markup:
    """A page with its figures, as search engines are told of it."""
    parts = [(w.title, previews.shows(w), address(f"embed/{w.slug}/", root)) for w in figures]
    site = (SITE_NAME, address("", root))
    told = described.resource(
        page.title, description, address(page.path, root), site, question=page.question, parts=parts
    )
    return json_block(told)


def framed(page: Any, prose: Markup, *, root: str, contents: Contents, assets: dict[str, str], **more: Any) -> str:
    """A page's article in the frame that all pages share: bar, contents, previous and next, footer."""
    previous, following = contents.around(page)
    description = described.of_page(page, prose)
    figures = more["figures"]
    return templates.get_template("page.html.j2").render(
        page=page,
        description=description,
        resource=page_resource(page, figures, description, root) if figures else "",
        article=prose,
        root=root,
        contents=contents,
        previous=previous,
        next=following,
        site_name=SITE_NAME,
        model=lab.OWN,
        assets=assets,
        **plots(prose, root, assets),
        **more,
    )


def lean_still(page: Any, name: str, still: dict[str, Any]) -> dict[str, Any]:
    """What the page's script needs of a document: which one it is, and its models."""
    models = [lean_model(model) for model in still["models"]]
    moved = {"moved": list(page.state.moved)} if page.state.moved else {}
    sized = {"sized": list(page.state.sized)} if page.state.sized else {}
    return {"name": name, "page": page.folder, "weights": story.fingerprint(), **moved, **sized, "models": models}


def lean_model(model: dict[str, Any]) -> dict[str, Any]:
    """What the page's script needs of a model: its markup is in the page,
    here is its print (explainer/host/session.py)."""
    kept = {k: v for k, v in model["attributes"].items() if k in ("values", "messages")}
    html = model["attributes"].get("html")
    print = {} if html is None else {"print": session.print_of(html)}
    return {"id": model["id"], "name": model["name"], **print, "attributes": kept}
