"""What people find in MLflow, and that it says what our records say."""

from __future__ import annotations

import hashlib
from pathlib import Path

import mlflow.onnx
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from temporalio.testing import ActivityEnvironment

from activities.export import ExportActivities
from activities.mlflow_runs import MlflowRuns
from activities.mlflow_server import MlflowServer
from activities.modelling.data.snapshots import Frames
from activities.modelling.models.candidates import keep_weights
from activities.registry import RegistryActivities
from perennial.canonical import digest
from perennial.contracts import records
from perennial.contracts.errors import RegistryUnavailable
from perennial.contracts.registry import (
    FindMovedAliases,
    ProjectAlias,
    Projection,
    RegisterVersion,
    Registration,
)
from perennial.contracts.training import ExportModel, TrainedModel, TrainModel
from tests import samples
from tests.integration.ml.conftest import Place
from tests.servers import free_port
from tests.unit.ml.making import fit

API = "http://api.example.org"


class Registered:
    """A model with versions in our records and in MLflow."""

    def __init__(self, place: Place, asked: TrainModel) -> None:
        self.place, self.asked, self.model = place, asked, asked.model
        self.activities = RegistryActivities(
            place.server, place.runs, place.blobs, place.store, API
        )

    async def version(self, run_id: str) -> RegisterVersion:
        """Train here, export and record one more version, not yet in MLflow."""
        place = self.place
        asked = self.asked.model_copy(update={"run_id": run_id})
        place.record(asked)
        trained = self.trained(place.runs.open(asked).id)
        exported = await ActivityEnvironment().run(
            ExportActivities(place.blobs, Frames(place.blobs)).export_model,
            ExportModel(**asked.model_dump(exclude={"author"}), trained=trained),
        )
        recorded = place.store.record_version(
            records.RecordVersion(
                effect=f"{run_id}/version",
                run_id=run_id,
                model=self.model,
                author="ada",
                snapshot=asked.snapshot,
                trained=trained,
                exported=exported,
                at=samples.at(1),
            )
        )
        evidence = samples.evidence(recorded.version, run_id, self.model)
        return RegisterVersion(
            run_id=run_id,
            model=self.model,
            version=recorded.version,
            snapshot=asked.snapshot,
            training=asked.training,
            trained=trained,
            exported=exported,
            evidence=evidence,
            evidence_digest=digest(evidence),
        )

    def trained(self, mlflow_run: str) -> TrainedModel:
        """As a training in Ray leaves it; Ray is not what is tested here."""
        blobs, fitted = self.place.blobs, fit(self.asked.project, training=self.asked.training)
        return TrainedModel(
            weights=keep_weights(blobs, fitted.network),
            preprocessing=blobs.put_bytes(fitted.preprocessing.to_bytes()),
            code=fitted.project.identity(),
            epochs=tuple(fitted.epochs),
            train_rows=len(fitted.prepared.rows.train),
            test_rows=len(fitted.prepared.rows.test),
            seconds=1.0,
            device="cpu",
            mlflow_run_id=mlflow_run,
        )

    async def register(self, input: RegisterVersion) -> Registration:
        return await ActivityEnvironment().run(self.activities.register_version, input)

    async def project(self) -> Projection:
        asked = ProjectAlias(model=self.model, environment="production")
        return await ActivityEnvironment().run(self.activities.project_alias, asked)

    def promote(self, version: int | None, epoch: int) -> None:
        self.place.store.move_champion(
            records.MoveChampion.model_validate(
                {
                    "effect": f"{self.model}/{epoch}",
                    "model": self.model,
                    "environment": "production",
                    "version": version,
                    "expected_epoch": epoch,
                    "cause": "promotion" if version else "retirement",
                    "actor": "ada",
                    "reason": "test",
                    "at": samples.at(10 + epoch),
                }
            )
        )

    def alias(self) -> str | None:
        try:
            found = self.place.server.client.get_model_version_by_alias(self.model, "production")
        except MlflowException:
            return None
        return str(found.version)


async def test_a_version_is_registered_once_and_can_be_loaded(place: Place) -> None:
    model = Registered(place, await place.ask("Line", epochs=1))
    version = await model.version("run-a")
    first = await model.register(version)
    assert await model.register(version) == first
    assert place.store.mlflow_versions(model.model) == {1: first.mlflow_version}

    client: MlflowClient = place.server.client
    found = client.get_model_version(model.model, first.mlflow_version)
    assert found.tags["perennial.version"] == "1"
    assert found.tags["perennial.evidence"] == version.evidence_digest
    assert found.tags["perennial.code"] == version.trained.code.source_digest
    assert found.run_id == version.trained.mlflow_run_id
    card = f"{API}/v1/models/{version.model}/versions/1/card"
    assert found.tags["perennial.card"] == card
    assert "| roc_auc | 0.7100 |" in found.description and f"({card}?as=html)" in found.description
    run = client.get_run(found.run_id)
    assert run.data.metrics["roc_auc"] == 0.71
    assert run.data.tags["perennial.snapshot"] == version.snapshot.digest
    assert run.inputs.dataset_inputs[0].dataset.digest == version.snapshot.digest[:36]

    file = client.download_artifacts(found.run_id, "model/model.onnx")
    assert hashlib.sha256(Path(file).read_bytes()).hexdigest() == version.exported.onnx.sha256
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", place.server.uri)
        loaded = mlflow.onnx.load_model(f"models:/{model.model}/{first.mlflow_version}")
    assert [value.name for value in loaded.graph.input] == ["a", "b"]


