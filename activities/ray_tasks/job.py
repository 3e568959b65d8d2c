"""What an activity and a training job in Ray tell each other."""

from __future__ import annotations

from typing import Literal, Self, get_args

from pydantic import Field

from perennial.contracts.base import BlobRef, Contract
from perennial.contracts.errors import PerennialError, by_name
from perennial.contracts.search import SearchParameters, Trial
from perennial.contracts.training import CodeIdentity, Epoch, Kind, Parity, TrainModel

NAMESPACE = "perennial"
Phase = Literal["waiting", "starting", "training", "done", "failed", "stopped", "lost"]
ENDED: frozenset[Phase] = frozenset({"done", "failed", "stopped", "lost"})


Work = Literal["train", "search"]


def actor_name(run_id: str, work: Work = "train") -> str:
    """The name of the actor in which a run trains, or searches."""
    return f"{work}:{run_id}"


def run_of(actor: str) -> str | None:
    """The run that works in an actor of that name; None where it is none of ours."""
    work, _, run_id = actor.partition(":")
    return run_id if work in get_args(Work) and run_id else None


class Job(Contract):
    """One training, named after its run: whoever asks for it again meets the one that runs."""

    input: TrainModel
    search: SearchParameters | None = Field(
        default=None, description="it is a search, before the training, and not the training"
    )
    blob_url: str
    unattended_seconds: float = Field(
        description="a job that nobody asks about for so long ends itself"
    )
    traceparent: str = Field(default="", description="the span that asked for it, if any did")

    @property
    def name(self) -> str:
        """The name of its actor."""
        return actor_name(self.input.run_id, self.work)

    @property
    def work(self) -> Work:
        """What it does."""
        return "train" if self.search is None else "search"


class Made(Contract):
    """What a training leaves behind."""

    kind: Kind = "network"
    weights: BlobRef
    parity: Parity | None = None
    preprocessing: BlobRef
    code: CodeIdentity
    train_rows: int
    test_rows: int
    seconds: float
    device: str
    kept_epoch: int | None = None


class Failure(Contract):
    """An error of our tree, or of Python, by name."""

    type: str
    message: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """What an error says."""
        message = error.message if isinstance(error, PerennialError) else str(error)
        return cls(type=type(error).__name__, message=message)

    def as_error(self) -> Exception:
        """The error again; one that is not of our tree as a RuntimeError."""
        if (ours := by_name(self.type)) is not None:
            return ours(self.message)
        return RuntimeError(f"{self.type}: {self.message}")


class Progress(Contract):
    """How far a job is.

    Attributes:
        phase: waiting for resources, starting (loading code and rows), training, or how it ended;
            lost: its process died.
        epochs: those after the ones that were seen.
        note: what it waits for, or why it was lost.
        trials: of a search, all of them so far.
    """

    phase: Phase
    epochs: tuple[Epoch, ...] = ()
    note: str = ""
    made: Made | None = None
    trials: tuple[Trial, ...] = ()
    failure: Failure | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.phase in ENDED
