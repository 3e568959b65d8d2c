"""Loaded by Ray into each process that it starts: one left idle loads what a training needs.

A process that is asked for at once, as the helpers of a training with several workers are, has
work before the patience here ends, and pays nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
import time

_IDLE_SECONDS = 5.0
_LIBRARIES = (
    "torch",
    "ray.train.torch",
    "activities.ray_tasks.training_job",
    "activities.ray_tasks.train_function",
    "torch._dynamo",  # by the first step of an optimizer, else
    "sklearn.datasets",  # by many a project, and by scikit-learn's every part
)


def _load_when_idle() -> None:
    time.sleep(_IDLE_SECONDS)
    for library in _LIBRARIES:
        if _has_work():
            return
        with contextlib.suppress(Exception):  # the training says it, where it needs it
            importlib.import_module(library)


def _has_work() -> bool:
    from ray._private.worker import global_worker

    return not global_worker.current_job_id.is_nil()


threading.Thread(target=_load_when_idle, daemon=True).start()
