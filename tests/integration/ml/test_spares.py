"""The spare process in Ray: ready, holding nothing, taken by a training, and replaced."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
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


def without_spares(place: Place) -> Callable[[], set[int]]:
    """Says so once those that other tests have left are gone."""
    for pid in titled(place, SPARE):
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()
    return lambda: set() if titled(place, SPARE) else {0}


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
    await until(without_spares(place))
    await place.cluster.remove("nobody")
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
    await until(without_spares(place))
    await asyncio.gather(*(place.cluster.remove(f"nobody-{number}") for number in range(4)))
    spares = await until(lambda: titled(place, SPARE))
    # a second one would have come with the first, long before that has loaded its libraries
    await until(lambda: {pid for pid in spares if has_loaded(pid, "libtorch")})
    assert len(titled(place, SPARE)) == 1


_BUSY = """
import sys, threading
import grpc, ray
from activities import ray_spares

ray.init(address=sys.argv[1], log_to_driver=False, configure_logging=False)
look, ask, silent = ray_spares._workers, ray_spares._ask_for_one, []

def asked(address):
    silent.append(address)
    return ask(address)

def looked(address):
    if silent:
        raise silent.clear() or grpc.RpcError()
    return look(address)

ray_spares._ask_for_one, ray_spares._workers = asked, looked
askers = [threading.Thread(target=ray_spares.keep_one) for _ in range(2)]
[asker.start() for asker in askers]
[asker.join() for asker in askers]
"""


async def test_a_node_too_busy_to_answer_is_not_asked_twice(place: Place) -> None:
    """It is starting a process, and does not tell of it yet."""
    await place.cluster.prepare()
    await until(without_spares(place))
    script = [sys.executable, "-c", _BUSY, place.stack.urls["ray"]]
    done = await asyncio.to_thread(
        subprocess.run, script, env={**os.environ, **place.stack.env}, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    # both have come by now, if two were asked for
    spares = await until(lambda: titled(place, SPARE))
    await until(lambda: {pid for pid in spares if has_loaded(pid, "libtorch")})
    assert len(titled(place, SPARE)) == 1
