"""The platform as a whole: whether new runs and promotions are stopped everywhere."""

from __future__ import annotations

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import Contract, Utc


class ReadPlatform(Contract):
    """Ask whether the platform is paused."""


class SetPlatform(Contract):
    """Pause the platform or resume it."""

    effect: str
    paused: bool
    actor: str
    reason: str
    at: Utc


class Platform(Contract):
    """Whether the platform is paused. The epoch grows by one with every pause and resumption."""

    paused: bool = False
    epoch: int = Field(default=0, ge=0)
    actor: str = ""
    reason: str = ""
    since: Utc | None = None


class TellModels(Contract):
    """Tell every living model's workflow, should it not have been told of this epoch yet."""


class Told(Contract):
    """How many models' workflows were told, and of which epoch."""

    epoch: int
    models: int = 0


class Untold(Contract):
    """What has not been told yet: the platform as it is, and the models that live.

    No model at all means that everybody knows.
    """

    platform: Platform
    models: tuple[str, ...] = ()


@activity.defn(name="read_platform")
async def read_platform(input: ReadPlatform) -> Platform:
    """Whether the platform is paused."""
    raise NotImplementedError


@activity.defn(name="set_platform")
async def set_platform(input: SetPlatform) -> Platform:
    """Keep that the platform was paused or resumed."""
    raise NotImplementedError


@activity.defn(name="tell_models")
async def tell_models(input: TellModels) -> Told:
    """Signal the platform's state to the workflows of all living models, once for each epoch."""
    raise NotImplementedError
