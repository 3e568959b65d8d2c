"""Rows that a network's training is watched on, and when it has learnt what it will."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from perennial.contracts.spec import EarlyStopping

LOSS = "validation_loss"


@dataclass(frozen=True)
class Parts:
    """The rows of a training.

    Attributes:
        learnt: positions of those that are trained on.
        watched: positions of those that are kept out; none without early stopping.
    """

    learnt: Tensor
    watched: Tensor


def parted(rows: int, plan: EarlyStopping | None, seed: int) -> Parts:
    """Keep some of the training rows out; the same seed keeps out the same ones, in every worker.

    Each part has a row at least where there are two.
    """
    if plan is None or rows < 2:
        return Parts(torch.arange(rows), torch.arange(0))
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))
    kept_out = min(max(1, round(rows * plan.fraction)), rows - 1)
    return Parts(order[kept_out:].sort().values, order[:kept_out].sort().values)


def learns_no_more(losses: Sequence[float], plan: EarlyStopping) -> bool:
    """Whether none of the newest epochs, as many as the patience, was better than all before."""
    if len(losses) <= plan.patience:
        return False
    before, newest = losses[: -plan.patience], losses[-plan.patience :]
    return min(newest) >= min(before) - plan.least
