"""Blocking work in an async activity: off the event loop, with heartbeats while it goes on."""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from temporalio import activity

from perennial.loading import uncollected

P = ParamSpec("P")
T = TypeVar("T")

_BEAT_SECONDS = 5.0
_LOAD_SECONDS = 60.0
_loading = threading.RLock()


async def in_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread. A worker that hangs or dies is noticed by its missing heartbeats.

    A cancelled activity ends at once; its thread, which cannot be stopped, ends when it is done.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    while True:
        activity.heartbeat()
        done, _ = await asyncio.wait({running}, timeout=_BEAT_SECONDS)
        if done:
            return running.result()


@contextmanager
def loading() -> Iterator[None]:
    """Import torch, MLflow and their like inside this, one thread at a time.

    They are loaded when first needed, so that a worker polls seconds after its start. Two threads
    that import packages which import each other can see one half made. The wait is bounded: one
    project that hangs while it is imported must not hold up every other.
    """
    alone = _loading.acquire(timeout=_LOAD_SECONDS)
    try:
        with uncollected():
            yield
    finally:
        if alone:
            _loading.release()


def warm_up() -> None:
    """Load what activities will need, in the order of a run. Called in a thread by the worker."""
    for module in (
        "pandera.pandas",
        "activities.modelling.data.profiles",
        "torch",
        "ray",
        "sklearn.metrics",
        "activities.modelling.export.network",
        "mlflow.onnx",
    ):
        with loading():
            importlib.import_module(module)
    from activities.modelling.export.network import rehearse

    rehearse()
