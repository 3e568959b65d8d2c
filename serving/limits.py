"""Where the data plane listens, and how much a process takes at once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from serving.cores import cores


class Limits(BaseSettings):
    """Settings of the data plane, as `PERENNIAL_SERVING_...` in the environment.

    Attributes:
        hosted_by: uvicorn, with processes of its own here, or Ray Serve in the cluster at
            RAY_ADDRESS (`serving.ray_limits`).
        host: it listens at.
        port: it listens at.
        processes: each on one core; as many as there are, or as the container may use.
        environment: whose champions are served.
        body_bytes: of one request.
        rows: of one request.
        arriving: requests whose bodies are not there yet; one more is told to come back (429).
        waiting: larger requests under way; one more is told to come back later (429).
        log_bytes: of requests that wait to be logged, half of them while the other half is written;
            what finds no room is lost, and counted.
        seconds: after which a body that has not arrived is given up (408), and a request that has
            waited (504), unless its header `x-request-timeout-ms` asks for less.
        inline_rows: requests of so few rows are computed at once; larger ones in a thread, so that
            others are answered meanwhile.
    """

    model_config = SettingsConfigDict(env_prefix="PERENNIAL_SERVING_", frozen=True)

    hosted_by: Literal["uvicorn", "ray"] = "uvicorn"
    host: str = "127.0.0.1"
    port: int = 8080
    processes: int = Field(default_factory=cores, ge=1)
    environment: str = "production"
    body_bytes: int = 16 * 1024 * 1024
    rows: int = 65_536
    arriving: int = 1024
    waiting: int = 256
    log_bytes: int = Field(default=64 * 1024 * 1024, gt=0, le=4 * 1024**3)
    seconds: float = 10.0
    inline_rows: int = 64
