"""Trainings whose process or cluster dies: the next goes on from the newest valid checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from activities.modelling.models.candidates import keep_weights
from perennial.contracts.errors import ClusterUnavailable
from tests.integration.ml.attempts import Attempt, again, until
from tests.integration.ml.conftest import Place
from tests.integration.ml.watched import EPOCHS, Watched
from tests.unit.ml.making import fit


async def test_a_killed_process_costs_one_interval_at_most(place: Place, tmp_path: Path) -> None:
    watched = Watched(place, tmp_path)
    await watched.ask()
    first = await watched.killed_after(Attempt(place, watched.asked), 0)
    newest = max(watched.checkpoints())
    # two epochs of 0.6 s are more than a second's, and the last of them would have been kept
    assert newest <= max(watched.trained_by(first)) <= newest + 2

    attempt = Attempt(place, watched.asked)
    beat = await attempt.beats.until(lambda beat: "note" in beat and "epoch" in beat)
    assert beat["note"] == f"resumed from epoch {newest}"
    second = await watched.killed_after(attempt, newest)
    assert watched.trained_by(second)[0] == newest + 1

    before, last = sorted(watched.checkpoints())
    broken = watched.checkpoints()[last]
    broken.write_bytes(broken.read_bytes()[:-100])
    watched.hurry.touch()
    trained = await Attempt(place, watched.asked).task
    third = watched.trained()[-1][1]
    assert watched.trained_by(third) == list(range(before + 1, EPOCHS + 1))

    assert [epoch.epoch for epoch in trained.epochs] == list(range(1, EPOCHS + 1))
    losses = place.server.client.get_metric_history(trained.mlflow_run_id, "loss")
    assert sorted(each.step for each in losses) == list(range(1, EPOCHS + 1))
    assert not watched.folder.exists()
    asked = watched.asked
    undisturbed = fit(asked.project, asked.task, asked.training)
    assert [epoch.loss for epoch in trained.epochs] == [epoch.loss for epoch in undisturbed.epochs]
    assert trained.weights.sha256 == keep_weights(place.blobs, undisturbed.network).sha256


async def test_a_cluster_that_restarts_goes_on(place: Place, tmp_path: Path) -> None:
    watched = Watched(place, tmp_path)
    await watched.ask()
    attempt = Attempt(place, watched.asked)
    await until(lambda: len(watched.checkpoints()) == 2)
    gone = place.stack.kill("ray")
    with pytest.raises(ClusterUnavailable):
        await attempt.task
    kept = max(watched.checkpoints())
    watched.hurry.touch()
    place.stack.wait_restarted("ray", gone)
    trained = await again(place, watched.asked)
    assert watched.trained_by(watched.trained()[-1][1]) == list(range(kept + 1, EPOCHS + 1))
    assert [epoch.epoch for epoch in trained.epochs] == list(range(1, EPOCHS + 1))
