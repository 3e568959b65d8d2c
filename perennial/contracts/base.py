"""What every contract model shares."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Utc = AwareDatetime
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Metrics = dict[str, float]
Json = dict[str, Any]

__all__ = ["BlobRef", "Contract", "Json", "Metrics", "Sha256", "Utc", "datetime"]


class Contract(BaseModel):
    """A frozen value that travels between processes.

    Unknown fields are ignored, so that an older reader survives a newer writer; new fields need a
    default for the same reason.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")


class BlobRef(Contract):
    """A claim check: where a frame, profile or model lies, and what it must hash to."""

    uri: str
    sha256: Sha256
    size: int = Field(ge=0, description="bytes")
