"""What the prose of /feedback/ says about the model and the default story."""

from __future__ import annotations

from typing import Any

import numpy as np

from explainer.models import lab
from explainer.studies import influence, notes, story, working
from explainer.ui.html import how_many, number, percent

from .page import OWN, FeedbackState
from .views.cache import millions
from .views.notes import BOY, TOLD
from .views.parts import one_in


def forged_notes() -> dict[str, Any]:
    """What the prose says of forged keys and values: one tape, read with its own notes and with those of another, and
    all tapes of its form. `was` is the token that the tape calls for, `other` the one that the other tape calls for."""
    name = lab.tokenizer().display
    tape, donor = (lab.tokens_of(text) for text in (TOLD, BOY))
    found = notes.forge(tape, donor, notes.apart(tape, donor), 1)
    was, other = int(found.own.argmax()), int(lab.trace(donor)["logits"][-1].argmax())
    moved = [float(found.own[was] - odds[was]) for odds in notes.piece_by_piece(found)[1]]
    most = max(moved)
    won, kind, alone = (notes.obeyed(how) for how in ("both", "kind", "name"))
    return {
        "notes_n": won.of,
        "notes_won": won.right,
        "notes_interval": " to ".join(map(percent, won.interval)),
        "notes_kind": kind.right or "none",
        "notes_name": alone.right or "none",
        "notes_tape": TOLD,
        "notes_donor": BOY,
        "notes_was": name(was),
        "notes_other": name(other),
        "notes_p_was": percent(float(found.own[was])),
        "notes_p_other": percent(float(found.forged[other])),
        "notes_obeyed": bool(found.forged[other] > 0.5),
        "notes_deepest": {"layer": moved.index(most), "share": most, "moved": percent(max(most, 0.0))},
    }


def held_for_later() -> dict[str, Any]:
    """What the prose says of what a column holds for a later one."""
    named, asked, summed = (notes.tried(kind) for kind in ("name", "asked", "sum"))
    layers = notes.by_layer()
    least = min(layers)
    first = notes.case("name", 0)
    words = lab.names_of(first.tape)
    (later, _, own), sums = named["mark"], {what: means[0] for what, means in summed.items()}
    return {
        "held_n": notes.SAMPLE,
        "held_name": "".join(words[first.first : first.mark + 1]).strip("␣"),
        "held_piece": words[first.mark],
        "held_moves": percent(later.value),
        "held_interval": f"{percent(later.low)} to {percent(later.high)}",
        "held_own": percent(own.value),
        "held_noise": percent(named["noise"][0].value),
        "held_differs": percent(named["differs"][0].value),
        "held_else": percent(named["else"][0].value),
        "held_found": later.low > 0.5 > named["noise"][0].high and own.high < 0.1,
        "held_layer": layers.index(least),
        "held_layer_left": percent(least),
        "asked_mark": percent(asked["mark"][1].value),
        "asked_before": percent(asked["own"][1].value),
        "sum_behind": percent(sums["mark"].value),
        "sum_all": percent(sums["all"].value),
        "sum_noise": percent(sums["noise"].value),
        "sum_little": sums["mark"].high < sums["all"].low / 2,
    }


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
        | held_for_later()
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
