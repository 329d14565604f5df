"""/paths/: how long can it think before it has to write?"""

from __future__ import annotations

from math import comb
from typing import Any

import param

from explainer import influence, lab, working
from explainer.ops import softmax
from explainer.paths import letter, longest_with_feedback, path_length
from explainer.state import PageState
from explainer.views.html import number, percent
from explainer.views.page import Page
from explainer.views.paths_cones import PathCount, Paths, magnitude
from explainer.views.paths_depth import Depth
from explainer.views.paths_feedback import PathFeedback
from explainer.views.paths_grid import names_of, read_node
from explainer.views.paths_lengths import PathLengths
from explainer.views.paths_measured import PathGradients, PathPerturb
from explainer.views.paths_scratchpad import PathScratchpad

MOST = 14  # columns drawn, the start token included
MOST_WRITTEN = 6


class PathsState(PageState):
    prompt = param.String(default="Once there was a brave girl named Lily. She had", label="Prompt")
    node = param.String(
        default="6.2", label="node", doc="position.layers, like 2.2; 2.1.5 is half-way, after attention"
    )
    sublayers = param.Boolean(default=False, label="attention and MLP apart")
    tokens = param.Integer(default=12, bounds=(1, 2048), label="tokens")
    layers = param.Integer(default=4, bounds=(1, 96), label="layers")
    written = param.Integer(default=3, bounds=(0, MOST_WRITTEN), label="tokens written")
    feedback = param.Boolean(default=True, label="feedback")
    terms = param.String(default="4 6 7 8", label="numbers to add")
    source = param.Integer(default=8, bounds=(0, None), label="earlier token")
    replace = param.String(default=" Ben", label="replacement")
    target = param.Integer(default=11, bounds=(0, None), label="later token")
    early = param.Integer(default=1, bounds=(0, None), label="first token")
    late = param.Integer(default=11, bounds=(0, None), label="second token")
    kernel = param.Integer(default=3, bounds=(2, 6), label="kernel")

    def text(self) -> tuple[int, ...]:
        """The tokens that are drawn: the prompt's, the start token first."""
        return lab.tokens_of(self.prompt)[:MOST]

    def limits(self) -> dict[str, tuple[int, int, str]]:
        last = len(self.text()) - 1
        return {
            "source": (0, last, "token"),
            "target": (min(1, last), last, "token"),
            "early": (0, last, "token"),
            "late": (0, last, "token"),
        }

    def chosen(self) -> tuple[int, float]:
        """The pinned node as (position, height), moved into the grid if the text or the layers do not reach there."""
        position, height = read_node(self.node)
        height = min(height, lab.model().config.n_layers)
        return min(position, len(self.text()) - 1), height if self.sublayers else float(int(height))

    def replacement(self) -> tuple[int, str]:
        """The token that replaces the source token, and a remark if the text for it is not one token."""
        tokenizer = lab.tokenizer()
        spaced = tokenizer.token_bytes(self.text()[self.source]).startswith(b" ")
        wanted = self.replace
        ids = tokenizer.encode(wanted)
        if spaced and not wanted.startswith(" ") and len(tokenizer.encode(" " + wanted)) <= len(ids):
            ids = tokenizer.encode(" " + wanted)
        if not ids:
            return tokenizer.end_id, " (nothing was typed: the start token)"
        return ids[0], "" if len(ids) == 1 else f" (the first of {len(ids)}: other columns keep their place)"

    def numbers_to_add(self) -> tuple[int, ...]:
        """The digits of the sum; what `clean` let through is always a sum."""
        return working.parse_terms(self.terms)

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        if "prompt" in wanted:
            n = len(lab.tokens_of(wanted["prompt"]))
            if n > MOST:
                messages["prompt"] = (
                    f"This page draws {MOST} tokens at most; your text has {n:,}. The first {MOST} are shown."
                )
        for name, read in (("node", read_node), ("terms", working.parse_terms)):
            try:
                read(wanted.get(name, getattr(self, name)))
            except ValueError as problem:
                messages[name] = str(problem)
                del wanted[name]


