"""Loaded by Ray into each process that it starts: a spare one loads what a training needs.

A process that is started for somebody, as the helpers of a training with several workers are, has
other work and pays nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading

from perennial.loading import uncollected

_IDLE_SECONDS = 5.0
_LIBRARIES = (
    "torch",
    "ray.train.torch",
    "activities.ray_tasks.training_job",
    "activities.ray_tasks.train_function",
    "torch._dynamo",  # by the first step of an optimizer, else
    "sklearn.datasets",  # by many a project, and by scikit-learn's every part
    "pandera.pandas",  # by every project with a schema
)
_stop = threading.Event()
_thread: threading.Thread | None = None


def settle() -> None:
    """Wait until nothing is loaded ahead any more. First in whatever work a process is given.

    Packages that import each other are seen half made by one of two threads that import them. What
    is loading when the work comes is waited for, and nothing else is begun.
    """
    _stop.set()
    if _thread is not None:
        _thread.join()


def _load_when_idle() -> None:
    _stop.wait(_IDLE_SECONDS)
    with uncollected():
        for library in _LIBRARIES:
            if _stop.is_set() or _has_work():
                return
            with contextlib.suppress(Exception):  # the training says it, where it needs it
                importlib.import_module(library)


def _is_spare() -> bool:
    """Whether Ray was asked for a process only. One that is for somebody is told the job's id.

    On a busy machine such a process can have its work later than any patience.
    """
    from ray import JobID

    return bool(os.environ.get("RAY_JOB_ID") == JobID.nil().hex())


def _has_work() -> bool:
    from ray._private.worker import global_worker

    return not global_worker.current_job_id.is_nil()


if _is_spare():
    _thread = threading.Thread(target=_load_when_idle, daemon=True)
    _thread.start()
