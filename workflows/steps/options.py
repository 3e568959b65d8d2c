"""The few profiles of activity options. No time-out is written anywhere else in a workflow.

How often a profile retries follows from the spec's patience: how long a run waits for a system
that is away. Errors that asking again cannot mend are marked so by the worker
(`workers/interceptors.py`) and end the activity at once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

from perennial.contracts import queues

_FIRST = timedelta(seconds=1)
_LONGEST = timedelta(seconds=15)


def attempts(patience: timedelta) -> int:
    """How many attempts fill the patience, given the waits between them."""
    count, wait, total = 2, _FIRST, _FIRST
    while total < patience:
        wait = min(wait * 2, _LONGEST)
        total += wait
        count += 1
    return count


def _patient(patience: timedelta) -> RetryPolicy:
    return RetryPolicy(
        initial_interval=_FIRST,
        backoff_coefficient=2.0,
        maximum_interval=_LONGEST,
        maximum_attempts=attempts(patience),
    )


def record() -> dict[str, Any]:
    """A database row, as a local activity. Retried for ever: a fact must not get lost."""
    return {
        "start_to_close_timeout": timedelta(seconds=20),
        "retry_policy": RetryPolicy(
            initial_interval=timedelta(milliseconds=200), maximum_interval=_LONGEST
        ),
        "local_retry_threshold": timedelta(seconds=5),
    }


def broadcast() -> dict[str, Any]:
    """Word to every model's workflow. Retried for ever: who does not hear it waits for nothing."""
    return {
        "task_queue": queues.CONTROL,
        "start_to_close_timeout": timedelta(minutes=10),
        "heartbeat_timeout": timedelta(seconds=30),
        "retry_policy": RetryPolicy(initial_interval=_FIRST, maximum_interval=_LONGEST),
    }


def question() -> dict[str, Any]:
    """A question to the policy engine, once and at once, as a local activity."""
    return {
        "start_to_close_timeout": timedelta(seconds=5),
        "retry_policy": RetryPolicy(maximum_attempts=1),
    }


def decision(patience: timedelta) -> dict[str, Any]:
    """The same for one that did not answer."""
    return {
        "task_queue": queues.CONTROL,
        "start_to_close_timeout": timedelta(seconds=15),
        "retry_policy": _patient(patience),
    }


def registry(patience: timedelta) -> dict[str, Any]:
    """A call to MLflow."""
    return {
        "task_queue": queues.ML,
        "start_to_close_timeout": timedelta(minutes=10),
        "heartbeat_timeout": timedelta(seconds=15),
        "retry_policy": _patient(patience),
    }


def effect(patience: timedelta) -> dict[str, Any]:
    """A change that can be taken back. A cancel waits until it has ended, one way or the other:
    what still runs must not be undone beside it."""
    return {
        "start_to_close_timeout": timedelta(minutes=10),
        "heartbeat_timeout": timedelta(seconds=30),
        "retry_policy": _patient(patience),
        "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    }


def undo() -> dict[str, Any]:
    """Takes a change back. Retried for ever: half an effect must not stay."""
    return {
        "start_to_close_timeout": timedelta(minutes=10),
        "heartbeat_timeout": timedelta(seconds=30),
        "retry_policy": RetryPolicy(initial_interval=_FIRST, maximum_interval=_LONGEST),
    }


def sweep() -> dict[str, Any]:
    """A look at Ray for what nobody wants any more; the next one comes within a minute."""
    return {
        "task_queue": queues.ML,
        "start_to_close_timeout": timedelta(minutes=2),
        "heartbeat_timeout": timedelta(seconds=30),
        "schedule_to_close_timeout": timedelta(minutes=3),
        "retry_policy": RetryPolicy(maximum_attempts=1),
    }


def upkeep() -> dict[str, Any]:
    """What a round puts right; the next one comes within a minute."""
    return {
        "task_queue": queues.CONTROL,
        "start_to_close_timeout": timedelta(minutes=2),
        "heartbeat_timeout": timedelta(seconds=30),
        "schedule_to_close_timeout": timedelta(minutes=3),
        "retry_policy": RetryPolicy(maximum_attempts=1),
    }


def watch() -> dict[str, Any]:
    """Looks that last as long as a rollout or a guard. Retried for ever, from what was seen."""
    return {
        "task_queue": queues.CONTROL,
        "start_to_close_timeout": timedelta(days=400),
        "heartbeat_timeout": timedelta(seconds=15),
        "retry_policy": RetryPolicy(initial_interval=_FIRST, maximum_interval=_FIRST * 5),
    }


def compute(patience: timedelta) -> dict[str, Any]:
    """Work on data or models in the ML worker, which heartbeats every five seconds meanwhile.

    How long a worker may be silent is how long its death holds a run up.
    """
    return {
        "task_queue": queues.ML,
        "start_to_close_timeout": timedelta(hours=6),
        "heartbeat_timeout": timedelta(seconds=15),
        "retry_policy": _patient(patience),
    }


def ray_job(patience: timedelta) -> dict[str, Any]:
    """A job on Ray. A cancel waits until its CPUs and GPUs are free."""
    return {
        "task_queue": queues.ML,
        "start_to_close_timeout": timedelta(days=14),
        "heartbeat_timeout": timedelta(seconds=15),
        "retry_policy": _patient(patience),
        "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    }


def scaling(patience: timedelta) -> dict[str, Any]:
    """Replicas in Ray Serve: an attempt waits for ten minutes until they are there."""
    return {
        "task_queue": queues.ML,
        "start_to_close_timeout": timedelta(minutes=15),
        "heartbeat_timeout": timedelta(seconds=30),
        "retry_policy": _patient(patience),
    }
