"""Training: the rows on a device, the platform's own loop, and what a project's loop is given."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from activities.modelling.data.split import Rows, split_rows
from activities.modelling.models.candidates import arguments
from activities.modelling.models.preprocessing import Preprocessing, truth_of
from activities.modelling.projects import Project
from activities.modelling.training.checkpoints import Chance, Checkpoints
from activities.modelling.training.keeping_out import LOSS, Best, learns_no_more, parted
from perennial.authoring import Batch, Stateful
from perennial.contracts.errors import TrainingDiverged
from perennial.contracts.spec import Param, Precision, Task, Training
from perennial.contracts.training import Epoch

_LOOK_EVERY = 16
_ROWS_AT_ONCE = 8192


def computes_mixed(precision: Precision, device: str) -> bool:
    """Whether a network computes in bfloat16: if that is asked for, on a GPU that has it."""
    return (
        precision == "mixed"
        and torch.device(device).type == "cuda"
        and torch.cuda.is_bf16_supported()
    )


class Stopped(BaseException):
    """Somebody asked the training to end. No Exception, so that no project's code swallows it."""


@dataclass(frozen=True)
class Prepared:
    """Training rows, ready for the network.

    Attributes:
        preprocessing: fitted on them.
        numbers: float32 `[rows, numbers]`.
        codes: int64 `[rows, categories]`.
        target: as `Batch.target`.
        rows: which rows of the snapshot these are, and which are held out.
    """

    preprocessing: Preprocessing
    numbers: Tensor
    codes: Tensor
    target: Tensor
    rows: Rows


def prepare(frame: pd.DataFrame, project: Project, task: Task, training: Training) -> Prepared:
    """Hold rows out, and fit the preprocessing on the others."""
    features = project.features()
    rows = split_rows(frame, features, training.split, training.seed)
    preprocessing = Preprocessing.fit(frame, rows.train, features, task)
    train = frame.iloc[rows.train]
    numbers, codes = preprocessing.apply(train)
    truth = torch.tensor(truth_of(train[features.target], preprocessing.classes))
    if task == "multiclass":
        target = truth
    elif task == "binary":
        target = truth.float()[:, None]
    else:
        scaled = (truth - preprocessing.target_mean) / preprocessing.target_scale
        target = scaled.float()[:, None]
    return Prepared(preprocessing, torch.from_numpy(numbers), torch.from_numpy(codes), target, rows)


@dataclass(frozen=True)
class Share:
    """Which part of the work this worker does."""

    rank: int = 0
    workers: int = 1


