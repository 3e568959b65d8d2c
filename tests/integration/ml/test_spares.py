"""The spare process in Ray: ready, holding nothing, taken by a training, and replaced."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.integration.ml.attempts import Attempt, started
from tests.integration.ml.conftest import Place
from tests.integration.ml.test_attaching import free_cpus

SPARE, TRAINING = "ray::IDLE", "ray::TrainingJob"


def titled(place: Place, title: str) -> set[int]:
    """The processes of the cluster that call themselves so."""
    found = set()
    for pid in place.stack.pids("ray"):
        with contextlib.suppress(psutil.NoSuchProcess):
            if " ".join(psutil.Process(pid).cmdline()).startswith(title):
                found.add(pid)
    return found


def has_loaded(pid: int, library: str) -> bool:
    return any(library in part.path for part in psutil.Process(pid).memory_maps())


async def until(found: Callable[[], set[int]], *, seconds: float = 60) -> set[int]:
    deadline = time.monotonic() + seconds
    while not (pids := found()):
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(0.1)
    return pids


async def test_a_training_takes_the_spare_process_and_leaves_another(
    place: Place, tmp_path: Path
) -> None:
    await place.cluster.prepare()
    ready = await until(lambda: titled(place, SPARE))
    old = [psutil.Process(pid) for pid in ready]
    await place.cluster.prepare()
    assert titled(place, SPARE) == ready and len(ready) == 1, "one is enough"
    await until(lambda: {pid for pid in ready if has_loaded(pid, "libtorch")})

    end = tmp_path / "until"
    asked = await place.ask("Telling", epochs=10_000, batch_size=1, params={"until": str(end)})
    training = Attempt(place, asked)
    await training.beats.until(started)
    assert titled(place, TRAINING) == ready, "the spare became the training"

    end.touch()
    await training.task
    another = await until(lambda: titled(place, SPARE) - ready)
    _, alive = psutil.wait_procs(old, timeout=60)
    assert not alive and titled(place, SPARE) == another, "a process serves one training"
    assert await free_cpus(place), "a spare process holds no CPU"


async def test_trainings_that_end_together_leave_one_process(place: Place) -> None:
    await place.cluster.prepare()
    for pid in await until(lambda: titled(place, SPARE)):
        psutil.Process(pid).kill()
    await until(lambda: set() if titled(place, SPARE) else {0})
    await asyncio.gather(*(place.cluster.remove(f"nobody-{number}") for number in range(4)))
    spares = await until(lambda: titled(place, SPARE))
    # a second one would have come with the first, long before that has loaded its libraries
    await until(lambda: {pid for pid in spares if has_loaded(pid, "libtorch")})
    assert len(titled(place, SPARE)) == 1
