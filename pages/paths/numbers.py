"""What the prose of /paths/ says about this model."""

from __future__ import annotations

import math
from typing import Any

from explainer.kernel.paths import letter, longest_with_feedback, path_length, paths_to
from explainer.kernel.sampling import distribution
from explainer.models import lab
from explainer.studies import debate, influence, working
from explainer.ui.html import how_many, number, percent
from explainer.ui.parts.grid import names_of

from .page import PathsState
from .views.cones import EXAMPLE, magnitude


def sup(number: int) -> str:
    """A whole number as an exponent, in HTML."""
    return f"<sup>{number}</sup>"


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
    was, became = (distribution(t["logits"][asks], 1.0) for t in (before, after))
    likely = int(was.argmax())
    whole = next(v for v in influence.variants() if v.model == lab.STORYTELLER and not v.removed)
    cut = next(v for v in influence.variants() if v.removed == 1)
    sums = {order: working.score(lab.STORYTELLER, order) for order in (*influence.ORDERS, *working.HANDED)}
    large = {order: working.score_large(lab.STORYTELLER, order) for order in ("working", working.GIVEN)}
    led = {order: working.score(lab.STORYTELLER, order, led=True) for order in (working.SHORT, working.FORGED)}
    at_once = [(how_many(n, "layer"), working.score(name, "answer")) for n, name in influence.family()]
    whole_model, cut_model = influence.held_out(whole), influence.held_out(cut)
    small, smallest = influence.family()[0]
    small_score = working.score(smallest, "working")
    attempt = working.attempt(state.numbers_to_add(), "working")
    waited = (influence.answer_span(attempt) or (len(attempt.written), 0))[0]
    position, height = state.chosen()
    place = EXAMPLE
    column = letter(place.position), letter(place.position - 1), letter(place.position + 1)
    ever, never = debate.loss()
    return {
        "bet_pull": percent(debate.pull_elsewhere(tokens)),
        "bet_with": number(ever.value),
        "bet_without": number(never.value),
        "bet_with_interval": f"{number(ever.low)} to {number(ever.high)}",
        "bet_without_interval": f"{number(never.low)} to {number(never.high)}",
        "bet_documents": ever.documents,
        "in_all": working.IN_ALL,
        "short_right": sums[working.SHORT].right,
        "n": n,
        "layers": layers,
        "twice": 2 * layers,
        "context": config.n_ctx,
        "width": config.d_model,
        "node": f"{letter(position)}{int(height)}",
        "c_node": f"{column[0]}{place.level}",
        "c_left": f"{column[1]}{place.level}",
        "c_further": f"{column[1]}{place.level - 1}",
        "c_right": f"{column[2]}{place.level - 1}",
        "c_up": f"{column[0]}{place.level + 1}",
        "c_up_left": f"{column[1]}{place.level + 1}",
        "paths": magnitude(paths_to(n, layers), sup),
        "factorial": math.factorial(layers),
        "paths_full": magnitude(paths_to(config.n_ctx, layers), sup),
        "paths_gpt3": magnitude(paths_to(2048, 96), sup),
        "written": state.written,
        "written_steps": longest_with_feedback(layers, state.written),
        "per_token": longest_with_feedback(layers, 1) - longest_with_feedback(layers, 0),
        "old": names[state.source],
        "new": names_of([state.replacement()[0]])[0],
        "nodes": graph.n * graph.levels,
        "can_read": cones.reads[cones.index(int(height), position)].bit_count() - 1,
        "can_influence": cones.influences[cones.index(int(height), position)].bit_count() - 1,
        "inside": cone,
        "outside": graph.n * graph.levels - cone,
        "asked": names[asks],
        "next": lab.tokenizer().display(likely),
        "chance_before": percent(float(was[likely])),
        "chance_after": percent(float(became[likely])),
        "moved": percent(float(shift[asks])),
        "moves": bool(shift[asks] > 0.1),
        "working_right": f"{sums['working'].right} of {sums['working'].of}",
        "answer_right": f"{sums['answer'].right} of {sums['answer'].of}",
        "given_right": f"{sums[working.GIVEN].right} of {sums[working.GIVEN].of}",
        "given_matches": sums[working.GIVEN].share > 0.9
        and sums[working.GIVEN].interval[1] >= sums["working"].interval[0],
        "largest": max(sum(terms) for n in range(working.FEWEST, working.MOST + 1) for terms in working.sums(n)),
        "large": working.LARGE,
        "large_n": large["working"].of,
        "large_right": large["working"].right or "none",
        "large_given": large[working.GIVEN].right or "none",
        "large_share": large["working"].share,
        "unfinished_right": f"{sums[working.UNFINISHED].right} of {sums[working.UNFINISHED].of}",
        "short_copied": f"{led[working.SHORT].right} of {led[working.SHORT].of}",
        "short_led": led[working.SHORT].share > 0.5,
        "forgery": working.FORGERY,
        "forged_bent": f"{led[working.FORGED].right} of {led[working.FORGED].of}",
        "forged_right": sums[working.FORGED].right,
        "forged_led": led[working.FORGED].share > 0.5,
        "by_depth": ", ".join(f"{name} {score.right} of {score.of}" for name, score in at_once),
        "deeper_worse": at_once[-1][1].right < max(score.right for _, score in at_once),
        "small": how_many(small, "layer"),
        "small_right": f"{small_score.right} of {small_score.of}",
        "terms": " + ".join(map(str, state.numbers_to_add())),
        "waited": waited,
        "waited_steps": longest_with_feedback(layers, waited),
        "accuracy_whole": percent(whole_model.accuracy.value),
        "accuracy_cut": percent(cut_model.accuracy.value),
        "both_suffer": cut_model.accuracy.high < whole_model.accuracy.low
        and cut_model.cross_entropy.low > whole_model.cross_entropy.high,
        "loss_suffers": cut_model.cross_entropy.low > whole_model.cross_entropy.high,
        "loss_whole": number(whole_model.cross_entropy.value),
        "loss_cut": number(cut_model.cross_entropy.value),
        "floor": number(influence.held_out_floor().cross_entropy.value),
        "predictions": f"{whole_model.cross_entropy.tokens:,}",
        "far": state.late - state.early,
        "rnn": path_length("rnn", state.late - state.early),
        "cnn": path_length("cnn", state.late - state.early, state.kernel),
        "dilated": path_length("dilated cnn", state.late - state.early, state.kernel),
        "kernel": state.kernel,
    }
