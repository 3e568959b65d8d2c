"""Versions and aliases in MLflow: a projection of our records that people know how to read."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio import activity

from activities.mlflow_runs import RUN_TAG, MlflowRuns
from activities.mlflow_server import MlflowServer
from activities.work import in_thread, loading
from perennial.blobs import BlobStore
from perennial.canonical import canonical
from perennial.contracts import records
from perennial.contracts.registry import (
    ProjectAlias,
    Projection,
    RegisterVersion,
    Registration,
)
from perennial.contracts.store import RecordStore

if TYPE_CHECKING:
    from mlflow import MlflowClient

VERSION_TAG = "perennial.version"
_DIGEST_WIDTH = 36  # of MLflow's column


class RegistryActivities:
    """The registry. Everything is found before it is made, so a repeat makes nothing twice."""

    def __init__(
        self, server: MlflowServer, runs: MlflowRuns, blobs: BlobStore, store: RecordStore
    ) -> None:
        self._server = server
        self._runs = runs
        self._blobs = blobs
        self._store = store

    @activity.defn(name="register_version")
    async def register_version(self, input: RegisterVersion) -> Registration:
        """Put a version with its full context into MLflow."""
        return await in_thread(self._register, input)

    @activity.defn(name="project_alias")
    async def project_alias(self, input: ProjectAlias) -> Projection:
        """Make the alias of an environment name the champion that our records name."""
        return await in_thread(self._project, input)

    def _register(self, input: RegisterVersion) -> Registration:
        client, run = self._server.client, input.trained.mlflow_run_id
        with self._server.asked_to(f"register version {input.version} of {input.model}"):
            _ensure_registered_model(client, input.model)
            found = client.search_model_versions(
                f"name = '{input.model}' AND tags.`{RUN_TAG}` = '{input.run_id}'"
            )
            version = str(found[0].version) if found else self._make(client, input)
        self._store.set_registration(input.model, input.version, run, version)
        return Registration(mlflow_run_id=run, mlflow_version=version)

    def _make(self, client: MlflowClient, input: RegisterVersion) -> str:
        run, evidence = input.trained.mlflow_run_id, input.evidence
        code = evidence.code
        self._runs.describe(
            run,
            {
                VERSION_TAG: str(input.version),
                "perennial.snapshot": evidence.snapshot,
                "perennial.profile": evidence.profile,
                "perennial.onnx": evidence.onnx,
                "perennial.evidence": input.evidence_digest,
                "perennial.code": code.source_digest,
                "perennial.environment": code.lock_digest or "unknown",
                "mlflow.source.git.commit": code.git_commit or "unknown",
            },
            {f"test_{name}": value for name, value in evidence.metrics.items()},
        )
        _log_dataset(client, input)
        self._upload(client, input)
        made = client.create_model_version(
            input.model,
            source=f"runs:/{run}/model",
            run_id=run,
            tags={
                RUN_TAG: input.run_id,
                VERSION_TAG: str(input.version),
                "perennial.onnx": input.exported.onnx.sha256,
                "perennial.evidence": input.evidence_digest,
            },
            description=f"Version {input.version} of {input.model}, from run {input.run_id}",
            await_creation_for=0,
        )
        return str(made.version)

    def _upload(self, client: MlflowClient, input: RegisterVersion) -> None:
        """A model folder of MLflow's onnx flavour (no pickle), and the evidence beside it."""
        with loading():
            import onnx
            from mlflow.models import Model

        run = input.trained.mlflow_run_id
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "model"
            folder.mkdir()
            shutil.copyfile(self._blobs.get(input.exported.onnx), folder / "model.onnx")
            model = Model(run_id=run, artifact_path="model")
            model.add_flavor(
                "onnx",
                onnx_version=onnx.__version__,
                data="model.onnx",
                providers=["CPUExecutionProvider"],
                onnx_session_options=None,
                code=None,
            )
            model.save(str(folder / "MLmodel"))
            (folder / "evidence.json").write_bytes(canonical(input.evidence))
            client.log_artifacts(run, str(folder), "model")

    def _project(self, input: ProjectAlias) -> Projection:
        client, alias = self._server.client, input.environment
        champions = self._store.read_champions(records.ReadChampions(model=input.model))
        champion = champions.in_(input.environment)
        theirs = self._store.mlflow_versions(input.model)
        ours = {mlflow: version for version, mlflow in theirs.items()}
        with self._server.asked_to(f"set the alias {alias} of {input.model}"):
            found = client.get_registered_model(input.model).aliases.get(alias)
            wanted = theirs.get(champion.version) if champion.version is not None else None
            if wanted is not None and str(found) != wanted:
                client.set_registered_model_alias(input.model, alias, wanted)
            elif wanted is None and found is not None:
                client.delete_registered_model_alias(input.model, alias)
        return Projection(
            environment=input.environment,
            found=ours.get(str(found)) if found is not None else None,
            wanted=champion.version,
            epoch=champion.epoch,
        )


def _log_dataset(client: MlflowClient, input: RegisterVersion) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    snapshot = input.snapshot
    dataset = Dataset(
        name=input.model,
        digest=snapshot.digest[:_DIGEST_WIDTH],
        source_type="parquet",
        source=canonical({"uri": snapshot.data.uri}).decode(),
        profile=canonical({"num_rows": snapshot.rows}).decode(),
    )
    client.log_inputs(
        input.trained.mlflow_run_id,
        [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])],
    )


def _ensure_registered_model(client: MlflowClient, model: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(
            model, description="Owned by Perennial: aliases follow its records."
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
