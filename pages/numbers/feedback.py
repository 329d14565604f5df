"""What the prose of /feedback/ says about the model and the default story."""

from __future__ import annotations

from typing import Any

from explainer import lab, story, working
from explainer.views.feedback_cache import millions
from explainer.views.feedback_parts import one_in
from explainer.views.html import number, percent
from pages.feedback import FeedbackState


def numbers() -> dict[str, Any]:
    """What the prose says about the model and the default story, measured when the site is built."""
    state = FeedbackState()
    config = lab.model().config
    told = state.tell(choices=())
    fork = state.kept()[0]
    other = state.tell(choices=fork)
    at, token = fork[0]
    run = story.work(config, len(state.tokens()), state.step)
    whole, narrow = told, state.tell(choices=(), window=state.window)
    parted = story.first_difference([t.token for t in whole], [t.token for t in narrow])
    part = whole[parted or 0]
    sums = working.measure(state.sums)[0][-1]
    return {
        "n_params": f"{lab.model().n_params:,}",
        "n_layers": config.n_layers,
        "n_ctx": config.n_ctx,
        "turns": state.step,
        "fork_turn": at + 1,
        "was": lab.tokenizer().display(told[at].token),
        "p_was": percent(float(told[at].final[told[at].token])),
        "other": lab.tokenizer().display(token),
        "differ": story.how_many_differ(told[at:], other[at:]),
        "n_both": state.step - at,
        "odds": one_in(story.log_probability(told)),
        "n_sums": state.sums,
        "answer_first": percent(sums.answer_first.share),
        "answer_share": sums.answer_first.share,
        "working_first": percent(sums.working_first.share),
        "after_wrong": percent(sums.after_wrong.share),
        "gave_in": percent(sums.gave_in.share),
        "work_kept": millions(sum(w.cached for w in run)),
        "work_anew": millions(sum(w.uncached for w in run)),
        "work_ratio": number(sum(w.uncached for w in run) / sum(w.cached for w in run), 2),
        "kept_numbers": f"{story.kept_per_token(config):,}",
        "window": state.window,
        "parted": parted is not None,
        "part_turn": (parted or 0) + 1,
        "part_whole": lab.tokenizer().display(part.token),
        "part_p_whole": percent(float(part.final[part.token])),
        "part_narrow": lab.tokenizer().display(narrow[parted or 0].token),
        "part_p_narrow": percent(float(narrow[parted or 0].final[part.token])),
    }
