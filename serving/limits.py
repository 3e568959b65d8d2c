"""How much a process takes at once."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class Limits(BaseSettings):
    """Bounds of a process, as `PERENNIAL_SERVING_...` in the environment.

    Attributes:
        body_bytes: of one request.
        rows: of one request.
        waiting: requests under way; one more is told to come back later (429).
        seconds: after which a request that has waited is given up (504), unless its header
            `x-request-timeout-ms` asks for less.
        inline_rows: requests of so few rows are computed at once; larger ones in a thread, so that
            others are answered meanwhile.
    """

    model_config = SettingsConfigDict(env_prefix="PERENNIAL_SERVING_", frozen=True)

    body_bytes: int = 16 * 1024 * 1024
    rows: int = 65_536
    waiting: int = 256
    seconds: float = 10.0
    inline_rows: int = 64
