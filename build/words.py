"""The words of the frame around a page and around an embed, in the language that a site is built in: SITE_LANG.

English is written where it is said: in the templates (`_('Contents')`), in our scripts (`_('Pictures')`), and in the
names of the groups of the contents. `python build/words.py` (make words) gathers them in `locale/messages.pot`; a
translation is `locale/<language>/LC_MESSAGES/messages.po`, as gettext has it. What it lacks stays English.

Two languages are nobody's, and test the frame: en-XA is English with other letters, a third longer, and ar-XB the same
from right to left. The words of the pages themselves, and what Python draws, are English so far and say so (`lang`).
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from explainer.ui.page import GROUPS  # noqa: E402

FOLDER = HERE / "locale"
POT = FOLDER / "messages.pot"
ENGLISH = "en"
OTHERS = "About this site"  # the group of what is no chapter
SOURCES = [("**.j2", "jinja2"), ("**.js", "javascript")]
HELD = re.compile(r"(<[^>]*>|%\(\w+\)s|%%|\{\w+\}|&\w+;)")  # what is no word
LETTERS = str.maketrans("AEIOUYaeiouycnsgdhlrtz", "ÅÉÎÖÛÝåéîöûýçñšğđĥļŕţž")
FROM_RIGHT, BACK = "\u202e", "\u202c"


def accented(text: str) -> str:
    """English with other letters, a third longer, in brackets: whoever sees plain letters sees words not gathered."""
    parts = [part if HELD.fullmatch(part) else part.translate(LETTERS) for part in HELD.split(text)]
    return f"[{''.join(parts)}{' ··' * (len(text) // 9 + 1)}]"


def from_the_right(text: str) -> str:
    """English whose words are laid from right to left, as those of such a script are."""

    def turned(part: str) -> str:
        return part if HELD.fullmatch(part) else re.sub(r"\w[\w’'-]*", lambda m: FROM_RIGHT + m[0] + BACK, part)

    return "".join(map(turned, HELD.split(text)))


PSEUDO: dict[str, Callable[[str], str]] = {"en-XA": accented, "ar-XB": from_the_right}


def language() -> str:
    """The language that the site is built in, as `lang` says it: 'en', 'pt-BR'."""
    return os.environ.get("SITE_LANG") or ENGLISH


def direction(language: str) -> str:
    """'ltr' or 'rtl'."""
    return Locale.parse(language.split("-")[0]).text_direction


@functools.cache
def translations(language: str) -> dict[str, str]:
    """{English: in this language}; {} of English itself. Raises SystemExit for a language that there is not."""
    if language == ENGLISH:
        return {}
    if language in PSEUDO:
        return {message: PSEUDO[language](message) for message in gathered()}
    file = FOLDER / language.replace("-", "_") / "LC_MESSAGES" / "messages.po"
    if not file.exists():
        raise SystemExit(f"SITE_LANG={language}: there is no {file.relative_to(HERE.parent)} (see CONTRIBUTING.md)")
    with file.open("rb") as po:
        return {str(m.id): str(m.string) for m in read_po(po) if m.id and m.string and not m.fuzzy}


def gettext(message: str) -> str:
    """A message in the site's language."""
    return translations(language()).get(message, message)


def ngettext(one: str, many: str, n: int) -> str:
    """A message about n things."""
    return gettext(one if n == 1 else many)


def attributes() -> dict[str, str]:
    """What an element says of its language: `frame_lang` the site's, `text_lang` that of the pages, `frame_only` the
    site's for a row of buttons that stands as its surroundings run; '' in English, where all of them go without."""
    if language() == ENGLISH:
        return dict.fromkeys(("frame_lang", "frame_only", "text_lang"), "")
    said = f' lang="{language()}"'
    return {
        "frame_lang": f'{said} dir="{direction(language())}"',
        "frame_only": said,
        "text_lang": f' lang="{ENGLISH}" dir="ltr"',
    }


@functools.cache
def gathered() -> dict[str, list[tuple[str, int]]]:
    """Every message, and where it is said: {English: [(file, line)]}."""
    # step('...'), in the worker: the page says it (status.js)
    options = {"**.j2": {"trim_blocks": "true", "silent": "false"}, "**.js": {"parse_template_string": "true"}}
    found: dict[str, list[tuple[str, int]]] = {}
    for file, line, message, _, _ in extract_from_dir(
        HERE / "web", SOURCES, options, keywords={"_": None, "step": None}
    ):
        found.setdefault(str(message), []).append((f"build/web/{file}", line))
    for group in (*GROUPS, OTHERS):
        found.setdefault(group, []).append(("build/words.py", 0))
    return dict(sorted(found.items()))


def of_scripts() -> dict[str, str] | None:
    """The translations that our scripts need; None in English, where they need none."""
    known = translations(language())
    said = {message for message, places in gathered().items() if any(file.endswith(".js") for file, _ in places)}
    return {k: v for k, v in known.items() if k in said} if known else None


def template() -> Catalog:
    """The catalogue without translations."""
    catalog = Catalog(project="transformer-explainer", charset="utf-8")
    for message, places in gathered().items():
        catalog.add(message, locations=[(file, 0) for file in sorted({file for file, _ in places})])
    return catalog


def main() -> None:
    """Write the template anew, and bring what is new into every translation."""
    FOLDER.mkdir(exist_ok=True)
    now = template()
    with POT.open("wb") as pot:
        write_po(pot, now, width=110, omit_header=True, include_lineno=False)
    for file in sorted(FOLDER.glob("*/LC_MESSAGES/messages.po")):
        with file.open("rb") as po:
            kept = read_po(po, locale=file.parts[-3])
        kept.update(now)
        with file.open("wb") as po:
            write_po(po, kept, width=110, include_lineno=False)
        left = sum(1 for m in kept if m.id and (not m.string or m.fuzzy))
        print(f"{file.relative_to(HERE.parent)}: {left} of {len(now)} messages are not translated")
    print(f"{POT.relative_to(HERE.parent)}: {len(now)} messages")


if __name__ == "__main__":
    main()
