"""What is killed, and when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

from perennial.contracts.records import Stage

_ELSEWHERE = ("search", "inputs", "compare")
"""Stages of searches and reproductions, which the drilled model has none of."""
RUN: tuple[Stage, ...] = tuple(stage for stage in get_args(Stage) if stage not in _ELSEWHERE)
"""The stages of its run."""
WATCHED = ("window", "alert", "labels")
"""What follows for a champion that is watched."""
STAGES = (*RUN, *WATCHED)
SERVICES = ("control", "ml", "api", "temporal", "ray", "opa", "mlflow", "serving")
TRAINING = "training"
"""The process in which Ray trains; the cluster around it lives on."""
EVERYTHING = "everything"
PROCESSES = (*SERVICES, TRAINING, EVERYTHING)

# The drilled model goes through two environments, and the second asks people.
LAST = "production"
ENVIRONMENTS = ("staging", LAST)


Kind = Literal["first", "rolled-out", "watched"]
"""A life of one run; of two, since a first version is never rolled out; of one, and watched."""


@dataclass(frozen=True)
class Cell:
    """One process killed in the middle of one stage."""

    stage: str
    process: str

    @property
    def environment(self) -> str:
        """Where the stage is hit, empty for stages that belong to no environment.

        In the last one, when another has been promoted to already: that must not happen again.
        """
        return LAST if self.stage in ("gate", "approval", "rollout", "promote") else ""

    @property
    def kind(self) -> Kind:
        """What kind of life is hit."""
        if self.stage in WATCHED:
            return "watched"
        return "rolled-out" if self.stage == "rollout" else "first"

    def __str__(self) -> str:
        return f"{self.stage} x {self.process}"


def cells(stages: Collection[str] = STAGES, processes: Collection[str] = PROCESSES) -> list[Cell]:
    """The cells asked for, process by process in the order given.

    Raises:
        ValueError: there is no such stage or process.
    """
    for asked, known, what in ((stages, STAGES, "stage"), (processes, PROCESSES, "process")):
        if unknown := sorted(set(asked) - set(known)):
            raise ValueError(f"no {what} {unknown[0]!r}; there are: {', '.join(known)}")
    return [
        Cell(stage, process)
        for process in processes
        for stage in STAGES
        if stage in stages
        and (process != TRAINING or stage == "train")  # it lives no longer than its stage
    ]
