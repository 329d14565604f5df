"""What the prose of /tokens/ says in numbers: of merges, of the vocabularies and of the two alphabets."""

from __future__ import annotations

from typing import Any

from explainer.corpus.held_out import Mean
from explainer.live import alphabets as live
from explainer.models.vocabularies import NAMES
from explainer.ui.html import nats, percent

from .facts import alphabets, cutting, merging
from .page import TokensState
from .views.alphabets import OTHERS
from .views.cutting import CASES
from .views.parts import display

YEARS = (1800, 2050)


def numbers() -> dict[str, Any]:
    """All of them."""
    return {**of_merges(), **of_vocabularies(), **of_digits(), **of_alphabets()}


def of_merges() -> dict[str, Any]:
    text = TokensState().prompt
    first, sizes = merging.learned(text)[0], merging.sizes(text)
    return {
        "m_left": display(first.left),
        "m_right": display(first.right),
        "m_count": first.count,
        "m_bytes": sizes[0],
        "m_all": len(sizes) - 1,
        "m_end": sizes[-1],
    }


def of_vocabularies() -> dict[str, Any]:
    sample, cases = TokensState().prompt, dict(CASES)
    found = {name: cutting.in_vocabulary(name) for name in NAMES}
    found_cuts = {name: cutting.cut(sample, name) for name in NAMES}
    emoji, thai = cases["an emoji of three"], cases["Thai"]
    lost = [b for b in found["smollm2"].missing if cutting.valid(b)]
    word = cutting.cut(" strawberry", "smollm2")
    said: dict[str, Any] = {
        "v_emoji_bytes": len(emoji.encode()),
        "v_emoji_code": len(emoji),
        "v_emoji_gpt": len(cutting.cut(emoji, "gpt-2").ids),
        "v_thai_letters": len(thai),
        "v_thai_bytes": len(thai.encode()),
        "v_thai_gpt": len(cutting.cut(thai, "gpt-2").ids),
        "v_missing": len(found["smollm2"].missing),
        "v_never": len(found["smollm2"].missing) - len(lost),
        "v_lost": len(lost),
        "v_lost_controls": len([b for b in lost if b < 0x80]),
        "v_lost_leads": len([b for b in lost if b >= 0x80]),
        "v_longest_gpt": found["gpt-2"].longest,
        "v_longest_smol": found["smollm2"].longest,
        "v_halves_gpt": found["gpt-2"].halves,
        "v_berry": len(word.ids),
        "v_berry_id": f"{word.ids[0]:,}",
        "v_complete": not found["storyteller"].missing and not found["gpt-2"].missing,
    }
    for name, key in (("storyteller", "own"), ("smollm2", "smol"), ("gpt-2", "gpt")):
        said |= {f"v_{key}": f"{found[name].size:,}", f"v_{key}_text": len(found_cuts[name].ids)}
    return said


def of_digits() -> dict[str, Any]:
    four, five = (cutting.patterns("gpt-2", n) for n in (4, 5))
    all_four, all_five = sum(four.values()), sum(five.values())
    single = {name: set(cutting.patterns(name, 4)) == {(1, 1, 1, 1)} for name in ("storyteller", "smollm2")}
    return {
        "d_ways_four": len(four),
        "d_whole_four": four.get((4,), 0),
        "d_all_four": f"{all_four:,}",
        "d_years": cutting.whole_numbers("gpt-2", *YEARS),
        "d_first_year": YEARS[0],
        "d_last_year": YEARS[1],
        "d_best_four": " + ".join(map(str, next(iter(four)))),
        "d_share_four": percent(next(iter(four.values())) / all_four),
        "d_ways_five": len(five),
        "d_share_five": percent(next(iter(five.values())) / all_five),
        "d_single": all(single.values()),
    }


def of_alphabets() -> dict[str, Any]:
    floor = live.per_byte(alphabets.floor())
    pieces, computed, read = alphabets.everyone()
    return {
        "a_floor": nats(floor.value),
        "a_documents": floor.documents,
        "a_bytes": f"{floor.tokens:,}",
        "a_seeds": len(live.SEEDS),
        "a_steps": f"{live.STEPS:,}",
        "a_weights_pieces": f"{pieces.weights:,}",
        "a_weights_bytes": f"{read.weights:,}",
        "a_pieces": nats(pieces.middle),
        "a_compute": nats(computed.middle),
        "a_text": nats(read.middle),
        "a_over_pieces": over(pieces.over),
        "a_over_compute": over(computed.over),
        "a_over_text": over(read.over),
        "a_mid_pieces": nats(pieces.over_middle),
        "a_mid_compute": nats(computed.over_middle),
        "a_mid_text": nats(read.over_middle),
        "a_times": f"{read.multiplications / pieces.multiplications:.1f}",
        "a_share_text": percent(computed.text / pieces.text),
        "a_mb": f"{pieces.text / 1e6:.1f}",
        "a_multiplications": f"{pieces.multiplications / 1e12:.1f}",
        "a_window_pieces": live.window("pieces"),
        "a_window_bytes": live.window("bytes"),
        "a_text_better": read.over_middle < pieces.over_middle,
        "a_text_apart": clear(read.over, pieces.over),
        "a_compute_worse": min(m.value for m in computed.over) > max(m.value for m in pieces.over),
        **of_stories(),
    }


def of_stories() -> dict[str, Any]:
    """What other stories cost more than the first."""
    found: dict[str, Any] = {}
    first, *others = (alphabets.priced(text) for _, text in OTHERS)
    for key, other in zip(("slip", "new"), others, strict=True):
        more = [sum(a) - sum(b) for a, b in ((other.by_piece, first.by_piece), (other.by_byte, first.by_byte))]
        found |= {f"s_{key}_pieces": nats(more[0]), f"s_{key}_bytes": nats(more[1]), f"s_{key}_less": more[1] < more[0]}
    return found


def over(found: tuple[Mean, ...]) -> str:
    """What is over the floor, from the lowest to the highest seed."""
    values = sorted(m.value for m in found)
    return f"{nats(values[0])} to {nats(values[-1])}"


def clear(one: tuple[Mean, ...], other: tuple[Mean, ...]) -> bool:
    """Whether all seeds of one kind lie on the same side of all seeds of the other."""
    a, b = ([m.value for m in found] for found in (one, other))
    return max(a) < min(b) or max(b) < min(a)
