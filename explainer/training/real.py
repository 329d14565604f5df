"""python -m explainer.training.real            the whole card of SmolLM2-135M (about an hour of one core)
   python -m explainer.training.real roles      one part of it: roles, repetition, circuit, example

Measures the real language model as pages run it, the file of `_cache/real/`, and writes its card:
weights/smollm2-135m.json (roles of heads, repetition), weights/smollm2-135m-circuit.json (what /attention/ shows of the
circuit while that model is not loaded) and, for people, weights/smollm2-135m.md. Nothing is trained here, and torch is
not needed. Same file, same numbers, but for the last digits of another processor's float32.

All intervals are 95 %, by drawing whole texts anew from these (`held_out.interval`): they say how far other texts of
the same kind would have given something else, and nothing about other kinds.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from explainer.corpus import held_out
from explainer.kernel.checkpoint import WEIGHTS
from explainer.kernel.heads import CLEAR, FIRST_QUERY, NEAR, Tally, repeated_sequences
from explainer.kernel.model import forward
from explainer.kernel.sampling import Settings, distinct_n, find_loop, loop
from explainer.models import lab, registry
from explainer.studies import indirect
from explainer.training.real_card import readable

Array = np.ndarray
ENTRY = registry.MODELS["smollm2-135m"]
FILE = Path(__file__).parents[2] / "_cache" / "real" / ENTRY.file

# ---------------------------------------------------------------- roles of heads

TEXTS = (
    "The old lighthouse stood at the end of the pier, and every evening the keeper climbed its stairs with a lamp in "
    "his hand. The old lighthouse had not been painted for years, but the keeper did not mind. He liked the smell of "
    "the sea and the sound of the waves.",
    "Water boils at a lower temperature on a mountain than at the sea, because the air above it is thinner and presses "
    "less on its surface. That is why potatoes take longer to cook on a mountain, and why a pressure cooker, in which "
    "the pressure is higher, makes them soft sooner.",
    "To make the bread, mix the flour, the salt and the yeast in a bowl. Add the water and knead the dough for ten "
    "minutes. Cover the bowl and let the dough rest for an hour. Then shape it, put it in the oven and bake the bread "
    "until it is brown.",
    "def area(width, height):\n    return width * height\n\ndef volume(width, height, depth):\n    return area(width, "
    "height) * depth\n\nprint(area(2, 3))\nprint(volume(2, 3, 4))\n",
    "The council said on Monday that the bridge over the river will be closed for repairs until the end of March. "
    "Buses will take another road, and the council has asked drivers to leave their cars at home. The repairs will "
    "cost two million, a spokeswoman said.",
    "“Have you seen my keys?” asked Anna. “They are on the table,” said Tom, “where you put your keys every day.” Anna "
    "looked at the table and laughed. “I have looked everywhere but there,” she said, and took the keys.",
    "Dear Sir or Madam, I am writing about the train from Bristol to London on 12 May, which arrived two hours late. I "
    "missed a meeting because of the delay. I should like to know how the railway will pay for the delay, and to whom "
    "I should send my ticket. Yours faithfully, Peter Miller",
    "A prime number is a whole number greater than one that can be divided only by one and by itself. Two is the "
    "smallest prime number and the only even one. There is no largest prime number: from any list of prime numbers one "
    "can make a number that none of them divides.",
)
SEEDS = range(5)  # of the random sequences; four of each
RULES: tuple[tuple[str, str, str, float], ...] = (
    # role, sample, what is scored, from where on a head has it; the first that fits is a head's role
    ("induction", "random", "induction", CLEAR),
    ("duplicate", "random", "duplicate", CLEAR),
    ("previous_token", "texts", "previous_token", CLEAR),
    ("first_token", "texts", "first_token", 0.5),
    ("local", "texts", "local", 0.5),
)
SCORED = {
    "random": ("induction", "duplicate", "previous_token", "first_token"),
    "texts": ("previous_token", "first_token", "local", "duplicate", "induction"),
}


def random_rows() -> list[list[int]]:
    """Tokens drawn from all but the control tokens, 25 of them twice: only the first round says what follows."""
    words = lab.tokenizer()
    pool = [t for t in range(words.n_vocab) if not words.display(t).startswith("<")]
    return [row for seed in SEEDS for row in repeated_sequences(lab.model().config, seed, pool=pool)]


def roles() -> dict[str, Any]:
    """Every head's scores on both samples, with intervals, and its role."""
    m = lab.model()
    samples = {"random": random_rows(), "texts": [list(lab.tokens_of(text)) for text in TEXTS]}
    scores: dict[str, dict[str, Any]] = {}
    for sample, texts in samples.items():
        tallies = []
        for text in texts:
            tally = Tally(m.config, SCORED[sample])
            tally.add(forward(m.params, text, m.config), SCORED[sample])
            tallies.append(tally)
        scores[sample] = {}
        for what in SCORED[sample]:
            given = np.stack([t.given[what] for t in tallies])  # [N, L, H]
            asked = np.array([t.queries[what] for t in tallies], float)
            low, high = held_out.interval(given, asked)
            scores[sample][what] = {
                "mean": (given.sum(axis=0) / asked.sum()).tolist(),
                "low": low.tolist(),
                "high": high.tolist(),
                "chance": sum(t.uniform[what] for t in tallies) / asked.sum(),
                "queries": int(asked.sum()),
            }
    shape = (m.config.n_layers, m.config.n_heads)
    named = np.full(shape, "other", dtype=object)
    passing = {}
    for role, sample, what, least in reversed(RULES):
        found = np.array(scores[sample][what]["mean"]) >= least
        named[found] = role
        passing[role] = int(found.sum())
    counts = {role: int((named == role).sum()) for role in [*(r[0] for r in RULES), "other"]}
    surely = {
        role: int(((named == role) & (np.array(scores[sample][what]["low"]) >= least)).sum())
        for role, sample, what, least in RULES
    }
    return {
        "rules": [dict(zip(("role", "sample", "score", "least"), rule, strict=True)) for rule in RULES],
        "random": {"seeds": len(SEEDS), "rows": len(samples["random"]), "length": len(samples["random"][0]) // 2},
        "texts": {"n": len(TEXTS), "tokens": sum(map(len, samples["texts"]))},
        "first_query": FIRST_QUERY,
        "near": NEAR,
        "counts": counts,
        "surely": surely,
        "passing": passing,
        "named": named.tolist(),
        "scores": scores,
    }


# ---------------------------------------------------------------- the indirect object

FRAMES = (
    "When {A} and {B} went to the store, {S} gave a drink to",
    "Then {A} and {B} had a long talk at the office. {S} passed a note to",
    "While {A} and {B} were working in the garden, {S} handed the flowers to",
    "After {A} and {B} got home from school, {S} sent a message to",
    "Yesterday {A} and {B} were at the beach, and {S} threw the ball to",
    "The friends {A} and {B} met at a cafe. {S} offered a cup of tea to",
)
NAMES = ("Mary", "John", "David", "Sarah", "Peter", "Laura", "James", "Alice", "Mark", "Lisa", "Susan", "Robert")
SEED = 2027
EACH = 4  # prompts of each frame: as often the first name gives as the second
FEW = 8  # heads at the last token that are looked at together
COMPANY = 5  # other sets of as many heads, drawn at random from layers as high, for comparison


def prompts() -> list[str]:
    """The sample: frames with names drawn at random."""
    rng = np.random.default_rng(SEED)
    found = []
    for frame in FRAMES:
        for k in range(EACH):
            A, B = rng.choice(NAMES, 2, replace=False)
            found.append(frame.format(A=A, B=B, S=(A, B)[k % 2]))
    return found


def mean(values: Sequence[float] | Array) -> dict[str, float]:
    """A mean over prompts with its interval."""
    found = held_out.mean(np.asarray(values, float), np.ones(len(values)))
    return {"mean": found.value, "low": found.low, "high": found.high}


def circuit() -> dict[str, Any]:
    """Which heads carry the name that is due: each head patched by itself, at the last token all of them, at the giver
    those for which the slope says most in any prompt.

    The exchange is of the giver, the second of the name that stands twice, by which the other name is due. All effects
    are shares of the whole way of the lead from the one text to the other.
    """
    m = lab.model()
    shape = (m.config.n_layers, m.config.n_heads)
    every = [(i, h) for i in range(shape[0]) for h in range(shape[1])]
    said = {"right": [], "chance": [], "lead": [], "exchanged": []}  # type: dict[str, list[float]]
    last_of, earlier, straight, found_by_slope, scenes = [], [], [], [], []  # type: ignore[var-annotated]
    for number, prompt in enumerate(prompts()):
        began = time.monotonic()
        scene = indirect.scene(lab.tokens_of(prompt))
        exchanged, rival = scene.exchanged("giver")
        due = scene.tokens[scene.due]
        trace, other = lab.trace(scene.tokens), lab.trace(exchanged)
        odds = indirect.odds(scene.tokens)
        whole, gone = (indirect.lead(t["logits"][-1], due, rival) for t in (trace, other))
        said["right"].append(float(odds.argmax() == due))
        said["chance"].append(float(odds[due]))
        said["lead"].append(whole)
        said["exchanged"].append(gone)
        way = whole - gone
        scenes.append((scene, exchanged, due, rival, whole, way))
        logits = [indirect.patched(trace, other, [head], scene.last) for head in every]
        last_of.append(np.array([whole - indirect.lead(x, due, rival) for x in logits]).reshape(shape) / way)
        earlier.append(indirect.slopes(trace, other, due, rival, scene.giver) / way)
        straight.append((indirect.straight(trace, due, rival) - indirect.straight(other, due, rival)) / way)
        slopes = indirect.slopes(trace, other, due, rival)
        tried = set(np.argsort(-np.abs(slopes), axis=None)[: indirect.TRIED].tolist())
        strongest = np.argsort(-np.abs(last_of[-1]), axis=None)[: indirect.SHOWN].tolist()
        found_by_slope.append(len(tried & set(strongest)) / indirect.SHOWN)
        print(f"circuit {number + 1}/{len(prompts())}  {prompt}  {time.monotonic() - began:.0f} s", flush=True)
    last = np.stack(last_of)
    tried_there = [every[i] for i in np.argsort(-np.abs(np.stack(earlier).mean(axis=0)), axis=None)[: 2 * FEW]]
    giver: dict[indirect.Head, list[float]] = {head: [] for head in tried_there}
    order = np.argsort(-np.abs(last.mean(axis=0)), axis=None)[:FEW]
    chosen = [every[i] for i in order]
    movers = [head for head in chosen if np.stack(straight).mean(axis=0)[head] > 0.02]
    rng = np.random.default_rng(SEED)
    lowest = min(layer for layer, _ in chosen)
    pool = [(i, h) for i in range(lowest, shape[0]) for h in range(shape[1]) if (i, h) not in chosen]
    company = [[pool[k] for k in rng.choice(len(pool), FEW, replace=False)] for _ in range(COMPANY)]
    towards = [head for head in chosen if last.mean(axis=0)[head] > 0]
    together: dict[str, list[float]] = {"patched": [], "others_patched": []}
    off: dict[str, list[float]] = {"all": [], "towards": [], "against": [], "others": []}
    off_chance: dict[str, list[float]] = {name: [] for name in off}
    alone: dict[indirect.Head, list[float]] = {head: [] for head in chosen}
    queries: dict[indirect.Head, list[float]] = {head: [] for head in chosen}
    reads: dict[indirect.Head, dict[str, list[float]]] = {
        head: {place: [] for place in ("due", "first", "giver", "beginning", "itself")} for head in chosen
    }
    writes: dict[indirect.Head, dict[str, list[float]]] = {head: {"due": [], "rival": []} for head in chosen}
    against = [head for head in chosen if head not in towards]
    for scene, exchanged, due, rival, whole, way in scenes:
        trace, other = lab.trace(scene.tokens), lab.trace(exchanged)
        fall = lambda logits: (whole - indirect.lead(logits, due, rival)) / way  # noqa: E731, B023
        for head in tried_there:
            giver[head].append(fall(indirect.patched(trace, other, [head], scene.giver)))
        together["patched"].append(fall(indirect.patched(trace, other, chosen, scene.last)))
        some = [fall(indirect.patched(trace, other, heads, scene.last)) for heads in company]
        together["others_patched"].append(float(np.mean(some)))
        for name, sets in (("all", [chosen]), ("towards", [towards]), ("against", [against]), ("others", company)):
            left = [indirect.odds(scene.tokens, frozenset(heads)) for heads in sets]
            off[name].append(float(np.mean([np.log(o[due] / o[rival]) for o in left])))
            off_chance[name].append(float(np.mean([o[due] for o in left])))
        for head in chosen:
            odds_off = indirect.odds(scene.tokens, frozenset([head]))
            alone[head].append(float(np.log(odds_off[due] / odds_off[rival])))
            later = [mover for mover in movers if mover[0] > head[0]]
            queries[head].append(fall(indirect.through_queries(trace, other, head, later)) if later else 0.0)
            row = trace[f"blocks.{head[0]}.attn.pattern"][head[1], -1]
            places = {**scene.places, "beginning": 0, "itself": scene.last}
            for name, where in places.items():
                reads[head][name].append(float(row[where]))
            pool_tokens = [lab.tokenizer().encode(f" {name}")[0] for name in NAMES]
            rest = [t for t in pool_tokens if t not in (due, rival)]
            out = trace[f"blocks.{head[0]}.attn.result"][-1, head[1]] / trace["ln_final.scale"][-1]
            effect = (out * m.params["ln_final.w"]) @ m.params["unembed.W_U"][:, [due, rival, *rest]]
            writes[head]["due"].append(float(effect[0] - effect[2:].mean()))
            writes[head]["rival"].append(float(effect[1] - effect[2:].mean()))
    at_giver = sorted(tried_there, key=lambda head: -abs(np.mean(giver[head])))[:FEW]
    direct = np.stack(straight)
    return {
        "sample": {"prompts": len(scenes), "frames": list(FRAMES), "names": list(NAMES), "seed": SEED},
        "right": int(sum(said["right"])),
        "chance": mean(said["chance"]),
        "lead": mean(said["lead"]),
        "exchanged": mean(said["exchanged"]),
        "heads": [
            {
                "layer": head[0],
                "head": head[1],
                "carries": mean(last[:, head[0], head[1]]),
                "straight": mean(direct[:, head[0], head[1]]),
                "queries": mean(queries[head]),
                "off": mean(alone[head]),
                "reads": {place: mean(values) for place, values in reads[head].items()},
                "writes": {name: mean(values) for name, values in writes[head].items()},
            }
            for head in chosen
        ],
        "movers": [list(head) for head in movers],
        "at_giver": [{"layer": i, "head": h, "carries": mean(giver[i, h])} for i, h in at_giver],
        "together": mean(together["patched"]),
        "others_together": mean(together["others_patched"]),
        "company": COMPANY,
        "off": {
            name: {"heads": len(heads), "lead": mean(off[name]), "chance": mean(off_chance[name])}
            for name, heads in (("all", chosen), ("towards", towards), ("against", against), ("others", company[0]))
        },
        "slopes": {"tried": indirect.TRIED, "shown": indirect.SHOWN, "found": mean(found_by_slope)},
        "all_heads": last.mean(axis=0).tolist(),
        "all_straight": direct.mean(axis=0).tolist(),
    }


def indirect_example() -> dict[str, Any]:
    """What /attention/ shows of the first prompt of all, as the figure there computes it: a kept run."""
    prompt = "When Mary and John went to the store, John gave a drink to"
    say = lab.tokenizer().display
    found = indirect.carried(lab.tokens_of(prompt), "giver")
    odds = indirect.odds(found.scene.tokens)
    return {
        "prompt": prompt,
        "tokens": [say(t) for t in found.scene.tokens],
        "due": found.scene.due,
        "first": found.scene.first,
        "giver": found.scene.giver,
        "chances": [float(odds[found.due]), float(odds[found.rival])],
        "lead": found.lead,
        "exchanged": found.other,
        "together": found.together,
        "parts": [
            {
                "layer": p.layer,
                "head": p.head,
                "carries": p.carries,
                "straight": p.straight,
                "reads": list(p.reads),
                "off": [
                    float(indirect.odds(found.scene.tokens, frozenset([p.at]))[t]) for t in (found.due, found.rival)
                ],
            }
            for p in found.parts
        ],
    }


# ---------------------------------------------------------------- repetition

OPENINGS = (
    "The old man walked slowly down to the harbour and",
    "The most important thing to know about the history of bread is that",
    "Yesterday evening I received a letter from my sister, who",
    "There are several reasons why birds",
    "The train had just left the station when",
    "In a small village at the foot of the mountains there",
)
TEMPERATURES = (0.01, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
DRAWS = 3  # seeds for each opening and temperature
LENGTH = 100
GRAM = 4


def repetition() -> dict[str, Any]:
    """How much what it writes repeats itself, by the temperature: no cuts, full context.

    Of one opening the seeds are not independent where it is cold, so the intervals are over openings.
    """
    m = lab.model()
    found = []
    for t in TEMPERATURES:
        repeated, loops, lengths, different = ([] for _ in range(4))  # type: ignore[var-annotated]
        for opening in OPENINGS:
            texts = []
            for seed in range(DRAWS):
                tokens: list[int] = []
                for turn in loop(m, lab.tokens_of(opening), Settings(t), seed):
                    if lab.tokenizer().display(turn.token).startswith("<|"):
                        break
                    tokens.append(turn.token)
                    if len(tokens) == LENGTH:
                        break
                texts.append(tuple(tokens))
            long = [text for text in texts if len(text) >= 2 * GRAM]
            repeated.append((sum(1 - distinct_n(text, GRAM) for text in long), len(long)))
            loops.append((sum(find_loop(text) is not None for text in texts), len(texts)))
            lengths.append(np.mean([len(text) for text in texts]))
            different.append(len(set(texts)))
            said = lab.tokenizer().decode(texts[0][-30:]) if texts[0] else ""
            print(f"T = {t:g}  {repeated[-1][0] / max(1, repeated[-1][1]):.0%}  … {said!r}", flush=True)
        sums, counts = (np.array(x, float) for x in zip(*repeated, strict=True))
        cycles, of = (np.array(x, float) for x in zip(*loops, strict=True))
        share, cycle = held_out.mean(sums, counts), held_out.mean(cycles, of)
        found.append(
            {
                "temperature": t,
                "repeated": {"mean": share.value, "low": share.low, "high": share.high},
                "loops": {"mean": cycle.value, "low": cycle.low, "high": cycle.high},
                "length": float(np.mean(lengths)),
                "different": int(sum(different)),
            }
        )
    return {
        "openings": list(OPENINGS),
        "seeds": DRAWS,
        "length": LENGTH,
        "gram": GRAM,
        "texts": len(OPENINGS) * DRAWS,
        "by_temperature": found,
    }


# ---------------------------------------------------------------- the card

PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "roles": roles,
    "repetition": repetition,
    "circuit": circuit,
    "example": indirect_example,
}


def rounded(value: Any, digits: int = 5) -> Any:
    """Numbers as the card has them: so many significant digits are beyond every interval in it."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    return value


def one_line_lists(text: str) -> str:
    """JSON with each list of numbers on a line of its own."""
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r"\s*\n\s*", " ", m[1]) + "]", text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which to measure; without any, all")
    parser.add_argument("--card", action="store_true", help="write the .md only, of what was measured")
    args = parser.parse_args()
    card, ring = (WEIGHTS / f"{ENTRY.name}{what}.json" for what in ("", "-circuit"))
    known = json.loads(card.read_text(encoding="utf-8")) if card.is_file() else {}
    kept = json.loads(ring.read_text(encoding="utf-8")) if ring.is_file() else {}
    if args.card:
        (WEIGHTS / f"{ENTRY.name}.md").write_text(readable(known, kept), encoding="utf-8")
        return
    with FILE.open("rb") as file:
        lab.take(ENTRY.name, registry.load({ENTRY.file: file}, ENTRY.title))
    with lab.using(ENTRY.name):
        for part in args.parts or PARTS:
            made = rounded(PARTS[part]())
            if part == "circuit":
                known["circuit_of_all_heads"] = {"patched": made.pop("all_heads"), "straight": made.pop("all_straight")}
                kept |= made
            elif part == "example":
                kept["example"] = made
            else:
                known[part] = made
    about = {"name": ENTRY.name, "title": ENTRY.title, "file": ENTRY.file, "sha256": ENTRY.sha256}
    known |= about
    kept = kept and kept | about
    for path, value in ((card, known), (ring, kept)):
        path.write_text(one_line_lists(json.dumps(value, indent=1, ensure_ascii=False)) + "\n", encoding="utf-8")
    if {"roles", "repetition"} <= known.keys() and {"heads", "example"} <= kept.keys():
        (WEIGHTS / f"{ENTRY.name}.md").write_text(readable(known, kept), encoding="utf-8")


if __name__ == "__main__":
    main()
