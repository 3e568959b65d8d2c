"""A search for hyper-parameters: its trials, and which of them was best."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import BlobRef, Contract
from perennial.contracts.search_plan import SearchPlan
from perennial.contracts.spec import Param, Training
from perennial.contracts.training import TrainModel

Goal = Literal["maximize", "minimize"]


class SearchParameters(Contract):
    """Look for the parameters with which a training comes out best."""

    train: TrainModel
    plan: SearchPlan
    metric: str
    goal: Goal


class Trial(Contract):
    """One set of parameters, and how far it came.

    Attributes:
        number: from 0, in the order they are drawn in; with the search's seed it says which
            parameters these are.
        scores: the metric on the validation rows after each epoch, the newest last.
        state: stopped: others were better at the same epoch, or the time was over.
        spent: seconds of searching when this was written.
        kept_epoch: the one whose weights a training would keep, with early stopping.
        note: why it failed.
    """

    number: int
    params: dict[str, Param]
    scores: tuple[float, ...] = ()
    state: Literal["running", "finished", "stopped", "failed"] = "running"
    spent: float = 0.0
    kept_epoch: int | None = None
    note: str = ""

    @property
    def score(self) -> float | None:
        """That of the weights which a training would keep; None before there is any."""
        return self.scores[(self.kept_epoch or 0) - 1] if self.scores else None


class Searched(Contract):
    """What a search found; the evidence of the version has it."""

    metric: str
    goal: Goal
    best: Trial
    training: Training = Field(description="the plan with the best trial's parameters in it")
    finished: int
    stopped: int
    failed: int
    seconds: float
    trials: BlobRef = Field(description="all trials, as JSON")


@activity.defn(name="search_parameters")
async def search_parameters(input: SearchParameters) -> Searched:
    """Search on Ray. Raises BadInput, ProjectInvalid, ClusterUnavailable."""
    raise NotImplementedError
