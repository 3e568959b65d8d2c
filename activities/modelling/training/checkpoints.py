"""Checkpoints of a training: what one process kept at the end of an epoch, the next begins with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from activities.checkpoint_files import CheckpointFiles, Reached
from activities.modelling.training.state import flatten, pack, unpack
from perennial.authoring.context import Stateful
from perennial.blobs import BlobCorrupt
from perennial.contracts.errors import Unavailable
from perennial.contracts.training import Epoch

_LEAST_SECONDS = 1.0


class Checkpoints:
    """Kept where an epoch ends, if it is time for one."""

    def __init__(
        self,
        files: CheckpointFiles,
        every: int,
        *,
        began: float,
        begin_with: str | None,
        writes: bool,
        resumed: Callable[[Reached], None],
        noted: Callable[[str], None],
    ) -> None:
        """Read nothing yet.

        Args:
            files: of this training.
            every: how many epochs lie between two.
            began: when this process began with the training, by the monotonic clock.
            begin_with: the name of the one to go on from, the same for every worker.
            writes: whether this worker keeps them; every worker reads.
            resumed: told what the training goes on from.
            noted: told that one could not be kept, and with an empty text that one could again.
        """
        self._files, self._every, self._writes = files, every, writes
        self._begin_with = begin_with
        self._resumed, self._noted = resumed, noted
        self._failing = False
        self._began, self._kept_at = began, time.monotonic()
        self._before = 0.0
        self._kept = 0

    @property
    def seconds(self) -> float:
        """What the training has taken so far, with that of processes before this one."""
        return self._before + time.monotonic() - self._began

    def resume(self, parts: Mapping[str, Stateful]) -> Reached | None:
        """Put the parts into the state they were kept in; None where the training is at its start.

        Raises:
            ProjectInvalid: a part's state cannot be kept. Said now, not after an hour's epoch.
            Unavailable: the checkpoint could not be read.
        """
        flatten(_states(parts), {})
        if self._begin_with is None:
            return None
        try:
            state = unpack(self._files.read(self._begin_with))
        except BlobCorrupt as error:  # since it was chosen; the next attempt chooses another
            raise Unavailable(error.message) from error
        for name, part in parts.items():
            part.load_state_dict(state["parts"][name])
        reached = Reached.model_validate_json(state["reached"])
        self._kept, self._before = reached.epoch, reached.seconds
        self._resumed(reached)
        return reached

    def passed(self, epoch: int, epochs: Sequence[Epoch], parts: Mapping[str, Stateful]) -> None:
        """An epoch is over: keep a checkpoint if it is time. A store that is away is no failure."""
        due = epoch - self._kept >= self._every
        # the epochs of tiny models pass faster than files are written
        if not (due and self._writes and time.monotonic() - self._kept_at >= _LEAST_SECONDS):
            return
        reached = Reached(epoch=epoch, epochs=tuple(epochs), seconds=self.seconds)
        state = {"reached": reached.model_dump_json(), "parts": _states(parts)}
        try:
            self._files.keep(epoch, pack(state))
        except Unavailable as error:
            self._failing = True
            self._noted(f"{error.message}; it is tried again after the next epoch")
        else:
            self._kept = epoch
            if self._failing:
                self._failing = False
                self._noted("")
        self._kept_at = time.monotonic()


class Chance:
    """What the course of a training depends on besides its network: random numbers, row order.

    Every worker draws as often as the first does, so that the first one's state is right for all.
    """

    def __init__(self, order: torch.Generator, device: str) -> None:
        self._order = order
        self._device = torch.device(device)

    def state_dict(self) -> Mapping[str, Any]:
        """The generators' states."""
        states = {"order": self._order.get_state(), "torch": torch.get_rng_state()}
        if self._device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self._device)
        return states

    def load_state_dict(self, state: Any) -> None:
        """Go on drawing where a process before this one stopped."""
        self._order.set_state(state["order"])
        torch.set_rng_state(state["torch"])
        if "cuda" in state and self._device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"], self._device)


def _states(parts: Mapping[str, Stateful]) -> dict[str, Any]:
    return {name: part.state_dict() for name, part in parts.items()}
