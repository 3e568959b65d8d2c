"""MLflow's registry: a projection of our records that people know how to read."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temporalio import activity

from activities.mlflow_runs import RUN_TAG, MlflowRuns
from activities.mlflow_server import MlflowServer
from activities.work import in_thread, loading
from perennial.blobs import BlobStore
from perennial.connection import path
from perennial.contracts.errors import RegistryUnavailable
from perennial.contracts.records import Champion, ReadChampions
from perennial.contracts.registry import (
    AliasMoved,
    AliasTruth,
    FindMovedAliases,
    MovedAliases,
    ProjectAlias,
    Projection,
    RegisterVersion,
    Registration,
)
from perennial.contracts.spec import ENVIRONMENTS, Environment
from perennial.contracts.store import RecordStore

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

VERSION_TAG = "perennial.version"
CARD_TAG = "perennial.card"
_ARTEFACT = "model"
_MODELS_AT_ONCE = 1000
_MOVED_AT_ONCE = 100
"""The others are found the next time: what is put right is not found again."""
_DATASET_DIGEST = 36  # what MLflow has room for; the tag has all of it


class RegistryActivities:
    """Everything is found again by our ids, so that a repeat changes nothing."""

    def __init__(
        self,
        server: MlflowServer,
        runs: MlflowRuns,
        blobs: BlobStore,
        store: RecordStore,
        api_url: str,
    ) -> None:
        """`api_url`: where people find the cards of versions."""
        self._server = server
        self._runs = runs
        self._blobs = blobs
        self._store = store
        self._api_url = api_url.rstrip("/")

    @activity.defn(name="register_version")
    async def register_version(self, input: RegisterVersion) -> Registration:
        """Put a version into MLflow with its context."""
        return await in_thread(self._register, input)

    @activity.defn(name="project_alias")
    async def project_alias(self, input: ProjectAlias) -> Projection:
        """Make an alias say who is champion."""
        return await in_thread(self._project, input.model, input.environment)

    @activity.defn(name="find_moved_aliases")
    async def find_moved_aliases(self, input: FindMovedAliases) -> MovedAliases:
        """Compare the aliases of all models with our records: a call for each thousand models."""
        return await in_thread(self._find_moved)

    def _register(self, input: RegisterVersion) -> Registration:
        client, run = self._server.client, input.trained.mlflow_run_id
        from mlflow.exceptions import MlflowException

        card = f"{self._api_url}{path('models', input.model, 'versions', input.version, 'card')}"
        tags = {**_tags(input), CARD_TAG: card}
        with self._server.asked_to(f"register version {input.version} of {input.model}"):
            try:
                client.create_registered_model(input.model)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            found = client.search_model_versions(
                f"name='{input.model}' and tags.`{RUN_TAG}`='{input.run_id}'"
            )
            if found:
                version = str(found[0].version)
            else:
                self._runs.describe(run, tags, input.evidence.metrics)
                client.log_inputs(run, datasets=[_dataset(input)])
                self._upload(run, input)
                made = client.create_model_version(
                    input.model,
                    source=f"runs:/{run}/{_ARTEFACT}",
                    run_id=run,
                    tags=tags,
                    description=_description(input, card),
                    await_creation_for=0,
                )
                version = str(made.version)
        self._store.set_registration(input.model, input.version, run, version)
        return Registration(mlflow_run_id=run, mlflow_version=version)

    def _upload(self, run: str, input: RegisterVersion) -> None:
        """The file in MLflow's own layout, so that `mlflow.onnx.load_model` reads it."""
        with loading():
            import mlflow.onnx
            import onnx
            import onnxruntime

        file = self._blobs.get(input.exported.onnx)
        with tempfile.TemporaryDirectory() as folder:
            layout = Path(folder) / _ARTEFACT
            mlflow.onnx.save_model(
                onnx.load(file, load_external_data=False),
                str(layout),
                signature=_signature(input),
                onnx_execution_providers=["CPUExecutionProvider"],
                save_as_external_data=False,
                # asked for: found out by MLflow they would take seconds and a process
                pip_requirements=[
                    f"onnx=={onnx.__version__}",
                    f"onnxruntime=={onnxruntime.__version__}",
                ],
            )
            shutil.copyfile(file, layout / "model.onnx")  # byte for byte what was judged
            self._server.client.log_artifacts(run, str(layout), _ARTEFACT)

    def _find_moved(self) -> MovedAliases:
        truths = {(t.model, t.environment): t for t in self._store.read_aliases()}
        moved, compared, token = [], 0, None
        while True:
            with self._server.asked_to("list the aliases of all models"):
                page = self._server.client.search_registered_models(
                    max_results=_MODELS_AT_ONCE, page_token=token
                )
            for model in page:
                compared += 1
                for environment in ENVIRONMENTS:
                    truth = truths.get((model.name, environment)) or AliasTruth(
                        model=model.name, environment=environment
                    )
                    at = model.aliases.get(environment)
                    if truth.by_hand(None if at is None else str(at)):
                        moved.append(self._confirmed(model.name, environment))
            token = page.token
            if not token:
                found = tuple(alias for alias in moved if alias is not None)
                return MovedAliases(moved=found[:_MOVED_AT_ONCE], compared=compared)

    def _confirmed(self, model: str, environment: Environment) -> AliasMoved | None:
        """Look again, alias and records together: a projection may have run between the two."""
        before = self._truth(model, environment)
        with self._server.asked_to(f"read the alias {environment} of {model}"):
            at = self._alias(model, environment)
        ours = {theirs: own for own, theirs in self._store.mlflow_versions(model).items()}
        if before is None or not ours or self._truth(model, environment) != before:
            return None  # not a model of ours, or on the way: looked at again next time
        return _moved(before, at, ours) if before.by_hand(at) else None

    def _truth(self, model: str, environment: Environment) -> AliasTruth | None:
        """What an alias should say; None where MLflow never had the version that it should name."""
        for truth in self._store.read_aliases(model):
            if truth.environment == environment:
                return truth
        champion = self._champion(model, environment)
        known = champion.epoch == 0
        return AliasTruth(model=model, environment=environment) if known else None

    def _project(self, model: str, environment: Environment) -> Projection:
        """Set the alias, and again if the champion moved meanwhile."""
        first: int | None = None
        by_hand: AliasMoved | None = None
        looked = False
        while True:
            champion = self._champion(model, environment)
            ours = {theirs: own for own, theirs in self._store.mlflow_versions(model).items()}
            with self._server.asked_to(f"set the alias {environment} of {model}"):
                at = self._alias(model, environment)
                if not looked:
                    first, looked = ours.get(at or ""), True
                    truth = self._truth(model, environment)
                    if truth is not None and truth.by_hand(at):
                        by_hand = _moved(truth, at, ours)
                self._point(champion, at, ours)
            self._store.mark_projected(model, environment, champion.epoch, champion.version)
            if self._champion(model, environment).epoch == champion.epoch:
                return Projection(
                    environment=environment,
                    found=first,
                    wanted=champion.version,
                    epoch=champion.epoch,
                    by_hand=by_hand,
                )

    def _point(self, champion: Champion, at: str | None, ours: dict[str, int]) -> None:
        client, model, alias = self._server.client, champion.model, champion.environment
        if champion.version is None:
            if at is not None:
                client.delete_registered_model_alias(model, alias)
            return
        wanted = next((theirs for theirs, own in ours.items() if own == champion.version), None)
        if wanted is None:
            raise RegistryUnavailable(
                f"MLflow at {self._server.uri} has no version {champion.version} of {model}, the "
                f"champion in {alias}; restore MLflow's database, or promote another version"
            )
        if wanted != at:
            client.set_registered_model_alias(model, alias, wanted)

    def _alias(self, model: str, environment: Environment) -> str | None:
        """MLflow's version at an alias."""
        from mlflow.exceptions import MlflowException

        try:
            at = self._server.client.get_model_version_by_alias(model, environment)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        return str(at.version)

    def _champion(self, model: str, environment: Environment) -> Champion:
        return self._store.read_champions(ReadChampions(model=model)).in_(environment)


