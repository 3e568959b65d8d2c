"""Rows that a network's training is watched on, when it has learnt what it will, and its best."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

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


class Best:
    """The weights of the epoch with the least loss on the rows that are kept out.

    It goes into checkpoints: whoever goes on with a training has the best of all its epochs.
    """

    def __init__(self) -> None:
        """Know of no epoch."""
        self.epoch: int | None = None
        self._loss = float("inf")
        self._weights: Mapping[str, Any] | None = None

    def seen(self, epoch: int, loss: float, network: nn.Module) -> None:
        """Keep a copy of the weights, if no epoch before was as good."""
        if loss < self._loss:
            self.epoch, self._loss = epoch, loss
            self._weights = copy.deepcopy(network.state_dict())

    def put_back(self, network: nn.Module) -> None:
        """Give a network the weights of the best epoch; nothing where no epoch has ended."""
        if self._weights is not None:
            network.load_state_dict(self._weights)

    def state_dict(self) -> Mapping[str, Any]:
        """For a checkpoint."""
        return {"epoch": self.epoch, "loss": self._loss, "weights": self._weights}

    def load_state_dict(self, state: Any) -> None:
        """What a process before this one has found."""
        self.epoch, self._loss = state["epoch"], state["loss"]
        self._weights = state["weights"]
