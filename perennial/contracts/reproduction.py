"""A version trained again from what it was trained from, and compared with what it was."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import BlobRef, Contract
from perennial.contracts.data import DatasetSnapshot
from perennial.contracts.lifecycle import Asked, RunInput
from perennial.contracts.records import RunKind
from perennial.contracts.training import CodeIdentity, Kind, TrainedModel

REPRODUCTION_WORKFLOW = "Reproduction"
REPRODUCE = "reproduce"
"""The update that a reproduction is started with; answered once it is in the records."""
TOLERANCE = 0.001


class Reproduce(Asked):
    """Train a version again; nothing is registered and no champion moves."""

    run_id: str
    model: str
    version: int
    tolerance: float = Field(
        default=TOLERANCE,
        ge=0,
        le=1,
        description="how far a metric may be from what was recorded: so much, or as a share of it "
        "where it is above 1. 0: the weights are to be the same to the last bit",
    )
    reason: str = ""


class ReproductionInput(RunInput):
    """What a reproduction starts with. The spec is that of the version's run, overrides applied."""

    kind: RunKind = "reproduction"
    tolerance: float = TOLERANCE


class Changed(Contract):
    """An input that is not as it was: what, what it was, what it is."""

    what: str
    then: str
    now: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.what}: {self.then} then, {self.now} now"


class FindInputs(Contract):
    """Ask whether what a version was trained from is still there."""

    project: str
    snapshot: DatasetSnapshot


class InputsFound(Contract):
    """What is there now.

    Attributes:
        code: of the project, and what it would run on; None where it cannot be loaded.
        gone: a sentence for each input without which nothing can be trained.
    """

    code: CodeIdentity | None = None
    gone: tuple[str, ...] = ()


class CompareWeights(Contract):
    """Two trainings whose weights are to be compared."""

    then: TrainedModel
    now: TrainedModel


class WeightsCompared(Contract):
    """How far the weights of two trainings are from each other.

    Attributes:
        identical: whether the files are, byte for byte.
        kind: of what was trained.
        max_abs_diff: of any weight; None where they are of other shapes, or of a kind that has
            no weights to subtract.
    """

    identical: bool
    kind: Kind
    max_abs_diff: float | None = None


class MetricAgain(Contract):
    """A metric as it was recorded and as it is now; None where it is not measured any more."""

    name: str
    then: float
    now: float | None
    within: bool


class Reproduced(Contract):
    """What became of a reproduction.

    Attributes:
        verdict: differs where a metric is further off than the tolerance, or where the tolerance
            is 0 and a weight differs.
        reason: one sentence with the figures.
        changed: the inputs that are not as they were, whether or not it differs.
    """

    verdict: Literal["reproduced", "differs"]
    reason: str
    tolerance: float
    weights: WeightsCompared
    metrics: tuple[MetricAgain, ...]
    changed: tuple[Changed, ...] = ()
    trained: BlobRef = Field(description="the weights that came out now")


@activity.defn(name="find_inputs")
async def find_inputs(input: FindInputs) -> InputsFound:
    """Look for the rows and the project of a version. Raises Unavailable."""
    raise NotImplementedError


@activity.defn(name="compare_weights")
async def compare_weights(input: CompareWeights) -> WeightsCompared:
    """Compare what two trainings left. Raises Unavailable, BlobCorrupt."""
    raise NotImplementedError
