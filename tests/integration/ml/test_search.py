"""A search on a real Ray that is killed, goes on with what was tried, and is seen in MLflow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.searching import SearchActivities
from perennial.contracts.errors import BadInput, ClusterUnavailable
from perennial.contracts.search import SearchParameters
from perennial.contracts.search_plan import SearchPlan
from tests.integration.ml.conftest import Place
from tests.integration.ml.heartbeats import Heartbeats


async def test_a_killed_search_goes_on_with_its_finished_trials(
    place: Place, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    train = await place.ask("Slow", epochs=2, params={"pace": 0.2, "log": str(log)})
    space = {"dropout": {"values": [0.0, 0.1, 0.2, 0.3]}}
    plan = SearchPlan.model_validate({"space": space, "trials": 4, "at_once": 1, "keep_one_in": 9})
    asked = SearchParameters(train=train, plan=plan, metric="roc_auc", goal="maximize")
    activities = SearchActivities(place.blobs, place.cluster, place.runs, place.store)
    environment = ActivityEnvironment()
    beats = Heartbeats(environment)
    first = asyncio.create_task(environment.run(activities.search_parameters, asked))
    await beats.until(lambda beat: str(beat["note"]).startswith(("2 of 4", "3 of 4")))
    await place.cluster.remove(train.run_id, "search")
    with pytest.raises(ClusterUnavailable, match="goes on from the trials that were kept"):
        await first

    searched = await ActivityEnvironment().run(activities.search_parameters, asked)
    assert (searched.finished + searched.stopped, searched.failed) == (4, 0)
    assert searched.training.params["dropout"] == searched.best.params["dropout"]
    trained = len(log.read_text().splitlines())
    assert 8 <= trained <= 10, "two epochs each, and those of the one that was cut short again"

    parent = place.runs.open(train).id
    client = place.server.client
    of_search = [client.get_experiment_by_name(train.model).experiment_id]
    nested = client.search_runs(of_search, f"tags.mlflow.parentRunId = '{parent}'")
    assert {run.data.params["dropout"] for run in nested} == {"0.0", "0.1", "0.2", "0.3"}
    assert client.get_run(parent).data.params["epochs"] == "2"


async def test_a_space_that_holds_no_training_is_refused_before_any_trial(place: Place) -> None:
    train = await place.ask("Line")
    plan = SearchPlan.model_validate({"space": {"batch_size": {"values": [0]}}})
    asked = SearchParameters(train=train, plan=plan, metric="roc_auc", goal="maximize")
    activities = SearchActivities(place.blobs, place.cluster, place.runs, place.store)
    with pytest.raises(
        BadInput, match=r"would try \{'batch_size': 0\}.*greater than or equal to 1"
    ):
        await ActivityEnvironment().run(activities.search_parameters, asked)
