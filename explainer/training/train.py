"""Train one model of the family on fresh samples of the corpus.

Every batch is drawn anew from the grammar (its seed is (seed, step)), so nothing is seen twice by intention and a run
that is interrupted and resumed sees exactly what an uninterrupted one sees. Documents in which a held-out name stands
are thrown away (`corpus.names`), so no model has met one. Sixteen states along the way are kept, at steps that lie
evenly on a logarithmic scale: how the skills form can be looked at afterwards.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch
import torch.nn.functional as F

from explainer.corpus import token_log_probs, windows
from explainer.kernel.tokenizer import Tokenizer
from explainer.training.export import WEIGHTS, export
from explainer.training.optimiser import MATRICES, Muon
from explainer.training.plan import Plan, has_held_out_name
from explainer.training.torch_model import TorchConfig, TorchTransformer

CACHE = Path(__file__).parents[2] / "_cache" / "training"
HELD_OUT_SEED = (977, 0)  # training draws from (seed, 1, step)


def train(plan: Plan, resume: bool = False, minutes: float = 5.0, folder: Path = WEIGHTS) -> TorchTransformer:
    """Train as planned; every `minutes` save the state under _cache/ and export the weights as they are."""
    tokenizer = Tokenizer.load()
    config = TorchConfig(plan.layers, plan.d_model, tokenizer.n_vocab)
    model = TorchTransformer(config, plan.seed)
    muon = Muon(model)
    rest = [p for name, p in model.params().items() if name.rsplit(".", 1)[-1] not in MATRICES]
    adam = torch.optim.AdamW(rest, lr=plan.lr_adam, betas=(0.9, 0.98), weight_decay=0.0)
    CACHE.mkdir(parents=True, exist_ok=True)
    saved = CACHE / f"{plan.name}.pt"
    first, seconds = 0, 0.0
    if resume and saved.exists():
        state = torch.load(saved, weights_only=True)
        if state["plan"] != repr(plan):
            raise ValueError(f"{saved} belongs to another plan: {state['plan']}")
        model.load_state_dict(state["model"])
        muon.load_state_dict(state["muon"])
        adam.load_state_dict(state["adam"])
        first, seconds = state["step"], state["seconds"]

    test = windows(plan.checks, HELD_OUT_SEED, tokenizer)
    least = -sum(token_log_probs(w, tokenizer).mean() for w in test) / len(test)

    def save(step: int) -> None:
        spent = seconds + time.monotonic() - began
        state: dict[str, object] = {"model": model.state_dict(), "muon": muon.state_dict(), "adam": adam.state_dict()}
        state |= {"step": step, "plan": repr(plan), "seconds": spent}
        torch.save(state, saved.with_suffix(".writing"))
        saved.with_suffix(".writing").replace(saved)
        notes: dict[str, object] = {
            "tokens": step * plan.batch * config.n_ctx,
            "seconds": round(spent),
            "planned_steps": plan.steps,
        }
        notes |= {"threads": torch.get_num_threads(), "plan": repr(plan)}
        export(model, plan.name, step, plan.seed, folder, **notes)

    began = last_save = last_line = time.monotonic()
    moments = set(plan.moments())
    keep = lambda step: export(model, f"step-{step:06d}", step, plan.seed, along(plan.name, folder))  # noqa: E731
    if first == 0:
        keep(0)
    since, running = 0, 0.0
    for step in range(first, plan.steps):
        batch = torch.from_numpy(windows(plan.batch, (plan.seed, 1, step), tokenizer, reject=has_held_out_name))
        logits = model(batch[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        rate = plan.rate(step)
        muon.step(plan.lr_muon * rate)
        for group in adam.param_groups:
            group["lr"] = plan.lr_adam * rate
        adam.step()
        model.zero_grad(set_to_none=True)
        running, since = running + loss.item(), since + 1
        if step + 1 in moments:
            keep(step + 1)
        if (step + 1) % 100 == 0:
            now = time.monotonic()
            loss_now = held_out_loss(model, test)
            speed = since * batch.shape[0] * 128 / (now - last_line)
            left = (plan.steps - step - 1) * (now - last_line) / since / 60
            print(
                f"{plan.name} step {step + 1}/{plan.steps}  train {running / since:.4f}  held-out {loss_now:.4f} "
                f"({loss_now / least - 1:+.1%} over the floor {least:.4f})  {speed:,.0f} tokens/s  {left:.0f} min left",
                flush=True,
            )
            running, since, last_line = 0.0, 0, time.monotonic()
        if time.monotonic() - last_save > 60 * minutes:
            save(step + 1)
            last_save = time.monotonic()
    save(plan.steps)
    return model


def along(name: str, folder: Path = WEIGHTS) -> Path:
    """The folder of the states that a training run left along the way."""
    return folder / "along" / name


@torch.no_grad()
def held_out_loss(model: TorchTransformer, test) -> float:
    """Mean cross-entropy in nats per token on windows [N, n_ctx + 1]."""
    batch = torch.from_numpy(test)
    logits = model(batch[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten()).item()
