"""What the prose of /machines/ says in numbers, as counted."""

from __future__ import annotations

from typing import Any

from explainer.live import memory as kept_models
from explainer.live.memory import TRAINED
from explainer.ui.html import number, percent

from .facts import adding, addressing, automata, by_hand, inside, memory, turing

RANDOM = 100  # models with random weights
RULE_ROWS = 3  # rows that each of the 256 rules writes
RANDOM_ROWS = 10
LONGEST_SUM = 8  # digits
SUMS = 200
FULL = kept_models.SLOTS - 1  # words that fill the memory: one slot is where the heads begin


def numbers() -> dict[str, Any]:
    """What the prose says about machines made by hand, and about weights at random."""
    cells, wrong, largest = automata.all_rules(RULE_ROWS)
    kinds = automata.random_kinds(RANDOM, RANDOM_ROWS)
    tried, idle = turing.taken_out("palindrome")
    words = {name: turing.tried(name, turing.LONGEST) for name in ("palindrome", "increment")}
    beaver = turing.log("beaver", "")
    machine = turing.ready("palindrome")
    ones = sum(symbol == "1" for symbol in beaver.moments[-1].tape.values())
    lost = addressing.first_lost(addressing.SEARCHED)
    sums = [adding.share_right(n, SUMS) for n in range(1, LONGEST_SUM + 1)]
    sure = next((n for n, (_, hard) in enumerate(sums) if hard < 1), LONGEST_SUM)
    columns, once, never = inside.counted()
    return {
        "inside_least": percent(inside.LEAST),
        "inside_columns": columns,
        "inside_once": once,
        "inside_never": never,
        "width": automata.WIDTH,
        "rules": automata.RULES,
        "all_cells": f"{cells:,}",
        "all_wrong": "none" if not wrong else f"{wrong:,}",
        "all_right": wrong == 0,
        "all_error": number(largest),
        "universal": ", ".join(map(str, automata.UNIVERSAL[:-1])) + f" and {automata.UNIVERSAL[-1]}",
        "n_universal": len(automata.UNIVERSAL),
        "random": RANDOM,
        "one_colour": kinds["one colour"],
        "stripes": kinds["stripes"],
        "more": kinds["something else"],
        "states": len(turing.PROGRAMS["palindrome"].states),
        "lines": len(turing.PROGRAMS["palindrome"].lines),
        "tokens": machine.model.config.n_vocab,
        "nonzero": f"{by_hand.count(machine):,}",
        "all_weights": f"{machine.model.n_params:,}",
        "words": f"{words['palindrome'][0]:,}",
        "longest": turing.LONGEST,
        "words_right": all(tried == right for tried, right in words.values()),
        "palindromes": f"{words['palindrome'][1]:,}",
        "sums_right": f"{words['increment'][1]:,}",
        "out": tried,
        "out_words": len(turing.WORDS),
        "out_idle": idle,
        "beaver_steps": beaver.steps,
        "beaver_ones": ones,
        "cells": turing.CELLS,
        "context": turing.CONTEXT,
        "lost": f"{lost:,}" if lost else "",
        "beyond": f"{lost + 1:,}" if lost else "",
        "square": f"{(lost + 1) ** 2:,}" if lost else "",
        "bits": addressing.BITS,
        "about_lost": f"{round(lost, -3):,}" if lost else "",
        "about_whole": f"{2**addressing.BITS / 1e6:.0f} million",
        "most_whole": f"{2**addressing.BITS:,}",
        "forgotten": f"{addressing.forgotten(addressing.SEARCHED) or 0:,}",
        "sharp": f"{turing.SHARP:,.0f}",
        "slope": f"{turing.SLOPE:g}",
        "sum_sure": sure,
        "sum_next": sure + 1,
        "sum_next_hard": percent(sums[sure][1] if sure < LONGEST_SUM else 1.0),
        "sum_random": "all" if min(drawn for drawn, _ in sums) == 1 else percent(min(drawn for drawn, _ in sums)),
        "sum_tried": SUMS,
        "sum_longest": LONGEST_SUM,
        **copying(),
    }


TWICE = 20  # words: twice the longest sequence of training


def copying() -> dict[str, Any]:
    """What the prose says about the machines that were trained to copy."""
    shown = {kind: memory.names(kind)[memory.SHOWN] for kind in ("ntm", *kept_models.POSITIONS)}
    whole = {
        kind: {n: memory.whole(name, n) for n in (TRAINED, TRAINED + 1, TWICE, FULL)} for kind, name in shown.items()
    }
    seeds = memory.names("ntm")
    full = [
        memory.whole(name, FULL).share for name in seeds if memory.whole(name, TRAINED).share >= kept_models.LEARNED
    ]
    found: dict[str, Any] = {
        "copy_trained": TRAINED,
        "copy_one_more": TRAINED + 1,
        "copy_twice": TWICE,
        "copy_full": FULL,
        "copy_slots": kept_models.SLOTS,
        "copy_bits": kept_models.WORD,
        "copy_width": kept_models.NTM.d_slot,
        "copy_controller": kept_models.NTM.d_controller,
        "copy_sequences": kept_models.SEQUENCES,
        "copy_seeds": len(seeds),
        "copy_tape_seeds": len(kept_models.TAPE_SEEDS),
        "copy_learned": memory.learned("ntm"),
        "copy_full_low": percent(min(full)),
        "copy_full_high": percent(max(full)),
        "copy_weights": f"{sum(v.size for v in kept_models.ntm_params(memory.SHOWN).values()):,}",
        "copy_tape_weights": f"{kept_models.tape_net('rope', memory.SHOWN).size:,}",
        "copy_examples": examples(shown["ntm"]),
        "copy_tape_examples": examples(shown["rope"]),
    }
    ways = [memory.way(seed, TWICE) for seed in kept_models.NTM_SEEDS]
    found |= {
        "copy_forth": sum(move > 0 for move, _ in ways),
        "copy_back": sum(move < 0 for move, _ in ways),
        "copy_follow": sum(follows for _, follows in ways),
        "copy_direction": "on" if ways[memory.SHOWN][0] > 0 else "back",
    }
    for kind in kept_models.POSITIONS:
        found[f"copy_learned_{kind}"] = memory.learned(kind)
    for name, at in whole.items():
        for key, n in (("", TRAINED), ("_more", TRAINED + 1), ("_twice", TWICE), ("_full", FULL)):
            found[f"copy_{'learned_places' if name == 'learned' else name}{key}"] = percent(at[n].share)
    return found


def examples(name: str) -> str:
    """How many sequences a kept model has seen in training."""
    notes = kept_models.notes(name)
    return f"{int(notes['steps']) * int(notes['batch']):,}"
