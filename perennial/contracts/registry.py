"""The registry (MLflow): a projection of our records that people already know how to read."""

from __future__ import annotations

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import Contract, Utc
from perennial.contracts.data import DatasetSnapshot
from perennial.contracts.policy import Evidence
from perennial.contracts.records import Done
from perennial.contracts.spec import Environment, Training
from perennial.contracts.training import ExportedModel, TrainedModel


class RegisterVersion(Contract):
    """Put a version into MLflow with its full context; found again by its run id on a repeat."""

    run_id: str
    model: str
    version: int
    snapshot: DatasetSnapshot
    training: Training
    trained: TrainedModel
    exported: ExportedModel
    evidence: Evidence
    evidence_digest: str


class Registration(Contract):
    """Where MLflow keeps a version."""

    mlflow_run_id: str
    mlflow_version: str


class ProjectAlias(Contract):
    """Make MLflow's alias of an environment say what our records say."""

    model: str
    environment: Environment


class AliasMoved(Contract):
    """An alias that somebody moved by hand: where it was found, and where it belongs."""

    model: str
    environment: Environment
    found: str = Field(description="MLflow's version; empty: the alias was deleted")
    found_version: int | None = Field(default=None, description="ours, if it is one of ours")
    wanted: int | None = Field(description="our version; None: no alias")
    epoch: int


class Projection(Contract):
    """What the alias was found at and was put to (versions of ours; None: no alias)."""

    environment: Environment
    found: int | None
    wanted: int | None
    epoch: int
    by_hand: AliasMoved | None = Field(
        default=None, description="it was where nothing of ours ever put it"
    )


class AliasTruth(Contract):
    """What one alias should say, in MLflow's versions (None: no alias)."""

    model: str
    environment: Environment
    version: int | None = None
    epoch: int = 0
    wanted: str | None = None
    settled: bool = Field(default=True, description="the projection has caught up with the epoch")
    lawful: tuple[str | None, ...] = Field(
        default=(None,), description="where it may be while the projection is under way"
    )

    def by_hand(self, at: str | None) -> bool:
        """Whether an alias that is there can only have been moved by hand."""
        if self.settled:
            return at != self.wanted
        return at not in self.lawful


class FindMovedAliases(Contract):
    """Compare MLflow's aliases with our records, those of all models."""


class MovedAliases(Contract):
    """Every alias that was found moved by hand."""

    moved: tuple[AliasMoved, ...] = ()
    compared: int = Field(default=0, description="models that MLflow knows")


class RecordAliasMoved(Contract):
    """Keep an alias that was moved by hand, and what is done about it."""

    effect: str
    moved: AliasMoved
    action: str = Field(description="restored, or adopted by which run")
    at: Utc


@activity.defn(name="register_version")
async def register_version(input: RegisterVersion) -> Registration:
    """Raises RegistryUnavailable."""
    raise NotImplementedError


@activity.defn(name="find_moved_aliases")
async def find_moved_aliases(input: FindMovedAliases) -> MovedAliases:
    """Raises RegistryUnavailable."""
    raise NotImplementedError


@activity.defn(name="record_alias_moved")
async def record_alias_moved(input: RecordAliasMoved) -> Done:
    """Keep that an alias was moved by hand."""
    raise NotImplementedError


@activity.defn(name="project_alias")
async def project_alias(input: ProjectAlias) -> Projection:
    """Raises RegistryUnavailable."""
    raise NotImplementedError
