"""The card of the real language model for people: weights/smollm2-135m.md."""

from __future__ import annotations

from typing import Any

CALLED = {
    "induction": "induction",
    "duplicate": "duplicate token",
    "previous_token": "previous token",
    "first_token": "first-token sink",
    "local": "local",
    "other": "other",
}


def between(mean: dict[str, float], percent: bool = True) -> str:
    """A mean with its interval."""
    if percent:
        return f"{mean['mean']:.1%} ({mean['low']:.1%} to {mean['high']:.1%})"
    return f"{mean['mean']:.2f} ({mean['low']:.2f} to {mean['high']:.2f})"


def readable(card: dict[str, Any], circuit: dict[str, Any]) -> str:
    """card, circuit: what `explainer.training.real` has measured"""
    return "\n".join([*head(card), *roles(card["roles"]), *the_circuit(circuit), *repetition(card["repetition"]), ""])


def head(card: dict[str, Any]) -> list[str]:
    return [
        f"# {card['title']}, as this project runs it",
        "",
        "Written by `python -m explainer.training.real`; do not edit. Nothing was trained here: the model is Hugging "
        "Face’s (Apache-2.0).",
        "",
        f"- **File**: `{card['file']}`, sha256 `{card['sha256']}`.",
        "- **Intervals** are 95 %, by drawing whole texts or prompts anew from those that were measured. They say "
        "nothing about texts of another kind.",
        "- **Layers and heads** count from 0.",
        "",
    ]


def roles(found: dict[str, Any]) -> list[str]:
    """Which head does what, by rules that anybody can apply."""
    of = {"random": "rows of random tokens, said twice", "texts": "texts"}
    passing = {**found["passing"], "other": ""}
    rules = {rule["role"]: rule for rule in found["rules"]}
    scores = found["scores"]["random"]["induction"]["mean"]
    every = [(scores[i][h], i, h) for i in range(len(scores)) for h in range(len(scores[0]))]
    best = ", ".join(f"{i}.{h} {score:.2f}" for score, i, h in sorted(every, reverse=True)[:12])
    lines = [
        "## Roles of its heads",
        "",
        f"Scores are mean shares of attention. Random: {found['random']['rows']} rows of "
        f"{found['random']['length']} tokens twice, {found['random']['seeds']} seeds. Texts: {found['texts']['n']} "
        f"of English and code, {found['texts']['tokens']} tokens in all, in `explainer/training/real.py`; queries from "
        f"place {found['first_query']} on. Local: the query and the {found['near'] - 1} tokens before it. A head has "
        "the first role of this list whose score it reaches.",
        "",
        "| role | measured on | from | heads | of these, interval above it | heads that reach it |",
        "|---|---|---|---|---|---|",
    ]
    for role, name in CALLED.items():
        rule = rules.get(role)
        where = f"{of[rule['sample']]} | {rule['least']}" if rule else "| "
        surely = found["surely"].get(role, "")
        lines.append(f"| {name} | {where} | {found['counts'][role]} | {surely} | {passing[role]} |")
    return [*lines, "", f"The twelve highest induction (prefix-matching) scores: {best}.", ""]


def the_circuit(found: dict[str, Any]) -> list[str]:
    """The indirect object."""
    n = found["sample"]["prompts"]
    lines = [
        "## Who gets the drink?",
        "",
        f"{n} prompts of {len(found['sample']['frames'])} frames (seed {found['sample']['seed']}), such as *"
        f"{found['example']['prompt']}*: the due name is the likeliest next token in {found['right']}; its mean chance "
        f"{between(found['chance'])}; its lead over the other, a difference of logits, "
        f"{between(found['lead'], percent=False)}, and {between(found['exchanged'], percent=False)} when the giver is "
        "exchanged for the other name.",
        "",
        "Every head’s output at the last token, by itself, taken from the exchanged text (activation patching): the "
        "share of that way that the lead moves. Straight: what goes to the logits by itself. Queries: what goes "
        "through the queries of later heads among "
        + ", ".join(f"{i}.{h}" for i, h in found["movers"])
        + " (path patching). "
        "The heads were chosen on the same prompts.",
        "",
        "| head | carries | straight | through queries | reads the due name | reads the giver | writes to the due "
        "name, logits | writes to the giver | lead with it off |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for h in found["heads"]:
        cells = [between(h["carries"]), between(h["straight"]), between(h["queries"])]
        cells += [f"{h['reads'][place]['mean']:.0%}" for place in ("due", "giver")]
        cells += [between(h["writes"][name], percent=False) for name in ("due", "rival")]
        lines.append(f"| {h['layer']}.{h['head']} | {' | '.join(cells)} | {between(h['off'], percent=False)} |")
    off = found["off"]
    names = {
        "towards": "those that carry towards the due name",
        "against": "those that work against it",
        "all": "all of the table",
        "others": f"as many others ({found['company']} draws)",
    }
    return [
        *lines,
        "",
        f"All of them at once: {between(found['together'])}; as many others of layers as high: "
        f"{between(found['others_together'])}. At the giver itself, of {2 * len(found['at_giver'])} heads that were "
        "tried there: "
        + ", ".join(f"{g['layer']}.{g['head']} {between(g['carries'])}" for g in found["at_giver"][:3])
        + ".",
        "",
        "| switched off in the whole text (their outputs are 0) | heads | lead | chance of the due name |",
        "|---|---|---|---|",
        *(
            f"| {names[name]} | {x['heads']} | {between(x['lead'], percent=False)} | {between(x['chance'])} |"
            for name, x in off.items()
        ),
        "",
        f"Of the {found['slopes']['shown']} heads that carry most, the {found['slopes']['tried']} with the largest "
        f"slope hold {between(found['slopes']['found'])}: so pages patch only these.",
        "",
    ]


def repetition(found: dict[str, Any]) -> list[str]:
    """Does it repeat itself?"""
    return [
        "## Repetition",
        "",
        f"{found['texts']} texts of {found['length']} tokens for each temperature ({len(found['openings'])} openings, "
        f"{found['seeds']} seeds, no cuts; a text ends early at an end token): the share of its {found['gram']}-grams "
        "that stood before in the same text, and of texts that end in a loop (three rounds or more). Intervals over "
        "openings.",
        "",
        "| T | repeated | ends in a loop | mean length | different texts |",
        "|---|---|---|---|---|",
        *(
            f"| {x['temperature']:g} | {between(x['repeated'])} | {between(x['loops'])} | {x['length']:.0f} | "
            f"{x['different']} of {found['texts']} |"
            for x in found["by_temperature"]
        ),
    ]