class Loop:
    """The `TrainingContext` of one worker."""

    def __init__(
        self,
        model: nn.Module,
        prepared: Prepared,
        task: Task,
        training: Training,
        *,
        ended: Callable[[Epoch], None],
        stopping: Callable[[], bool],
        share: Share | None = None,
        checkpoints: Checkpoints | None = None,
        device: str = "cpu",
    ) -> None:
        """Put the rows on the device.

        Args:
            model: on the device already.
            prepared: all training rows.
            task: what is predicted.
            training: the plan.
            ended: told of every pass over the rows.
            stopping: asked between batches.
            share: of the work, all of it unless given.
            checkpoints: none are kept, and the training starts anew, unless given.
            device: where torch computes.
        """
        self.model = model
        self.task: Task = task
        self.epochs = training.epochs
        self.learning_rate = training.learning_rate
        self.seed = training.seed
        self.params: Mapping[str, Param] = training.params
        self._share = share or Share()
        self._ended, self._stopping = ended, stopping
        self._batch = max(1, training.batch_size // self._share.workers)
        given = arguments(prepared.numbers, prepared.codes)
        self._early = training.early_stopping
        parts = parted(len(prepared.target), self._early, training.seed)
        self._watched: Batch | None = None
        self._best = Best()
        if self._early is not None:
            inputs = tuple(part[parts.watched].to(device) for part in given)
            self._watched = Batch(inputs, prepared.target[parts.watched].to(device))
            given = tuple(part[parts.learnt] for part in given)
        self._inputs = tuple(part.to(device) for part in given)
        target = prepared.target if self._early is None else prepared.target[parts.learnt]
        self._target = target.to(device)
        self._mixed = computes_mixed(training.precision, device)
        self._order = torch.Generator().manual_seed(training.seed)
        self._device, self._kind = device, torch.device(device).type
        self._checkpoints = checkpoints
        self._done: list[Epoch] = []
        self._since = time.monotonic()

    def batches(self) -> Iterator[Batch]:
        """One shuffled pass over this worker's rows; every worker gets as many batches."""
        order = torch.randperm(len(self._target), generator=self._order)
        workers = self._share.workers
        if missing := -len(order) % workers:
            order = torch.cat([order, order[:missing]])
        order = order[self._share.rank :: workers].to(self._target.device)
        for rows in torch.split(order, self._batch):
            # several workers wait for each other in every batch: they can only stop together
            if workers == 1 and self._stopping():
                raise Stopped
            yield Batch(tuple(part[rows] for part in self._inputs), self._target[rows])

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy on logits, or squared error."""
        if self.task == "binary":
            return functional.binary_cross_entropy_with_logits(output, target)
        if self.task == "multiclass":
            return functional.cross_entropy(output, target)
        return functional.mse_loss(output, target)

    def remaining(self, **kept: Stateful) -> Iterator[int]:
        """The epochs to train; a checkpoint is kept where one is over, not where it is reported.

        What a loop does after its report, such as a step of its schedule, is in it.
        """
        first, parts = 1, {**kept, **self._own_parts()}
        if self._checkpoints and (reached := self._checkpoints.resume(parts)):
            self._done = list(reached.epochs)
            first = reached.epoch + 1
        self._since = time.monotonic()  # torch loads its compiler when it makes an optimizer
        for epoch in range(first, self.epochs + 1):
            if self._learns_no_more():
                return
            yield epoch
            if self._checkpoints:
                self._checkpoints.passed(epoch, self._done, parts)

    def _own_parts(self) -> dict[str, Stateful]:
        chance = Chance(self._order, self._device)
        parts: dict[str, Stateful] = {"own:network": self._network, "own:chance": chance}
        return parts if self._early is None else {**parts, "own:best": self._best}

    @property
    def _network(self) -> nn.Module:
        """Not as it is wrapped, which has other names for its weights."""
        if isinstance(self.model, DistributedDataParallel):
            wrapped: nn.Module = self.model.module
            return wrapped
        return self.model

    def end(self) -> int | None:
        """Give the network the weights of its best epoch, where it was watched.

        Returns:
            That epoch; None where the weights are those of the last one.
        """
        self._best.put_back(self._network)
        return self._best.epoch

    def report(self, epoch: int, loss: float, **metrics: float) -> None:
        """Say how a pass ended."""
        self._finite(epoch, loss)
        if self._watched is not None:
            metrics[LOSS] = self._loss_of(self._watched)
        for name, value in metrics.items():
            self._finite(epoch, value, name)
        took = time.monotonic() - self._since
        self._done.append(Epoch(epoch=epoch, loss=loss, metrics=metrics, seconds=took))
        if self._watched is not None:
            self._best.seen(epoch, metrics[LOSS], self._network)
        self._ended(self._done[-1])
        self._since = time.monotonic()
        if self._agreed_to_stop():
            raise Stopped

    def _loss_of(self, batch: Batch) -> float:
        was_training = self.model.training
        self.model.eval()
        total = 0.0
        with torch.no_grad():
            parts = (torch.split(part, _ROWS_AT_ONCE) for part in (*batch.inputs, batch.target))
            for *inputs, target in zip(*parts, strict=True):
                total += float(self.loss(self.model(*inputs), target)) * len(target)
        self.model.train(was_training)
        return total / len(batch.target)

    def _learns_no_more(self) -> bool:
        if self._early is None:
            return False
        over = learns_no_more([epoch.metrics[LOSS] for epoch in self._done], self._early)
        return self._agreed(over)

    def fit(self) -> None:
        """Adam over mini-batches."""
        optimizer = torch.optim.Adam(self.model.parameters(), lr=self.learning_rate)
        for epoch in self.remaining(optimizer=optimizer):
            self.model.train()
            total = torch.zeros((), device=self._target.device)
            rows = 0
            for step, batch in enumerate(self.batches()):
                optimizer.zero_grad()
                with torch.autocast(self._kind, torch.bfloat16, enabled=self._mixed):
                    loss = self.loss(self.model(*batch.inputs), batch.target)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                total += loss.detach() * len(batch.target)
                rows += len(batch.target)
                if step % _LOOK_EVERY == 0:
                    self._finite(epoch, float(loss.detach()))
            self.report(epoch, self._mean(total, rows))
        for parameter in self.model.parameters():
            self._finite(self.epochs, float(parameter.detach().abs().sum()), "a weight")

    def _mean(self, total: Tensor, rows: int) -> float:
        if self._share.workers > 1:
            sums = torch.stack([total, torch.tensor(float(rows), device=total.device)])
            torch.distributed.all_reduce(sums)
            return float(sums[0] / sums[1])
        return float(total) / max(1, rows)

    def _agreed_to_stop(self) -> bool:
        return self._agreed(self._stopping())

    def _agreed(self, mine: bool) -> bool:
        """Whether any worker wants it: they wait for each other, and can only go on together."""
        if self._share.workers == 1:
            return mine
        wish = torch.tensor(float(mine), device=self._target.device)
        torch.distributed.all_reduce(wish)
        return bool(wish)

    def _finite(self, epoch: int, value: float, what: str = "the loss") -> None:
        if not math.isfinite(value):
            raise TrainingDiverged(
                f"{what} became {value} in epoch {epoch} of {self.epochs}; lower "
                f"training.learning_rate ({self.learning_rate:g} now), or look for extreme values "
                f"in the features and clip them in load()"
            )
