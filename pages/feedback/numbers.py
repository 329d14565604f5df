"""What the prose of /feedback/ says about the model and the default story."""

from __future__ import annotations

from typing import Any

import numpy as np

from explainer.corpus.lexicon import ADJECTIVES, BOYS, GIRLS
from explainer.models import lab
from explainer.studies import influence, story, working
from explainer.ui.html import how_many, number, percent

from .page import OWN, FeedbackState
from .views.cache import millions
from .views.parts import one_in

TOLD, DONOR, SISTER = (
    f"Once there was a brave {who}." for who in ("girl named Lily", "boy named Tom", "girl named Mia")
)


def forged_notes() -> dict[str, Any]:
    """What the table of forged keys and values says: one tape, read with its own notes and with those of others.

    `was` is the token that the tape calls for, `other` the one that the donor's tape calls for. Each row has their
    probabilities; the last one is the control, a donor after which the same token comes.
    """
    model, name = lab.model(), lab.tokenizer().display
    tape, donor, sister = (lab.tokens_of(text) for text in (TOLD, DONOR, SISTER))
    columns = [i for i, (a, b) in enumerate(zip(tape, donor, strict=True)) if a != b]
    own, forged = story.forged_notes(model, tape, donor)
    was, other = int(own.argmax()), int(lab.trace(donor)["logits"][-1].argmax())

    def row(read: str, odds: Any) -> dict[str, str]:
        return {"read": read, "was": percent(float(odds[was])), "other": percent(float(odds[other]))}

    pair = " and ".join(f"`{name(tape[c])}`" for c in columns)
    rows = [row("its own", own), row(f"forged in the columns {pair}", forged)]
    rows += [
        row(f"forged in the column `{name(tape[c])}` alone", story.forged_notes(model, tape, donor, [c])[1])
        for c in columns
    ]
    rows.append(row(f"control: those of a pass over `{SISTER}`", story.forged_notes(model, tape, sister)[1]))
    moved = [
        float(own[was] - story.forged_notes(model, tape, donor, layers=[layer])[1][was])
        for layer in range(model.config.n_layers)
    ]
    most = max(moved)
    won = [wins(*pair) for pair in pairs()]
    return {
        "notes_n": len(won),
        "notes_won": sum(won),
        "notes": rows,
        "notes_tape": TOLD,
        "notes_donor": DONOR,
        "notes_was": name(was),
        "notes_other": name(other),
        "notes_obeyed": bool(forged[other] > 0.5),
        "notes_deepest": {"layer": moved.index(most), "share": most, "moved": percent(max(most, 0.0))},
    }


def pairs() -> list[tuple[str, str]]:
    """More tapes and donors of the table's form, and the other way round: adjectives of one token, a name each."""
    one = [a for a in ADJECTIVES.weights if len(lab.tokenizer().encode_word(a)) == 1]
    kinds = (("girl", GIRLS.weights, "boy", BOYS.weights), ("boy", BOYS.weights, "girl", GIRLS.weights))
    found = [
        (f"Once there was a{a} {who} named{mine}.", f"Once there was a{a} {other} named{theirs}.")
        for a in one
        for who, own, other, others in kinds
        for mine, theirs in zip(own, others, strict=True)
    ]
    return [pair for pair in found if pair != (TOLD, DONOR)]


def wins(told: str, donor: str) -> bool:
    """Whether, with the donor's notes forged in, the token that the donor's tape calls for has more than half."""
    _, forged = story.forged_notes(lab.model(), lab.tokens_of(told), lab.tokens_of(donor))
    return bool(forged[int(lab.trace(lab.tokens_of(donor))["logits"][-1].argmax())] > 0.5)


