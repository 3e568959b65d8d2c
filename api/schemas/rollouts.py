"""Rollouts: what answers a model's requests, how it does, and people's word on it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from api.schemas.base import Answer, Ask, Words
from perennial.contracts.spec import Environment


class VariantDetail(Answer):
    """A version's part of the requests, and what it did with them since the rollout's start."""

    name: str
    version: int
    percent: float
    shadow_percent: float = Field(
        default=0, description="Of the champion's requests that it answers too, for nobody."
    )
    requests: int = 0
    errors: int = 0
    slow: int = 0
    refused: int = Field(default=0, description="Requests that it could not read.")
    compared: int = Field(default=0, description="Rows of copies that the champion answered, too.")
    disagreed: int = Field(default=0, description="Those of them that it answered otherwise.")
    missed: int = Field(default=0, description="Copies that found no room.")
    logged: int = Field(default=0, description="Rows that are in the log of requests.")
    lost: int = Field(default=0, description="Rows that should be in it, and found no room.")
    labelled: int = Field(
        default=0, description="Requests that have a label by now, where a guardrail judges them."
    )
    wrong: int = Field(default=0, description="Those of them that it answered wrongly.")


class RolloutProgress(Answer):
    """A rollout that is under way."""

    run_id: str
    version: int
    step: int
    percent: float
    verdict: str
    reason: str
    held: str = Field(description="Which pause keeps it from a larger share; empty for none.")
    waiting: bool = Field(description="It waits for a person's ruling.")
    evidence_digest: str = Field(description="Of the figures that are to be ruled on.")
    expires_at: AwareDatetime | None = None


class RolloutDetail(Answer):
    """What answers a model's requests in an environment."""

    model: str
    environment: Environment
    epoch: int
    champion_epoch: int
    variants: list[VariantDetail]
    processes: int = Field(description="Processes of the data plane that report.")
    behind: list[str] = Field(description="Those that do not serve this yet.")
    under_way: RolloutProgress | None = Field(description="None: the champion has all requests.")


class RolloutPlanned(Answer):
    """What a rollout will do, and how long it takes."""

    strategy: str
    steps: str = Field(description="each share, how long it is held, and 100 % at the end")
    expected_seconds: float = Field(description="if every verdict is there when its hold is over")
    worst_seconds: float = Field(description="if every verdict is late, before people are asked")
    guard: str = Field(description="how long it is watched after that")


class RulingRequest(Ask):
    """A person's word on figures that decide nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "go_on": True,
                    "evidence_digest": "9f" * 32,
                    "comment": "too little traffic at night",
                }
            ]
        }
    )

    go_on: bool
    evidence_digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    comment: Words = ""


class CallOffRequest(Ask):
    """Give the champion all requests again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "incident 7"}]})

    reason: Words = ""
