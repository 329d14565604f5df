"""python -m explainer.training --layers 4 [--steps 10000] [--resume]

Trains one model of the family, exporting to explainer/models/weights/ every few minutes. The state lies under _cache/.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from explainer.training.export import WEIGHTS
from explainer.training.train import Plan, train

parser = argparse.ArgumentParser(prog="python -m explainer.training", description=__doc__)
parser.add_argument("--layers", type=int, required=True)
parser.add_argument("--d-model", type=int, default=Plan.d_model)
parser.add_argument("--steps", type=int, default=Plan.steps)
parser.add_argument("--seed", type=int, default=Plan.seed)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--resume", action="store_true", help="go on from the state saved under _cache/")
parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go")
args = parser.parse_args()
torch.set_num_threads(args.threads)
args.out.mkdir(parents=True, exist_ok=True)
plan = Plan(layers=args.layers, d_model=args.d_model, steps=args.steps, seed=args.seed)
train(plan, resume=args.resume, folder=args.out)