def lost_words() -> dict[str, Any]:
    """What the table of the word that leaves the window says: the clearest place, and the means over all of them."""
    places = influence.lost_words()
    clearest = max(places, key=lambda x: x.with_word - x.without)
    mean = {
        field: float(np.mean([getattr(x, field) for x in places]))
        for field in ("whole", "with_word", "without", "truth", "truth_without")
    }
    rows = [
        (f"the whole text, {how_many(clearest.n_whole, 'token')}", "whole", "truth"),
        (f"the last {clearest.n_with}: the deciding word is the oldest", "with_word", "truth"),
        (f"the last {clearest.n_without}: it has fallen out", "without", "truth_without"),
    ]
    return {
        "lost": [
            {
                "read": read,
                "model": percent(getattr(clearest, model)),
                "truth": percent(getattr(clearest, truth)),
                "model_mean": percent(mean[model]),
                "truth_mean": percent(mean[truth]),
            }
            for read, model, truth in rows
        ],
        "lost_before": clearest.before.strip(),
        "lost_word": clearest.decides.strip(),
        "lost_after": clearest.after,
        "lost_n": len(places),
        "lost_documents": influence.DOCUMENTS,
        "lost_far": influence.FAR,
        "lost_by_cut": mean["whole"] - mean["with_word"] > mean["with_word"] - mean["without"],
        "lost_justified": float(np.mean([x.apart for x in places])) < 0.1,
        "lost_apart": percent(float(np.mean([x.apart for x in places]))),
        "lost_apart_whole": percent(float(np.mean([x.apart_whole for x in places]))),
    }


def numbers() -> dict[str, Any]:
    """What the prose says about the model and the default story, measured when the site is built."""
    state = FeedbackState()
    config = lab.model().config
    told = state.tell(OWN, ())
    fork = state.kept()[0]
    other = state.tell(OWN, fork)
    at, token = fork[0]
    run = story.work(config, len(state.tokens()), OWN)
    whole, narrow = told, state.tell(OWN, (), window=state.window)
    parted = story.first_difference([t.token for t in whole], [t.token for t in narrow])
    part = whole[parted or 0]
    sums = working.measure(state.sums)[0][-1]
    large = working.score_large(lab.STORYTELLER, "working")
    differ = story.how_many_differ(told[at:], other[at:])
    return (
        forged_notes()
        | lost_words()
        | {
            "n_params": f"{lab.model().n_params:,}",
            "n_layers": config.n_layers,
            "n_ctx": config.n_ctx,
            "turns": OWN,
            "fork_turn": at + 1,
            "was": lab.tokenizer().display(told[at].token),
            "p_was": percent(float(told[at].final[told[at].token])),
            "other": lab.tokenizer().display(token),
            "differ": differ,
            "fork_like": differ < (OWN - at) / 3,
            "n_both": OWN - at,
            "odds": one_in(story.log_probability(told)),
            "n_sums": state.sums,
            "answer_first": percent(sums.answer_first.share),
            "answer_share": sums.answer_first.share,
            "working_first": percent(sums.working_first.share),
            "working_share": sums.working_first.share,
            "largest": max(sum(terms) for n in range(working.FEWEST, working.MOST + 1) for terms in working.sums(n)),
            "large": working.LARGE,
            "large_n": large.of,
            "large_right": large.right or "none",
            "large_share": large.share,
            "given_share": working.score(lab.STORYTELLER, working.GIVEN).share,
            "given_right": percent(working.score(lab.STORYTELLER, working.GIVEN).share),
            "forged_bent": percent(working.score(lab.STORYTELLER, working.FORGED, led=True).share),
            "after_wrong": percent(sums.after_wrong.share),
            "gave_in": percent(sums.gave_in.share),
            "work_kept": millions(sum(w.cached for w in run)),
            "work_anew": millions(sum(w.uncached for w in run)),
            "work_ratio": number(sum(w.uncached for w in run) / sum(w.cached for w in run), 2),
            "kept_numbers": f"{story.kept_per_token(config):,}",
            "head_width": config.d_head,
            "window": state.window,
            "parted": parted is not None,
            "part_turn": (parted or 0) + 1,
            "part_whole": lab.tokenizer().display(part.token),
            "part_p_whole": percent(float(part.final[part.token])),
            "part_narrow": lab.tokenizer().display(narrow[parted or 0].token),
            "part_p_narrow": percent(float(narrow[parted or 0].final[part.token])),
        }
    )
