"""The registry (MLflow): a projection of our records that people already know how to read."""

from __future__ import annotations

from temporalio import activity

from perennial.contracts.base import Contract
from perennial.contracts.data import DatasetSnapshot
from perennial.contracts.policy import Evidence
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


class Projection(Contract):
    """What the alias was found at and was put to (versions of ours; None: no alias)."""

    environment: Environment
    found: int | None
    wanted: int | None
    epoch: int


@activity.defn(name="register_version")
async def register_version(input: RegisterVersion) -> Registration:
    """Raises RegistryUnavailable."""
    raise NotImplementedError


@activity.defn(name="project_alias")
async def project_alias(input: ProjectAlias) -> Projection:
    """Raises RegistryUnavailable."""
    raise NotImplementedError