def numbers() -> dict[str, Any]:
    """What the prose says about this model, measured when the site is built."""
    state = PathsState()
    tokens, config = state.text(), lab.model().config
    names, n, layers = names_of(tokens), len(tokens), config.n_layers
    before = lab.trace(tokens)
    after = lab.trace(influence.replaced(tokens, state.source, state.replacement()[0]))
    graph, cones = influence.grid(n, layers), influence.cones((n, layers, False, 0))
    cone = cones.influences[cones.index(0, state.source)].bit_count()
    shift = influence.prediction_change(before, after)
    asks = int(shift.argmax())
    was, became = (softmax(t["logits"][asks].astype("float64")) for t in (before, after))
    likely = int(was.argmax())
    whole = next(v for v in influence.variants() if v.model == lab.STORYTELLER and not v.removed)
    cut = next(v for v in influence.variants() if v.removed == 1)
    scores = {
        order: [influence.score_of_sums(lab.STORYTELLER, k, order) for k in range(working.FEWEST, working.MOST + 1)]
        for order in influence.ORDERS
    }
    sums = {order: (sum(s.right for s in each), sum(s.of for s in each)) for order, each in scores.items()}
    small, smallest = influence.family()[0]
    small_scores = [influence.score_of_sums(smallest, k, "working") for k in range(working.FEWEST, working.MOST + 1)]
    attempt = working.attempt(state.numbers_to_add(), "working")
    waited = (influence.answer_span(attempt) or (len(attempt.written), 0))[0]
    paths_of = lambda tokens, layers: magnitude(comb(tokens + layers - 1, layers))  # noqa: E731
    position, height = state.chosen()
    return {
        "n": n,
        "layers": layers,
        "twice": 2 * layers,
        "context": config.n_ctx,
        "width": config.d_model,
        "node": f"{letter(position)}{int(height)}",
        "left": f"{letter(position - 1)}{int(height)}",
        "right": f"{letter(position + 1)}{int(height) - 1}",
        "below": f"{letter(position)}{int(height) - 1}",
        "further": f"{letter(position - 1)}{int(height) - 1}",
        "paths": paths_of(n, layers),
        "paths_full": paths_of(config.n_ctx, layers),
        "paths_gpt3": paths_of(2048, 96),
        "written": state.written,
        "written_steps": longest_with_feedback(layers, state.written),
        "per_token": layers + 1,
        "old": names[state.source],
        "new": names_of([state.replacement()[0]])[0],
        "nodes": graph.n * graph.levels,
        "inside": cone,
        "outside": graph.n * graph.levels - cone,
        "asked": names[asks],
        "next": lab.tokenizer().display(likely),
        "chance_before": percent(float(was[likely])),
        "chance_after": percent(float(became[likely])),
        "moved": percent(float(shift[asks])),
        "working_right": f"{sums['working'][0]} of {sums['working'][1]}",
        "answer_right": f"{sums['answer'][0]} of {sums['answer'][1]}",
        "small": f"{small} layer{'s' * (small > 1)}",
        "small_right": f"{sum(x.right for x in small_scores)} of {sum(x.of for x in small_scores)}",
        "terms": " + ".join(map(str, state.numbers_to_add())),
        "waited": waited,
        "waited_steps": longest_with_feedback(layers, waited),
        "accuracy_whole": percent(influence.held_out(whole).accuracy),
        "accuracy_cut": percent(influence.held_out(cut).accuracy),
        "accuracy_kept": percent(influence.held_out(cut).accuracy / influence.held_out(whole).accuracy),
        "loss_whole": number(influence.held_out(whole).cross_entropy),
        "loss_cut": number(influence.held_out(cut).cross_entropy),
        "loss_times": number(influence.held_out(cut).cross_entropy / influence.held_out(whole).cross_entropy, 2),
        "floor": number(influence.held_out_floor()),
        "predictions": f"{influence.held_out(whole).n_tokens:,}",
        "far": state.late - state.early,
        "rnn": path_length("rnn", state.late - state.early),
        "cnn": path_length("cnn", state.late - state.early, state.kernel),
        "dilated": path_length("dilated cnn", state.late - state.early, state.kernel),
        "kernel": state.kernel,
    }


PAGE = Page(
    name="paths",
    title="Paths",
    question="How long can it think before it has to write?",
    state=PathsState,
    widgets=(Paths, PathCount, PathFeedback, PathScratchpad, PathPerturb, PathGradients, PathLengths, Depth),
    numbers=numbers,
)
