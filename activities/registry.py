"""Versions and aliases in MLflow: a projection of our records that people know how to read."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from temporalio import activity

from activities.tracking import RUN_TAG, Tracking
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

VERSION_TAG = "perennial.version"


class RegistryActivities:
    """The registry. Everything is found before it is made, so a repeat makes nothing twice."""

    def __init__(self, tracking: Tracking, blobs: BlobStore, store: RecordStore) -> None:
        self._mlflow = tracking
        self._blobs = blobs
        self._store = store

    @activity.defn(name="register_version")
    async def register_version(self, input: RegisterVersion) -> Registration:
        """Put a version with its full context into MLflow."""
        return await asyncio.to_thread(self._register, input)

    @activity.defn(name="project_alias")
    async def project_alias(self, input: ProjectAlias) -> Projection:
        """Make the alias of an environment name the champion that our records name."""
        return await asyncio.to_thread(self._project, input)

    def _register(self, input: RegisterVersion) -> Registration:
        client, run = self._mlflow.client, input.trained.mlflow_run_id
        self._ensure_registered_model(input.model)
        found = self._mlflow.call(
            client.search_model_versions,
            f"name = '{input.model}' AND tags.`{RUN_TAG}` = '{input.run_id}'",
        )
        if found:
            version = str(found[0].version)
        else:
            self._describe(input)
            self._upload(input, run)
            made = self._mlflow.call(
                client.create_model_version,
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
            version = str(made.version)
            self._mlflow.call(client.set_terminated, run)
        self._store.set_registration(input.model, input.version, run, version)
        return Registration(mlflow_run_id=run, mlflow_version=version)

    def _describe(self, input: RegisterVersion) -> None:
        run, evidence = input.trained.mlflow_run_id, input.evidence
        training = input.training.model_dump(exclude={"params"})
        code = evidence.code
        self._mlflow.describe(
            run,
            {**{k: v for k, v in training.items() if k != "split"}, **input.training.params},
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
        )
        self._mlflow.log_metrics(
            run, ((f"test_{name}", value, 0) for name, value in evidence.metrics.items())
        )
        self._log_dataset(input)

    def _log_dataset(self, input: RegisterVersion) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        snapshot = input.snapshot
        dataset = Dataset(
            name=input.model,
            digest=snapshot.digest[:36],  # MLflow's column is 36 wide
            source_type="parquet",
            source=canonical({"uri": snapshot.data.uri}).decode(),
            profile=canonical({"num_rows": snapshot.rows}).decode(),
        )
        self._mlflow.call(
            self._mlflow.client.log_inputs,
            input.trained.mlflow_run_id,
            [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])],
        )

    def _upload(self, input: RegisterVersion, run: str) -> None:
        """An MLflow model folder (onnx flavour, no pickle), and the evidence beside it."""
        import onnx
        from mlflow.models import Model

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
            self._mlflow.call(self._mlflow.client.log_artifacts, run, str(folder), "model")

    def _ensure_registered_model(self, model: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._mlflow.call(self._mlflow.client.get_registered_model, model)
        except MlflowException:
            try:
                self._mlflow.call(
                    self._mlflow.client.create_registered_model,
                    model,
                    description="Owned by Perennial: aliases follow its records.",
                )
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise

    def _project(self, input: ProjectAlias) -> Projection:
        client, alias = self._mlflow.client, input.environment
        champions = self._store.read_champions(records.ReadChampions(model=input.model))
        champion = champions.in_(input.environment)
        theirs = self._store.mlflow_versions(input.model)
        ours = {mlflow: version for version, mlflow in theirs.items()}
        aliases = self._mlflow.call(client.get_registered_model, input.model).aliases
        found = aliases.get(alias)
        wanted = theirs.get(champion.version) if champion.version is not None else None
        if wanted is not None and str(found) != wanted:
            self._mlflow.call(client.set_registered_model_alias, input.model, alias, wanted)
        elif wanted is None and found is not None:
            self._mlflow.call(client.delete_registered_model_alias, input.model, alias)
        return Projection(
            environment=input.environment,
            found=ours.get(str(found)) if found is not None else None,
            wanted=champion.version,
            epoch=champion.epoch,
        )
