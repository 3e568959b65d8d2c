"""How many processes of the data plane run in a Ray cluster, and how many are wanted."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator
from temporalio import activity

from perennial.contracts.base import Contract


class ScaleServing(Contract):
    """Have between `min` and `max` processes answer.

    Attributes:
        target: requests under way in each, beyond which another one is started; fewer end one.
    """

    min: int = Field(ge=1)
    max: int = Field(ge=1)
    target: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"max ({self.max}) is less than min ({self.min})")
        return self


class ServingScale(Contract):
    """What a cluster says of its processes.

    Attributes:
        running: they answer.
        wanted: by the load of now, within the bounds.
        starting: they do not answer yet.
        leaving: they answer what they have, and nothing new.
        min: the bounds that are in force.
        cpus: that each of them takes.
        room: how many the nodes have CPUs for if nothing else runs there.
        note: what Ray Serve says where something is amiss.
    """

    running: int
    wanted: int
    starting: int = 0
    leaving: int = 0
    min: int
    max: int
    target: float
    cpus: float
    room: int
    note: str = ""


@activity.defn(name="scale_serving")
async def scale_serving(input: ScaleServing) -> ServingScale:
    """Set the bounds, and return once as many run.

    Raises:
        BadInput: the cluster's nodes can never hold so many.
        NotFound: Ray Serve does not host the data plane there.
        Refused: somebody else set other bounds meanwhile.
        ClusterUnavailable: Ray does not answer, or has no room for them now.
    """
    raise NotImplementedError
