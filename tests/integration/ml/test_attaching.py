"""Workers, links and clusters that die while a training goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import psutil
import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.testing import ActivityEnvironment

from activities import following
from activities.ray_cluster import RayCluster
from activities.ray_tasks.job import Job
from perennial.contracts import records
from perennial.contracts.errors import ClusterUnavailable, Unavailable
from perennial.contracts.training import SweepTrainings
from tests import samples
from tests.integration.ml.attempts import Attempt, started, until
from tests.integration.ml.conftest import Place

LONG: dict[str, Any] = {"epochs": 10_000, "batch_size": 1}


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be patient with a training that does not stop, but not for long."""
    monkeypatch.setattr(following, "_STOP_SECONDS", 1.0)


async def free_cpus(place: Place) -> bool:
    """Whether another training of all CPUs can start: the sharpest test that they are free."""
    total = psutil.cpu_count() or 1
    every = await place.ask("Telling", epochs=1, cpus_per_worker=max(2, total))
    job = Job(input=every, blob_url=place.blobs.url, unattended_seconds=60)
    await place.cluster.start(job)
    try:
        async with asyncio.timeout(60):
            while (told := await place.cluster.poll(job, 0)).phase == "waiting":
                await asyncio.sleep(0.05)
    finally:
        # what it would load and train after that proves no more, and takes five seconds of a core
        await place.cluster.remove(every.run_id)
    return told.phase in ("starting", "training", "done")


async def test_the_next_attempt_follows_the_same_process(place: Place, tmp_path: Path) -> None:
    until = tmp_path / "until"
    asked = await place.ask("Telling", params={"until": str(until)}, **LONG)
    first = Attempt(place, asked)
    beat = await first.beats.until(started)
    first.environment.worker_shutdown()
    with pytest.raises(Unavailable, match="the training goes on in Ray"):
        await first.task

    another_worker = RayCluster(place.stack.urls["ray"])
    second = Attempt(place, asked, another_worker)
    later = await second.beats.until(started)
    until.touch()
    trained = await second.task
    another_worker.close()
    pids = {epoch.metrics["pid"] for epoch in trained.epochs}
    assert pids == {beat["metrics"]["pid"]} == {later["metrics"]["pid"]}
    history = place.server.client.get_metric_history(trained.mlflow_run_id, "loss")
    assert sorted(p.step for p in history) == list(range(1, trained.epochs[-1].epoch + 1))


async def test_an_attempt_that_is_paused_or_given_up_leaves_the_job(place: Place) -> None:
    """A worker too busy to heartbeat is told that its attempt is not known: the next one follows
    the same job, and must not find it ended."""
    asked = await place.ask("Telling", **LONG)
    job = Job(input=asked, blob_url=place.blobs.url, unattended_seconds=60)
    for details in (
        ActivityCancellationDetails(paused=True),
        ActivityCancellationDetails(not_found=True),
        ActivityCancellationDetails(timed_out=True),
    ):
        attempt = Attempt(place, asked)
        await attempt.beats.until(started)
        attempt.environment.cancel(details)
        with pytest.raises(asyncio.CancelledError):
            await attempt.task
        assert (await place.cluster.poll(job, 0)).phase == "training", details
    await place.cluster.remove(asked.run_id)


async def test_a_training_whose_run_ended_without_it_is_swept(place: Place) -> None:
    """As when a run is cancelled while its ML worker is dead: nobody is there to end it."""
    asked, wanted = await place.ask("Telling", **LONG), await place.ask("Telling", **LONG)
    for each in (asked, wanted):
        place.record(each)
        left = Attempt(place, each)
        await left.beats.until(started)
        left.environment.worker_shutdown()
        with pytest.raises(Unavailable):
            await left.task
    place.store.finish_run(
        records.FinishRun(
            effect=f"run/{asked.run_id}/finished",
            run_id=asked.run_id,
            model=asked.model,
            outcome="cancelled",
            reason="cancelled by ada",
            at=samples.at(9),
        )
    )
    swept = await ActivityEnvironment().run(place.activities().sweep_trainings, SweepTrainings())
    assert swept.run_ids == (asked.run_id,)
    assert await place.cluster.trainings() == [wanted.run_id]
    await place.cluster.remove(wanted.run_id)
    assert await free_cpus(place)


@pytest.mark.parametrize("project", ["Telling", "Boosted"])
async def test_a_cancel_frees_the_cpus(place: Place, project: str) -> None:
    asked = await place.ask(project, **LONG)
    attempt = Attempt(place, asked)
    await attempt.beats.until(started)
    attempt.environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt.task
    assert await free_cpus(place)
    assert place.server.client.get_run(place.runs.open(asked).id).info.status == "KILLED"


@pytest.mark.usefixtures("soon")
async def test_a_cancel_while_a_checkpoint_is_written_frees_the_cpus(
    place: Place, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    asked = await place.ask("Stuck", params={"mark": str(mark), "pace": 1.0})
    attempt = Attempt(place, asked)
    await until(mark.exists)
    attempt.environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt.task
    assert await free_cpus(place)


async def test_a_training_waits_for_cpus_and_says_so(place: Place) -> None:
    total = max(2, psutil.cpu_count() or 1)
    holder = Attempt(place, await place.ask("Telling", cpus_per_worker=total, **LONG))
    await holder.beats.until(started)
    waiting = Attempt(place, await place.ask("Line", epochs=1))
    beat = await waiting.beats.until(lambda beat: "note" in beat)
    assert f"0 of {total} CPU free" in beat["note"]
    holder.environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holder.task
    assert len((await waiting.task).epochs) == 1


async def test_a_job_that_nobody_asks_about_ends_itself(place: Place) -> None:
    asked = await place.ask("Telling", **LONG)
    job = Job(input=asked, blob_url=place.blobs.url, unattended_seconds=3)
    await place.cluster.start(job)
    while not (told := await place.cluster.poll(job, 0)).epochs:
        assert not told.ended, told
    process = psutil.Process(int(told.epochs[0].metrics["pid"]))
    assert await asyncio.to_thread(process.wait, timeout=60) is None  # not a child of ours
    assert (await place.cluster.poll(job, 0)).phase == "lost"


async def test_a_lost_connection_does_not_lose_the_training(place: Place, tmp_path: Path) -> None:
    until = tmp_path / "until"
    asked = await place.ask("Telling", params={"until": str(until)}, **LONG)
    own = RayCluster(place.stack.urls["ray"])
    before = {process.pid for process in psutil.Process().children()}
    first = Attempt(place, asked, own)
    beat = await first.beats.until(started)
    links = [p for p in psutil.Process().children() if p.pid not in before]
    for link in links:
        if "spawn_main" in " ".join(link.cmdline()):
            link.kill()
    with pytest.raises(ClusterUnavailable, match=r"the connection to Ray at .* was lost"):
        await first.task
    second = Attempt(place, asked, own)
    await second.beats.until(started)
    until.touch()
    trained = await second.task
    assert {epoch.metrics["pid"] for epoch in trained.epochs} == {beat["metrics"]["pid"]}
    own.close()
