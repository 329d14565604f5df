"""/tokens/: what are its letters?"""

from __future__ import annotations

__package__ = __package__ or "pages.tokens"  # as `panel serve` runs this file, by itself

from typing import Any

import param

from explainer.models import vocabularies
from explainer.ui.page import Page
from explainer.ui.state import PageState

from .facts import merging
from .views.alphabets import STORY, ByteByByte, BytesOrPieces
from .views.cutting import Vocabularies
from .views.merging import Merges
from .views.spelling import Digits, Spelling

LONGEST_WORD, LONGEST_NUMBER, LONGEST_STORY = 40, 12, 160


class TokensState(PageState):
    prompt = param.String(default="She sells sea shells by the sea shore. The shells she sells are sea shells.",
                          label="Prompt")  # fmt: skip
    merges = param.Integer(default=0, bounds=(0, merging.MOST), label="merges")
    guess = param.String(default="", label="guess")  # merging.Candidate.key: of one pair at one merge
    vocabulary: param.Selector[Any] = param.Selector(
        default="gpt-2", objects=list(vocabularies.NAMES), label="vocabulary"
    )
    token = param.Integer(default=2, bounds=(0, None), label="token")
    word = param.String(default="strawberry", label="word")
    letter = param.String(default="r", label="letter")
    number = param.String(default="31415926", label="number")
    story = param.String(default=STORY, label="story")

    def limits(self) -> dict[str, tuple[int, int, str]]:
        return {"merges": (0, len(merging.learned(self.prompt)), "merge")}

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        super().clean(wanted, messages)
        if "number" in wanted:
            number = "".join(wanted["number"].split())
            if not (number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER):
                messages["number"] = f"A number of 1 to {LONGEST_NUMBER} digits, please; left it as it was."
                number = self.number
            wanted["number"] = number
        if "letter" in wanted:
            wanted["letter"] = wanted["letter"].strip()[:1]
        for name, most in (("word", LONGEST_WORD), ("story", LONGEST_STORY)):
            if len(wanted.get(name, "")) > most:
                wanted[name] = wanted[name][:most]
                messages[name] = f"The first {most} characters are read."


PAGE = Page(
    name="tokens",
    group="Learning",
    order=8,
    title="Tokens",
    question="What are its letters?",
    says="Train a vocabulary on your own text, merge by merge; press a token of GPT-2 and see its bytes.",
    state=TokensState,
    widgets=(Merges, Vocabularies, Spelling, Digits, ByteByByte, BytesOrPieces),
)

if __name__ != f"{__package__}.page":  # panel serve pages/tokens/page.py
    import explainer

    explainer.page(PAGE.name).servable()
