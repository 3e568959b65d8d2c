"""How the data plane is spread over a Ray cluster."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RayLimits(BaseSettings):
    """Settings of the host in Ray Serve, as `PERENNIAL_SERVING_RAY_...` in the environment.

    Attributes:
        min: replicas at least, when it is deployed first; then what `scale_serving` has set counts.
        max: replicas at most.
        target: requests under way in each replica, beyond which another one is started.
        ongoing: requests that a replica works on at once.
        queued: more of them that wait; one more is told to come back later (429).
        cpus: that Ray keeps for each replica.
    """

    model_config = SettingsConfigDict(env_prefix="PERENNIAL_SERVING_RAY_", frozen=True)

    min: int = Field(default=1, ge=1)
    max: int = Field(default=4, ge=1)
    target: float = Field(default=16.0, gt=0)
    ongoing: int = Field(default=64, ge=1)
    queued: int = Field(default=256, ge=0)
    cpus: float = Field(default=1.0, gt=0)
