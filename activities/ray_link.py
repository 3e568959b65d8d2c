"""The far end of `RayCluster`: functions that run in a process of their own, and drive Ray.

A process that is connected to Ray is ended by Ray's core, not by an exception, when the cluster
restarts (`WrongClusterID`, measured with Ray 2.60). So no worker of ours is such a process.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import ray
from ray._raylet import GcsClient  # type: ignore[attr-defined]  # compiled
from ray.actor import ActorHandle
from ray.exceptions import ActorUnavailableError, RayActorError, RayError

from activities import ray_spares
from activities.ray_tasks import placement
from activities.ray_tasks.job import NAMESPACE, Job, Phase, Progress, run_of
from activities.ray_tasks.search_job import SearchJob
from activities.ray_tasks.training_job import TrainingJob
from perennial.contracts.errors import BadInput, ClusterUnavailable
from perennial.quiet import quieten

P = ParamSpec("P")
T = TypeVar("T")

_ANSWER_SECONDS = 60
_WAIT_SECONDS = 0.1
_START_SECONDS = 5.0  # what a process needs to start when there is room for it
_SILENCE_SECONDS = 3.0
_END_SECONDS = 10.0
_LOOK_SECONDS = 3.0


class _Followed:
    """A job this process has a handle of, and the question that waits for its answer."""

    def __init__(self, handle: ActorHandle[Any]) -> None:
        self.handle = handle
        self.asked: Any = None
        self.phase: Phase = "waiting"
        self.note = ""
        self.since = self.heard = time.monotonic()


_jobs: dict[str, _Followed] = {}


def begin() -> None:
    """Runs first in this process: it ends with its parent, however that ends."""
    quieten()
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(0)

    threading.Thread(target=follow, daemon=True).start()


def answering(function: Callable[P, T]) -> Callable[P, T]:
    """Answer in time or end this process; say what Ray says as an error of our tree."""

    @wraps(function)
    def answer(*args: P.args, **kwargs: P.kwargs) -> T:
        # a call into Ray's core may block for good, and no signal reaches Python then
        faulthandler.dump_traceback_later(_ANSWER_SECONDS, exit=True)
        try:
            return function(*args, **kwargs)
        except (RayError, ConnectionError, RuntimeError, TimeoutError) as error:
            raise ClusterUnavailable(
                f"Ray failed in {function.__name__}: {type(error).__name__}: {error}"
            ) from None
        finally:
            faulthandler.cancel_dump_traceback_later()

    return answer


@answering
def join(address: str) -> None:
    """Connect to the cluster, unless this process has, and ask for a process for a training.

    Raises:
        ClusterUnavailable: Ray does not answer.
    """
    if not ray.is_initialized():
        logging.getLogger("ray").setLevel(logging.ERROR)
        ray.init(
            address=address,
            namespace=NAMESPACE,
            log_to_driver=False,
            configure_logging=False,
            logging_level="ERROR",
        )
        threading.Thread(target=_leave_another_cluster, args=(address,), daemon=True).start()
        _keep_a_spare()


@answering
def start(address: str, job_json: str) -> None:
    """Start a job, or meet the one of that name which runs already.

    Raises:
        BadInput: the cluster has not what it needs, and never will as it is.
        ClusterUnavailable: Ray does not answer.
    """
    join(address)
    job = Job.model_validate_json(job_json)
    if _find(job.name) is not None:
        return
    _require_room(job)
    placement.release(job.name)
    plan = job.input.training
    alone = plan.workers == 1 and job.search is None
    handle = (
        ray.remote(TrainingJob if job.search is None else SearchJob)
        .options(
            name=job.name,
            lifetime="detached",
            get_if_exists=True,
            # several workers, and trials, bring resources of their own
            num_cpus=plan.cpus_per_worker if alone else 0,
            num_gpus=plan.gpus_per_worker if alone else 0,
            max_concurrency=8,
            max_restarts=0,
        )
        .remote(job_json)
    )
    _jobs[job.name] = _Followed(handle)


@answering
def trainings(address: str) -> list[str]:
    """The runs that have a training in the cluster."""
    join(address)
    names = ray.util.list_named_actors(all_namespaces=False)
    return [run for name in names if (run := run_of(name)) is not None]


@answering
def poll(name: str, seen: int) -> str:
    """The JSON of a `Progress`, within a moment, also of a job that waits for resources."""
    job = _find(name)
    if job is None:
        return Progress(phase="lost", note="it is not in the cluster").model_dump_json()
    if job.asked is None:
        job.asked = job.handle.progress.remote(seen)
    ready, _ = ray.wait([job.asked], timeout=_WAIT_SECONDS)
    if not ready:
        return _silent(name, job).model_dump_json()
    asked, job.asked = job.asked, None
    try:
        answer: str = ray.get(asked)
    except ActorUnavailableError:
        return _silent(name, job).model_dump_json()
    except RayActorError as error:
        del _jobs[name]
        return Progress(phase="lost", note=" ".join(str(error).split())).model_dump_json()
    job.heard = time.monotonic()
    told = Progress.model_validate_json(answer)
    job.phase, job.note = told.phase, told.note
    return answer


def _silent(name: str, job: _Followed) -> Progress:
    """A job that does not answer: it waits, it is busy, or its cluster is another one by now."""
    now = time.monotonic()
    if now - job.heard > _SILENCE_SECONDS:
        job.heard = now
        # asks the cluster; one that has restarted ends this process, or knows no such name
        if _named(name) is None:
            del _jobs[name]
            return Progress(phase="lost", note="its cluster knows it no more")
    waits = job.phase == "waiting" and now - job.since > _START_SECONDS
    return Progress(phase=job.phase, note=_free() if waits else job.note)


@answering
def stop(name: str) -> None:
    """Ask a job to end in good order."""
    job = _find(name)
    if job is not None:
        job.handle.stop.remote()


@answering
def remove(name: str) -> None:
    """End a job, whatever it does, and return once its resources are free."""
    job = _find(name)
    _jobs.pop(name, None)
    if job is not None:
        ray.kill(job.handle)
        deadline = time.monotonic() + _END_SECONDS
        while _named(name) is not None and time.monotonic() < deadline:
            time.sleep(0.05)
    placement.release(name)
    _keep_a_spare()  # for the next one: this one's process has gone with it


def _keep_a_spare() -> None:
    """Nobody waits for it, nor for what Ray says of that."""

    def keep() -> None:
        with contextlib.suppress(RayError, ConnectionError, RuntimeError, TimeoutError):
            ray_spares.keep_one()

    threading.Thread(target=keep, daemon=True).start()


def _leave_another_cluster(address: str) -> None:
    """End this process when the cluster at its address is no longer the one it joined.

    Ray's core, told that its cluster id is wrong, repeats its question for ever, at the cost of a
    processor here and of half a one in the cluster (measured with Ray 2.60).
    """
    joined = GcsClient(address=address).cluster_id
    while True:
        time.sleep(_LOOK_SECONDS)
        try:
            now = GcsClient(address=address).cluster_id
        except (RayError, ConnectionError, RuntimeError, TimeoutError):
            continue  # away: calls say so, and it may come back as it was
        if now != joined:
            os._exit(1)


def _find(name: str) -> _Followed | None:
    if name not in _jobs and (handle := _named(name)) is not None:
        _jobs[name] = _Followed(handle)
    return _jobs.get(name)


def _named(name: str) -> ActorHandle[Any] | None:
    if not ray.is_initialized():
        # asked nevertheless, Ray would start a cluster of its own
        raise ClusterUnavailable("this process has not joined a Ray cluster yet")
    try:
        return ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        return None


def _require_room(job: Job) -> None:
    plan = job.input.training
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for resource, each in (("CPU", plan.cpus_per_worker), ("GPU", plan.gpus_per_worker)):
        largest = max((node.get(resource, 0) for node in nodes), default=0)
        total = sum(node.get(resource, 0) for node in nodes)
        if each > largest or each * plan.workers > total:
            raise BadInput(
                f"training asks for {plan.workers} worker(s) with {each:g} {resource} each, but "
                f"the largest node of the Ray cluster has {largest:g} and all have {total:g}; "
                f"lower training.workers or training.{resource.lower()}s_per_worker, or add nodes"
            )


def _free() -> str:
    free, total = ray.available_resources(), ray.cluster_resources()
    kinds = [kind for kind in ("CPU", "GPU") if kind in total]
    shown = ", ".join(f"{free.get(kind, 0):g} of {total[kind]:g} {kind}" for kind in kinds)
    return f"waiting for resources: {shown} free"