async def test_the_alias_follows_our_records(place: Place) -> None:
    model = Registered(place, await place.ask("Line", epochs=1))
    one, two = await model.version("run-b"), await model.version("run-c")
    # in the other order, so that our numbers and MLflow's differ
    second, first = await model.register(two), await model.register(one)

    nobody = await model.project()
    assert (nobody.found, nobody.wanted, nobody.epoch) == (None, None, 0)
    assert model.alias() is None

    model.promote(1, epoch=0)
    assert (await model.project()).wanted == 1
    assert model.alias() == first.mlflow_version

    model.promote(2, epoch=1)
    moved = await model.project()
    assert (moved.found, moved.wanted, moved.epoch) == (1, 2, 2)
    assert model.alias() == second.mlflow_version

    # somebody moves it by hand
    place.server.client.set_registered_model_alias(model.model, "production", first.mlflow_version)
    put_right = await model.project()
    assert (put_right.found, put_right.wanted) == (1, 2)
    assert put_right.by_hand is not None and put_right.by_hand.found == first.mlflow_version
    assert model.alias() == second.mlflow_version
    assert (await model.project()).by_hand is None

    model.promote(None, epoch=2)
    gone = await model.project()
    assert (gone.found, gone.wanted) == (2, None)
    assert model.alias() is None


async def test_an_alias_moved_by_hand_is_told_from_one_that_lags(place: Place) -> None:
    model = Registered(place, await place.ask("Line", epochs=1))
    one, two = await model.version("run-e"), await model.version("run-f")
    first, second = await model.register(one), await model.register(two)
    client = place.server.client

    async def found() -> list[tuple[str, str, int | None, int | None]]:
        looked = await ActivityEnvironment().run(
            model.activities.find_moved_aliases, FindMovedAliases()
        )
        return [
            (moved.environment, moved.found, moved.found_version, moved.wanted)
            for moved in looked.moved
            if moved.model == model.model
        ]

    model.promote(1, epoch=0)
    assert await found() == [], "it lags behind"
    await model.project()
    assert await found() == []

    model.promote(2, epoch=1)
    client.set_registered_model_alias(model.model, "production", second.mlflow_version)
    assert await found() == [], "a projection that was interrupted got that far"
    await model.project()

    client.set_registered_model_alias(model.model, "production", first.mlflow_version)
    client.set_registered_model_alias(model.model, "staging", second.mlflow_version)
    client.set_registered_model_alias(model.model, "mine", second.mlflow_version)
    assert await found() == [
        ("staging", second.mlflow_version, 2, None),
        ("production", first.mlflow_version, 1, 2),
    ]
    await model.project()
    client.delete_registered_model_alias(model.model, "staging")
    client.delete_registered_model_alias(model.model, "production")
    assert await found() == [("production", "", None, 2)]


async def test_a_projection_delivered_twice_leaves_one_version_and_one_alias(place: Place) -> None:
    model = Registered(place, await place.ask("Line", epochs=1))
    version = await model.version("run-g")
    first = await model.register(version)
    model.promote(1, epoch=0)
    assert await model.register(version) == first
    assert await model.project() == (await model.project()).model_copy(update={"found": None})
    versions = place.server.client.search_model_versions(f"name='{model.model}'")
    assert [str(v.version) for v in versions] == [first.mlflow_version]
    assert model.alias() == first.mlflow_version


async def test_mlflow_away_is_said_with_its_address(place: Place) -> None:
    model = Registered(place, await place.ask("Line"))
    server = MlflowServer(f"http://127.0.0.1:{free_port()}")
    model.activities = RegistryActivities(server, MlflowRuns(server), place.blobs, place.store, API)
    with pytest.raises(RegistryUnavailable, match=r"set the alias production of .*`make up`"):
        await model.project()


async def test_a_champion_that_mlflow_has_lost(place: Place) -> None:
    model = Registered(place, await place.ask("Line", epochs=1))
    await model.version("run-d")
    model.promote(1, epoch=0)
    with pytest.raises(RegistryUnavailable, match=r"has no version 1 of .*, the champion in"):
        await model.project()
