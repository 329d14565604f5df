"""Model cards: weights/<name>.json for programs, weights/<name>.md for people, from the same measurements."""

from __future__ import annotations

import json
from pathlib import Path


def write_card(facts: dict, folder: Path) -> None:
    """facts: what `evaluate` returns."""
    name = facts["name"]
    (folder / f"{name}.json").write_text(json.dumps(_rounded(facts), indent=1) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(_readable(facts), encoding="utf-8")


def _rounded(value):
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return value


def _readable(facts: dict) -> str:
    m, h, n, s, b = (facts[key] for key in ("metadata", "held_out", "names", "sums", "brackets"))
    minutes = int(m.get("seconds", 0)) / 60
    threads = f"{m.get('threads', '?')} thread{'' if str(m.get('threads')) == '1' else 's'}"
    lines = [
        f"# {facts['name']}",
        "",
        "Written by `python -m explainer.training.evaluate`; do not edit.",
        "",
        f"- **What**: decoder-only transformer, {m['n_layers']} layers x {m['n_heads']} heads, d_model {m['d_model']}, "
        f"context {m['n_ctx']}, {m['n_vocab']} tokens; {facts['parameters']:,} parameters, float16, "
        f"{facts['bytes'] / 1e6:.2f} MB.",
        "- **Data**: `explainer/corpus`, drawn afresh for every batch (nothing downloaded, no real persons). Documents "
        "are short; some of the shortest come up more than once, in the held-out text too.",
        f"- **Training**: `python -m explainer.training --layers {m['n_layers']} --steps {m.get('planned_steps', '?')} "
        f"--seed {m['seed']}`; {int(m['steps']):,} steps done, {int(m.get('tokens', 0)):,} tokens, {minutes:.0f} "
        f"minutes on {threads} of a shared CPU. Muon for the matrices, AdamW for the rest.",
        f"- **Plan**: `{m.get('plan', '?')}`",
        "- **Not for**: anything but showing how transformers work. It knows this corpus and nothing else.",
        "",
        "## Held-out text",
        "",
        f"{h['tokens']:,} tokens in {h['windows']} windows (another seed than training), weights as shipped (float16). "
        "Nats per token, plus or minus 1.96 standard errors.",
        "",
        "| | nats per token |",
        "|---|---|",
        f"| model's cross-entropy | {h['loss']:.4f} ± {1.96 * h['loss_error']:.4f} |",
        f"| floor (the truth's own) on the same text | {h['floor']:.4f} ± {1.96 * h['floor_error']:.4f} |",
        f"| excess (exact divergence from the truth, averaged) | {h['excess']:.4f} ± {1.96 * h['excess_error']:.4f} |",
        f"| **over the floor** | **{h['over_floor']:.1%}** ± {1.96 * h['over_floor_error']:.1%} |",
        f"| probability on tokens that are possible at all | {h['mass_on_allowed_tokens']:.4%} |",
        "",
        "By kind of decision (forced: only one token is possible; right: the model's likeliest token is that one):",
        "",
        "| kind | share of tokens | floor | excess | share of all excess | right where forced |",
        "|---|---|---|---|---|---|",
    ]
    for kind, k in sorted(h["by_kind"].items(), key=lambda item: -item[1]["excess_share"]):
        right = "" if k["accuracy_where_forced"] is None else f"{k['accuracy_where_forced']:.1%}"
        lines.append(
            f"| {kind} | {k['share_of_tokens']:.1%} | {k['floor']:.3f} | {k['excess']:.4f} | {k['excess_share']:.0%} "
            f"| {right} |"
        )
    lines += [
        "",
        "## Invented names, where the grammar forces them",
        "",
        f"{n['names']:,} names in {n['documents']} documents: {n['all_tokens']:.1%} of their tokens right "
        f"(first syllable {n['first_syllable']:.1%}, later syllables {n['later_syllables']:.1%}); "
        f"{n['whole_names']:.1%} of whole names right.",
        "",
        f"Where copying is not enough ('The giant gave ...': which of the two names?): {n['who_is_who']:.1%} right; "
        "guessing gives 50 %. Nearly all wrong first syllables sit here.",
        "",
        "## Sums, continued greedily",
        "",
        f"Two digits, the answer at once: {s['two_digits']:.1%} of all 81.",
        "",
        "| terms | answer before the working | answer after its own working |",
        "|---|---|---|",
    ]
    for terms in ("3", "4", "5"):
        row = s[f"{terms}_terms"]
        lines.append(f"| {terms} | {row['answer_before_working']:.1%} | {row['answer_after_own_working']:.1%} |")
    depths = ", ".join(f"{d} open: {p:.2%}" for d, p in b["mass_on_allowed_by_depth"].items())
    closing = "" if b["forced_closing_right"] is None else f" Forced closings right: {b['forced_closing_right']:.1%}."
    lines += ["", "## Brackets", "", f"Probability on symbols that the grammar allows: {depths}.{closing}", ""]
    return "\n".join(lines)
