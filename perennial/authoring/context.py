"""What a training of one's own is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from perennial.contracts.spec import Param, Task

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Batch:
    """Some training rows, on the device of the model.

    Attributes:
        inputs: the arguments of the network's forward, preprocessed.
        target: binary: 0 or 1, float32 `[batch, 1]`; multiclass: class numbers, int64 `[batch]`;
            regression: scaled to mean 0 and deviation 1, float32 `[batch, 1]`.
    """

    inputs: tuple[Tensor, ...]
    target: Tensor


class Stateful(Protocol):
    """What a checkpoint can hold: an optimizer, a schedule, anything that tells its state.

    A state is made of tensors, numbers, text, None, lists, tuples and mappings.
    """

    def state_dict(self) -> Mapping[str, Any]:
        """The state now."""

    def load_state_dict(self, state_dict: Any, /) -> object:
        """Be as one was when that state was told."""


class TrainingContext(Protocol):
    """Handed to a project's `train`, on every worker of a training."""

    model: nn.Module
    """The network that `build` made, on its device; wrapped where several workers share it."""
    task: Task
    epochs: int
    learning_rate: float
    seed: int
    params: Mapping[str, Param]

    def batches(self) -> Iterator[Batch]:
        """One pass over this worker's share of the training rows, shuffled anew each time."""

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The task's loss: cross-entropy on logits, or squared error."""

    def remaining(self, **kept: Stateful) -> Iterator[int]:
        """The epochs to train, with a checkpoint between them now and then.

        They are 1 to `epochs`, or fewer where an earlier process of this training has died: then
        network, random numbers, order of batches and all that is `kept` (pass what the loop
        changes: optimizer, schedule) are as they were at the end of the checkpoint's epoch. A loop
        that counts epochs by itself has no checkpoints, and starts anew. Every worker must call it.

        Raises:
            ProjectInvalid: the state of something that is kept is of no kind a checkpoint holds.
        """

    def report(self, epoch: int, loss: float, **metrics: float) -> None:
        """Say how a pass over the rows ended; epochs count from 1. Every worker must call it.

        People watch these figures, MLflow keeps them, and a stop that was asked for takes effect
        here. With `training.early_stopping` the weights that the network has at this moment are
        those of the epoch: of all epochs the best one's are kept in the end.

        Raises:
            TrainingDiverged: the loss is not a finite number.
        """

    def fit(self) -> None:
        """The platform's own loop: Adam over mini-batches for the spec's number of epochs."""