def _moved(truth: AliasTruth, at: str | None, ours: dict[str, int]) -> AliasMoved:
    return AliasMoved(
        model=truth.model,
        environment=truth.environment,
        found=at or "",
        found_version=ours.get(at or ""),
        wanted=truth.version,
        epoch=truth.epoch,
    )


def _tags(input: RegisterVersion) -> dict[str, str]:
    evidence, code = input.evidence, input.trained.code
    tags = {
        RUN_TAG: input.run_id,
        VERSION_TAG: str(input.version),
        "perennial.project": code.project,
        "perennial.code": code.source_digest,
        "perennial.git_commit": code.git_commit or "",
        "perennial.git_dirty": "" if code.dirty is None else str(code.dirty).lower(),
        "perennial.lock": code.lock_digest or "",
        "perennial.platform": code.platform_digest or "",
        "perennial.installed": code.installed.model_dump_json() if code.installed else "",
        "perennial.snapshot": input.snapshot.digest,
        "perennial.profile": evidence.profile,
        "perennial.onnx": input.exported.onnx.sha256,
        "perennial.evidence": input.evidence_digest,
        "perennial.params": json.dumps(input.training.model_dump(mode="json")),
        "perennial.test_rows": str(evidence.test_rows),
        "perennial.device": input.trained.device,
        "perennial.kept_epoch": str(input.trained.kept_epoch or ""),
        "mlflow.source.git.commit": code.git_commit or "",
    }
    return {key: value for key, value in tags.items() if value}


def _description(input: RegisterVersion, card: str) -> str:
    evidence = input.evidence
    rows = "\n".join(f"| {name} | {value:.4f} |" for name, value in evidence.metrics.items())
    return (
        f"Version {input.version} of {input.model}, from run `{input.run_id}`.\n\n"
        f"Trained on {input.trained.train_rows:,} rows of snapshot `{input.snapshot.digest[:12]}`, "
        f"measured on {evidence.test_rows:,} others. "
        f"[Model card]({card}?as=html).\n\n| metric | value |\n|---|---|\n{rows}\n"
    )


def _dataset(input: RegisterVersion) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    snapshot = input.snapshot
    columns = {column.name: column.type for column in snapshot.columns}
    source: dict[str, Any] = {"uri": snapshot.source_uri, "snapshot": snapshot.data.uri}
    if snapshot.feature_views:
        source["feature_views"] = [each.model_dump() for each in snapshot.feature_views]
    dataset = Dataset(
        name=input.model,
        digest=snapshot.digest[:_DATASET_DIGEST],
        source_type="perennial",
        source=json.dumps(source),
        schema=json.dumps(columns),
        profile=json.dumps({"num_rows": snapshot.rows}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _signature(input: RegisterVersion) -> ModelSignature:
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    def schema(tensors: tuple[Any, ...]) -> Schema:
        return Schema(
            [
                TensorSpec(np.dtype("str" if t.type == "string" else t.type), t.shape, t.name)
                for t in tensors
            ]
        )

    return ModelSignature(schema(input.exported.inputs), schema(input.exported.outputs))
