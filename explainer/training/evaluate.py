"""What a trained model can do, measured on held-out text with the weights as they ship (rounded to float16).

python -m explainer.training.evaluate storyteller-4l     writes weights/storyteller-4l.json and .md
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import torch

from explainer.corpus import KINDS, iterate_truth, sample_words, windows
from explainer.corpus import names as names_of
from explainer.corpus.lexicon import ECHO_WORDS
from explainer.kernel import checkpoint, heads
from explainer.kernel.tokenizer import Tokenizer
from explainer.studies import working
from explainer.training.card import write_card
from explainer.training.export import WEIGHTS, load
from explainer.training.torch_model import TorchTransformer
from explainer.training.train import HELD_OUT_SEED

GROUPS = 16


@torch.no_grad()
def log_probs(model: TorchTransformer, tokens: np.ndarray) -> np.ndarray:
    """[N, T] ids -> [N, T, V] log-probabilities (nats), float64."""
    parts = [model(torch.from_numpy(tokens[i : i + GROUPS])) for i in range(0, len(tokens), GROUPS)]
    return torch.cat(parts).double().log_softmax(-1).numpy()


def held_out(model: TorchTransformer, tokenizer: Tokenizer, n_windows: int) -> dict:
    """Cross-entropy of the model and of the truth on the same windows, in all and by kind of decision.

    `excess` is the mean Kullback-Leibler divergence of the model from the truth, computed from both whole
    distributions at every place: cross-entropy minus floor without the noise of the draw.
    """
    rows = windows(n_windows, HELD_OUT_SEED, tokenizer)
    truth_loss, model_loss, excess = (np.zeros((n_windows, rows.shape[1] - 1)) for _ in range(3))
    right = np.zeros(truth_loss.shape, dtype=bool)
    forced = np.zeros(truth_loss.shape, dtype=bool)
    allowed = np.zeros(truth_loss.shape)
    kinds = np.empty(truth_loss.shape, dtype=object)
    for first in range(0, n_windows, GROUPS):
        block = rows[first : first + GROUPS]
        logs = log_probs(model, block[:, :-1])
        for i, row in enumerate(block):
            for t, (odds, kind, inside_word) in enumerate(iterate_truth(row, tokenizer)):
                ids = np.fromiter(odds, dtype=int)
                p = np.fromiter(odds.values(), dtype=float)
                n = first + i
                target = row[t + 1]
                truth_loss[n, t] = -np.log(odds[target])
                model_loss[n, t] = -logs[i, t, target]
                excess[n, t] = (p * (np.log(p) - logs[i, t, ids])).sum()
                allowed[n, t] = np.exp(logs[i, t, ids]).sum()
                right[n, t] = logs[i, t].argmax() == target
                forced[n, t] = len(odds) == 1
                kinds[n, t] = "spelling" if inside_word and len(odds) == 1 and kind != "copy" else kind
    error = lambda x: float(x.mean(1).std(ddof=1) / np.sqrt(len(x)))  # noqa: E731 - windows are independent
    by_kind = {}
    for kind in (*KINDS, "spelling"):
        here = kinds == kind
        if here.any():
            sure = here & forced
            by_kind[kind] = {
                "share_of_tokens": float(here.mean()),
                "floor": float(truth_loss[here].mean()),
                "loss": float(model_loss[here].mean()),
                "excess": float(excess[here].mean()),
                "excess_share": float(excess[here].sum() / excess.sum()),
                "accuracy_where_forced": float(right[sure].mean()) if sure.any() else None,
            }
    floor = float(truth_loss.mean())
    return {
        "windows": n_windows,
        "tokens": int(truth_loss.size),
        "loss": float(model_loss.mean()),
        "loss_error": error(model_loss),
        "floor": floor,
        "floor_error": error(truth_loss),
        "excess": float(excess.mean()),
        "excess_error": error(excess),
        "over_floor": float(excess.mean() / floor),
        "over_floor_error": float(error(excess) / floor),
        "paired_difference": float((model_loss - truth_loss).mean()),
        "paired_difference_error": error(model_loss - truth_loss),
        "mass_on_allowed_tokens": float(allowed.mean()),
        "by_kind": by_kind,
    }


def names(model: TorchTransformer, tokenizer: Tokenizer, n_documents: int = 400, seed: int = 2001) -> dict:
    """Invented names where the grammar forces them: how often the likeliest token of the whole vocabulary is right.

    `first_piece`: the sentence calls for the name; `later_pieces`: the name has begun; `whole_names`: all of
    its tokens, each with the true text before it.
    """
    rng = np.random.default_rng(seed)
    rows: list[list[int]] = []
    marks: list[list[str]] = []
    while len(rows) < n_documents:
        tokens = [tokenizer.end_id]
        for word in sample_words(rng):
            tokens.extend(tokenizer.encode_word(word))
        tokens = tokens[:129]
        kinds = [kind for _, kind, _ in iterate_truth(tokens, tokenizer)]
        if "copy" in kinds:
            rows.append(tokens + [tokenizer.end_id] * (129 - len(tokens)))
            marks.append(kinds + ["end"] * (128 - len(kinds)))
    table = np.array(rows)
    best = np.concatenate(
        [log_probs(model, table[i : i + GROUPS, :-1]).argmax(-1) for i in range(0, len(table), GROUPS)]
    )
    first: list[bool] = []
    later: list[bool] = []
    whole: list[bool] = []
    for row, kinds, guess in zip(table, marks, best, strict=True):
        name: list[bool] = []
        for t, kind in enumerate(kinds):
            if kind != "copy":
                continue
            ok = guess[t] == row[t + 1]
            starts = tokenizer.token_bytes(int(row[t + 1])).startswith(b" ")
            if starts and name:
                whole.append(all(name))
                name = []
            name.append(ok)
            (first if starts else later).append(ok)
        if name:
            whole.append(all(name))
    return {
        "documents": n_documents,
        "tokens": len(first) + len(later),
        "all_tokens": float(np.mean(first + later)),
        "first_piece": float(np.mean(first)),
        "later_pieces": float(np.mean(later)),
        "names": len(whole),
        "whole_names": float(np.mean(whole)),
    }


def open_names(model: TorchTransformer, tokenizer: Tokenizer, n: int = 300, seed: int = 2005) -> dict:
    """Names that no training text contains, given once and written again: later pieces that are the likeliest token.

    `determined`: only where the two pieces before settle what follows (`corpus.names.copied`).
    """
    right: list[bool] = []
    determined: list[bool] = []
    for i, name in enumerate(names_of.unheard(n, seed)):
        tokens, places = names_of.copied(name, names_of.FRAMES[i % len(names_of.FRAMES)], tokenizer)
        best = log_probs(model, np.array([tokens]))[0].argmax(-1)
        for place in places:
            ok = bool(best[place.at - 1] == place.token)
            right.append(ok)
            if place.determined:
                determined.append(ok)
    return {
        "names": n,
        "pieces": len(right),
        "all_pieces": float(np.mean(right)),
        "determined_pieces": len(determined),
        "determined": float(np.mean(determined)),
    }


def twice(model: TorchTransformer, tokenizer: Tokenizer, n: int = 100, length: int = 25, seed: int = 2006) -> dict:
    """Random tokens and the same again, no story around them: right in the second half, by what they are drawn from.

    No token comes twice in one half, so what followed its last occurrence is unambiguous. The first token of the second
    half cannot be foreseen and is not counted.
    """
    of = lambda words: [tokenizer.encode_word(w)[0] for w in words if len(tokenizer.encode_word(w)) == 1]  # noqa: E731
    pools = {
        "words_and_pieces": of((*ECHO_WORDS, *names_of.FIRST, *names_of.LATER)),
        "words": of(ECHO_WORDS),
        "syllables": of(names_of.LATER[: len(names_of.SYLLABLES)]),
        "letters": of(names_of.LATER[len(names_of.SYLLABLES) :]),
        "whole_vocabulary": list(range(tokenizer.n_vocab)),
    }
    out: dict = {"sequences": n, "length": length}
    for name, pool in pools.items():
        rng = np.random.default_rng((seed, len(pool)))
        once = np.stack([rng.choice(pool, length, replace=False) for _ in range(n)])
        rows = np.hstack([np.full((n, 1), tokenizer.end_id), once, once])
        best = log_probs(model, rows).argmax(-1)
        out[name] = {"tokens": len(pool), "right": float((best[:, length + 1 : -1] == rows[:, length + 2 :]).mean())}
    return out


def prefix_matching(name: str, folder: Path, tokenizer: Tokenizer) -> dict[str, float]:
    """The prefix-matching score of every head that reaches a quarter, best first: 'layer.head' -> score.

    On words and pieces of names, drawn at random and written twice (`heads.measure`; Olsson et al. 2022).
    """
    model = checkpoint.loads((folder / f"{name}.safetensors").read_bytes(), name)
    words = (*ECHO_WORDS, *names_of.FIRST, *names_of.LATER)
    pool = [tokenizer.encode_word(w)[0] for w in words if len(tokenizer.encode_word(w)) == 1]
    table = heads.measure(model.params, model.config, n_sequences=40, pool=pool).scores["induction"]
    order = sorted(np.ndindex(table.shape), key=lambda at: -table[at])
    return {f"{layer}.{head}": float(table[layer, head]) for layer, head in order if table[layer, head] >= 0.25}


def who_is_who(model: TorchTransformer, tokenizer: Tokenizer, n_documents: int = 200, seed: int = 2004) -> float:
    """'Du-ri met a giant called Pa-nu. The giant gave': the right name (against the other one) as the likeliest token.

    Copying alone does not decide it: the beast must be bound to its name. Guessing gives one half.
    """
    rng = np.random.default_rng(seed)
    right: list[bool] = []
    while len(right) < n_documents:
        words = sample_words(rng)
        if " met" not in words or " gave" not in words or " called" not in words:
            continue
        prompt = [tokenizer.end_id]
        for word in words[: words.index(" gave") + 1]:
            prompt.extend(tokenizer.encode_word(word))
        target = tokenizer.encode_word(words[words.index(" gave") + 1])[0]
        right.append(bool(log_probs(model, np.array([prompt]))[0, -1].argmax() == target))
    return float(np.mean(right))


@torch.no_grad()
def continue_greedily(model: TorchTransformer, prompts: list[list[int]], n: int) -> list[list[int]]:
    """The likeliest continuation, `n` tokens, of prompts that may differ in length."""
    texts = [list(p) for p in prompts]
    for _ in range(n):
        width = max(map(len, texts))
        table = torch.tensor([t + [0] * (width - len(t)) for t in texts])
        logits = torch.cat([model(table[i : i + 64]) for i in range(0, len(table), 64)])
        for i, text in enumerate(texts):
            text.append(int(logits[i, len(text) - 1].argmax()))
    return [text[len(p) :] for text, p in zip(texts, prompts, strict=True)]


def _answers(model: TorchTransformer, tokenizer: Tokenizer, prompts: list[str], n: int) -> list[str]:
    ids = [[tokenizer.end_id, *tokenizer.encode(prompt)] for prompt in prompts]
    return [tokenizer.decode(text) for text in continue_greedily(model, ids, n)]


def sums(model: TorchTransformer, tokenizer: Tokenizer) -> dict:
    """Sums continued greedily: two digits at once; longer ones with the answer before or after the working.

    The longer ones are the site's one set, judged by its one criterion (explainer/studies/working.py).
    """
    pairs = list(product(range(1, 10), repeat=2))
    said = _answers(model, tokenizer, [f"Sums: {a} + {b} =" for a, b in pairs], 3)
    out: dict = {"two_digits": float(np.mean([_number(s) == a + b for s, (a, b) in zip(said, pairs, strict=True)]))}
    for n_terms in (3, 4, 5):
        problems = working.sums(n_terms)
        shares = {}
        for key, order in (("answer_before_working", "answer"), ("answer_after_own_working", "working")):
            prompts = [working.opening(terms, order) for terms in problems]
            said = _answers(model, tokenizer, prompts, 14 * (n_terms - 1) + 8 if order == "working" else 3)
            right = [working.stated(p + s) == sum(t) for p, s, t in zip(prompts, said, problems, strict=True)]
            shares[key] = float(np.mean(right))
        out[f"{n_terms}_terms"] = {"problems": len(problems), **shares}
    return out


def _number(text: str) -> int | None:
    digits = "".join(c for c in text.split(".")[0].split(",")[0] if c.isdigit())
    return int(digits) if digits else None


def brackets(model: TorchTransformer, tokenizer: Tokenizer, n_documents: int = 150, seed: int = 2003) -> dict:
    """Boxes: probability put on symbols that are allowed, by how many brackets are open; forced closings right."""
    rng = np.random.default_rng(seed)
    mass: dict[int, list[float]] = {d: [] for d in range(5)}
    forced: list[bool] = []
    done = 0
    while done < n_documents:
        words = sample_words(rng)
        if words[0] != "Boxes":
            continue
        done += 1
        tokens = [tokenizer.end_id, *(i for word in words for i in tokenizer.encode_word(word))][:129]
        logs = log_probs(model, np.array([tokens[:-1]]))[0]
        depth = 0
        for t, (odds, kind, inside_word) in enumerate(iterate_truth(tokens, tokenizer)):
            text = tokenizer.decode(tokens[: t + 1])
            depth = sum(text.count(c) for c in "([{") - sum(text.count(c) for c in ")]}")
            if t > 3 and not inside_word and kind in ("free", "bracket"):
                mass[depth].append(float(np.exp(logs[t, list(odds)]).sum()))
                if kind == "bracket":
                    forced.append(logs[t].argmax() in odds)
    return {
        "documents": n_documents,
        "mass_on_allowed_by_depth": {str(d): float(np.mean(m)) for d, m in mass.items() if m},
        "forced_closing_right": float(np.mean(forced)) if forced else None,
    }


def evaluate(name: str, folder: Path = WEIGHTS, n_windows: int = 600) -> dict:
    """Everything that the card says about a model."""
    tokenizer = Tokenizer.load()
    model, metadata = load(name, folder)
    model.eval()
    return {
        "name": name,
        "metadata": metadata,
        "parameters": sum(p.numel() for p in model.parameters()),
        "bytes": (folder / f"{name}.safetensors").stat().st_size,
        "held_out": held_out(model, tokenizer, n_windows),
        "names": names(model, tokenizer) | {"who_is_who": who_is_who(model, tokenizer)},
        "open_names": open_names(model, tokenizer),
        "twice": twice(model, tokenizer) | {"prefix_matching": prefix_matching(name, folder, tokenizer)},
        "sums": sums(model, tokenizer),
        "brackets": brackets(model, tokenizer),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--windows", type=int, default=600)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=WEIGHTS, help="where the weights are and the cards go")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for name in args.names:
        write_card(evaluate(name, args.folder, args.windows), args.folder)
        print((args.folder / f"{name}.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
