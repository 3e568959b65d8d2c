"""The same inputs give the same weights, whatever kind of model it is; others do not."""

from __future__ import annotations

import pytest
from temporalio.testing import ActivityEnvironment

from activities.reproduction import ReproductionActivities
from perennial.blobs import BlobStore
from perennial.contracts.data import DatasetSnapshot
from perennial.contracts.reproduction import CompareWeights, FindInputs, InputsFound
from perennial.contracts.spec import Training
from tests.unit.ml.stages import Stages

OWN = "tests.integration.ml.projects"


@pytest.mark.parametrize("project", ["Line", "Boosted", "Drawing"])
async def test_a_training_follows_from_its_inputs(blobs: BlobStore, project: str) -> None:
    run = Stages(blobs, f"{OWN}:{project}", "binary", Training(epochs=2, seed=3))
    snapshot = await run.snapshot()
    then, now = run.trained(snapshot), run.trained(snapshot)
    compare = ReproductionActivities(blobs).compare_weights
    same = await ActivityEnvironment().run(compare, CompareWeights(then=then, now=now))
    assert (same.identical, same.max_abs_diff) == (True, 0.0)

    run.plan = Training(epochs=2, seed=4)
    other = run.trained(snapshot)
    told = await ActivityEnvironment().run(compare, CompareWeights(then=then, now=other))
    assert not told.identical
    if told.kind == "network":
        assert told.max_abs_diff is not None and told.max_abs_diff > 0


async def test_inputs_that_are_gone_are_named(blobs: BlobStore) -> None:
    run = Stages(blobs, f"{OWN}:Line", "binary")
    snapshot = await run.snapshot()
    found = await _find(blobs, run.project, snapshot)
    assert found.gone == () and found.code is not None
    blobs.get(snapshot.data).unlink()
    found = await _find(blobs, f"{OWN}:Gone", snapshot)
    project, rows = found.gone
    assert "has no model project Gone" in project
    assert f"rows of snapshot {snapshot.digest[:12]} are gone" in rows and "backup" in rows


async def _find(blobs: BlobStore, project: str, snapshot: DatasetSnapshot) -> InputsFound:
    activities = ReproductionActivities(blobs)
    asked = FindInputs(project=project, snapshot=snapshot)
    return await ActivityEnvironment().run(activities.find_inputs, asked)
