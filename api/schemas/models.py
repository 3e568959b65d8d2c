"""Models, specs, champions and versions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body
from pydantic import AwareDatetime, ConfigDict, Field

from api.schemas.base import Answer, Ask, Hotfixable, Json, Reasoned, VersionNumber, Words
from perennial.contracts.spec import Environment


class ChampionDetail(Answer):
    """Which version an environment has, and by whose hand."""

    environment: Environment
    version: int | None = Field(description="none: it has no champion at present")
    epoch: int = Field(description="grows by one with every move")
    since: AwareDatetime | None
    cause: str = Field(description="promotion, rollback or retirement")
    actor: str
    reason: str
    run_id: str | None
    decision_id: str | None


class Champions(Answer):
    """The champions of a model."""

    model: str
    champions: list[ChampionDetail]


class Reign(Answer):
    """A champion that is or was: from when to when, why, and by whose hand."""

    model_config = ConfigDict(populate_by_name=True)

    environment: Environment
    version: int | None
    epoch: int
    since: AwareDatetime = Field(serialization_alias="from")
    until: AwareDatetime | None = Field(serialization_alias="to", description="none: still is")
    cause: str
    actor: str
    reason: str
    run_id: str | None
    decision_id: str | None
    approved_by: list[str] = Field(description="who approved this promotion")


class ModelDetail(Answer):
    """A model and what it is doing now."""

    name: str
    description: str
    status: str = Field(description="active, paused or retired")
    task: str
    risk_tier: str
    owners: list[str]
    environments: list[Environment]
    project: str
    spec_version: int
    updated_at: AwareDatetime
    champions: list[ChampionDetail]
    runs_under_way: list[str]


class SpecDetail(Answer):
    """A spec as it was applied."""

    model: str
    version: int
    applied_at: AwareDatetime
    applied_by: str
    digest: str
    spec: Json


class SpecSchema(Answer):
    """A JSON schema."""

    model_config = ConfigDict(extra="allow")


class VersionSummary(Answer):
    """A version of a model."""

    model: str
    version: int
    run_id: str
    author: str
    created_at: AwareDatetime
    metrics: dict[str, float] = Field(description="of the newest evidence; empty without any")
    champion_in: list[Environment]


class VersionDetail(VersionSummary):
    """A version, how it was made, and the evidence that counts."""

    evidence: Json | None
    evidence_digest: str | None
    snapshot: Json
    training: Json = Field(description="code, epochs, rows and time of the training")
    exported: Json = Field(description="the ONNX file, its inputs and outputs, and its parity")
    registration: Json | None = Field(description="where MLflow has it")


class EvidenceDetail(Answer):
    """The evidence of a version that counts."""

    model: str
    version: int
    evidence: Json = Field(description="what the policy is asked with")
    evidence_digest: str
    details: Json | None = Field(
        description="every group's metrics, every shuffled column and curves; none where they were "
        "not measured or the store has lost them"
    )


class PromoteRequest(Hotfixable):
    """Take a version that exists through the environments."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"version": 3, "environment": "production", "reason": "release 12"}]
        }
    )

    version: VersionNumber
    environment: Environment = Field(description="the last environment to reach")


class RollbackRequest(Reasoned):
    """Put an earlier champion back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"environment": "production", "reason": "too many false alarms"}]
        }
    )

    environment: Environment
    to_version: VersionNumber | None = Field(
        default=None, description="none: the champion before this one"
    )


class LeverRequest(Ask):
    """Pause, resume or retire."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "labels are late"}]})

    reason: Words = ""


LeverBody = Annotated[LeverRequest, Body(default_factory=LeverRequest)]
"""The body of a lever, which may be left out."""

SPEC_EXAMPLE: dict[str, Any] = {
    "model": "flights",
    "project": "examples.flights.project:FlightDelay",
    "task": "binary",
    "source": {"uri": "data/flights.parquet"},
    "metrics": {"primary": "roc_auc", "thresholds": [{"metric": "roc_auc", "min": 0.6}]},
    "owners": ["data-team"],
}
