"""Deployments to keep and to read: which part of the requests each version answers."""

from __future__ import annotations

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import Contract, Utc
from perennial.contracts.serving import WHOLE, Deployment, Serving
from perennial.contracts.spec_part import Environment


class Share(Contract):
    """A variant's part of the requests, and of the champion's copies, out of `WHOLE`."""

    name: str
    version: int
    weight: int = Field(ge=0, le=WHOLE)
    shadow: int = Field(default=0, ge=0, le=WHOLE)


class SetWeights(Contract):
    """Compare-and-set: divide the requests, if the deployment's epoch is still the expected one.

    Attributes:
        expected_epoch: of the deployment.
        run_id: on whose behalf; when that run ends without a promotion, all requests go back to
            the champion.
        variants: in their order on the line of `serving.routing`. None: the champion alone.
    """

    effect: str
    model: str
    environment: Environment
    expected_epoch: int
    run_id: str
    entity: str | None = None
    slow_seconds: float = 0.1
    tolerance: float = 0.1
    variants: tuple[Share, ...] = ()
    actor: str
    reason: str
    at: Utc


class ReadServing(Contract):
    """Ask what a model's requests are answered by, and what was counted since an epoch.

    Attributes:
        since_epoch: of the deployment; without it no counts are read.
    """

    model: str
    environment: Environment
    since_epoch: int | None = None


@activity.defn(name="set_weights")
async def set_weights(input: SetWeights) -> Deployment:
    """Raises StaleEpoch when the deployment has changed since; NotFound without a champion.

    PlatformPaused or ModelPaused where a version is to get requests; the champion always may.
    """
    raise NotImplementedError


@activity.defn(name="read_serving")
async def read_serving(input: ReadServing) -> Serving:
    """Raises NotFound for a model that is not known."""
    raise NotImplementedError
