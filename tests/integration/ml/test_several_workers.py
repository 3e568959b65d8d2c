"""Two workers of Ray Train share one training."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from activities.modelling.models import candidates
from activities.modelling.projects import load_project
from activities.modelling.training.keeping_out import LOSS
from perennial.contracts.errors import ClusterUnavailable
from perennial.contracts.spec import EarlyStopping
from tests.integration.ml.attempts import Attempt, until
from tests.integration.ml.conftest import Place
from tests.integration.ml.watched import EPOCHS, Watched
from tests.unit.ml.making import fit

TWO = {"workers": 2, "cpus_per_worker": max(1, (psutil.cpu_count() or 2) // 2)}


async def test_an_end_by_force_frees_all_and_the_next_one_goes_on(
    place: Place, tmp_path: Path
) -> None:
    watched = Watched(place, tmp_path)
    # rows that are kept out tell the loss of the network, and not that of a worker's share
    await watched.ask(dropout=0.0, early_stopping=EarlyStopping(patience=EPOCHS), **TWO)
    attempt = Attempt(place, watched.asked)
    await until(lambda: len(watched.checkpoints()) == 2)
    await place.cluster.remove(watched.asked.run_id)
    with pytest.raises(ClusterUnavailable, match="the training's process in Ray is gone"):
        await attempt.task
    before = {pid for _, pid in watched.trained()}
    kept = max(watched.checkpoints())

    watched.hurry.touch()
    # it asks for all CPUs, so it starts only if the group before it has left none taken
    next_one = Attempt(place, watched.asked)
    beat = await next_one.beats.until(lambda beat: "note" in beat and "epoch" in beat)
    assert beat["note"] == f"resumed from epoch {kept}"
    trained = await next_one.task
    assert [epoch.epoch for epoch in trained.epochs] == list(range(1, EPOCHS + 1))
    afterwards = {pid for _, pid in watched.trained()} - before
    assert len(before) == len(afterwards) == 2
    for pid in afterwards:
        assert watched.trained_by(pid) == list(range(kept + 1, EPOCHS + 1))

    # each batch of one worker is what two workers share: the same training in another order
    asked = watched.asked
    project = load_project(asked.project)
    alone = fit(asked.project, asked.task, asked.training)
    losses = [[epoch.metrics[LOSS] for epoch in each.epochs] for each in (trained, alone)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert trained.kept_epoch == alone.kept_epoch == losses[1].index(min(losses[1])) + 1
    together = candidates.build(project, alone.preprocessing, asked.training)
    candidates.read_weights(place.blobs, trained.weights, together)
    for ours, theirs in zip(together.parameters(), alone.network.parameters(), strict=True):
        assert (ours - theirs).abs().max() < 1e-4
