"""A training by the platform's loop, and the same one as a plain loop of torch, on the same rows.

Both end with the same weights, or the comparison is refused: what is quicker by doing something
else is no peer.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from activities.modelling.models import candidates
from activities.modelling.projects import Project
from activities.modelling.training.loop import Loop, Prepared
from perennial.contracts.spec import Task, Training

_LOSSES: dict[Task, Callable[[Tensor, Tensor], Tensor]] = {
    "binary": functional.binary_cross_entropy_with_logits,
    "multiclass": functional.cross_entropy,
    "regression": functional.mse_loss,
}
_ALIKE = 1e-4


@dataclass(frozen=True)
class Work:
    """What both train.

    Attributes:
        project: builds the network.
        prepared: its rows.
        task: of it.
        training: epochs, batches, rate and seed.
        device: where torch computes.
    """

    project: Project
    prepared: Prepared
    task: Task
    training: Training
    device: str = "cpu"

    @property
    def samples(self) -> int:
        """Rows that go through the network, all epochs together."""
        return len(self.prepared.target) * self.training.epochs

    def network(self) -> nn.Module:
        """The same first weights each time."""
        made = candidates.build(self.project, self.prepared.preprocessing, self.training)
        return made.to(self.device)


def paired(work: Work, repeats: int) -> tuple[float, float]:
    """Median seconds of ours and of the plain loop, taken in turns after one round of each.

    Raises:
        RuntimeError: the two end with other weights.
    """
    ours, plain = work.network(), work.network()
    _ours(work, ours)
    _plain(work, plain)
    for one, other in zip(ours.parameters(), plain.parameters(), strict=True):
        if float((one - other).detach().abs().max()) > _ALIKE and work.device == "cpu":
            raise RuntimeError("the two loops end with other weights: they do not do the same")
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        took[0].append(_timed(work, _ours))
        took[1].append(_timed(work, _plain))
    return statistics.median(took[0]), statistics.median(took[1])


def _timed(work: Work, loop: Callable[[Work, nn.Module], None]) -> float:
    network = work.network()
    _settle(work.device)
    began = time.perf_counter()
    loop(work, network)
    _settle(work.device)
    return time.perf_counter() - began


def _settle(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def _ours(work: Work, network: nn.Module) -> None:
    Loop(
        network,
        work.prepared,
        work.task,
        work.training,
        ended=lambda epoch: None,
        stopping=lambda: False,
        device=work.device,
    ).fit()


def _plain(work: Work, network: nn.Module) -> None:
    plan, rows = work.training, work.prepared
    parts = candidates.arguments(rows.numbers, rows.codes)
    inputs = [part.to(work.device) for part in parts]
    target = rows.target.to(work.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=plan.learning_rate)
    order = torch.Generator().manual_seed(plan.seed)
    loss_of = _LOSSES[work.task]
    network.train()
    for _ in range(plan.epochs):
        shuffled = torch.randperm(len(target), generator=order).to(work.device)
        total = torch.zeros((), device=work.device)
        for batch in torch.split(shuffled, plan.batch_size):
            optimizer.zero_grad()
            loss = loss_of(network(*(part[batch] for part in inputs)), target[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.detach() * len(batch)
        float(total)  # who trains looks at the loss once an epoch
