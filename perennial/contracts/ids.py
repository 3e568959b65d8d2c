"""Ids that say what they name. Workflow ids are business keys, so a repeat meets itself."""

from __future__ import annotations

import hashlib
from datetime import datetime


def model_workflow(model: str) -> str:
    """The one durable owner of a model."""
    return f"model:{model}"


PLATFORM_WORKFLOW = "platform"
"""The one workflow that pauses and resumes the platform."""


RECONCILE_WORKFLOW = "reconcile-aliases"
"""The schedule that looks for aliases moved by hand, and the workflow that it starts."""


ALERTS_WORKFLOW = "deliver-alerts"
"""The schedule that keeps alerts on their way, and the workflow that it starts."""


RETENTION_WORKFLOW = "retention"
"""The schedule that removes what was kept for long enough, and the workflow that it starts."""


def run_workflow(model: str, run_id: str) -> str:
    """One run: a whole lifecycle, or the promotion of a version that exists."""
    return f"run:{model}:{run_id}"


def rollout_workflow(model: str, environment: str) -> str:
    """The one rollout that a model has in an environment."""
    return f"rollout:{model}:{environment}"


def group_workflow(group: str) -> str:
    """Versions of several models that move together."""
    return f"group:{group}"


def group_id(key: str) -> str:
    """The group that a request starts: the same request names the same group."""
    return f"g-{hashlib.sha256(f'group/{key}'.encode()).hexdigest()[:10]}"


def labelling_workflow(parent: str, run_id: str) -> str:
    """What counts labels for a rollout or a guard, by the execution of that."""
    return f"labelling:{parent}:{run_id}"


def guard_workflow(model: str, environment: str, epoch: int) -> str:
    """The guard of a champion, by its epoch."""
    return f"guard:{model}:{environment}:{epoch}"


def monitor_workflow(model: str, environment: str) -> str:
    """What watches the champions of an environment, one after another."""
    return f"monitor:{model}:{environment}"


def trigger_id(model: str, request_id: str) -> str:
    """A wish to train a model again: the same request names the same wish."""
    return f"t-{hashlib.sha256(f'trigger/{model}/{request_id}'.encode()).hexdigest()[:10]}"


def window_wish(environment: str, start: datetime, decision: str) -> str:
    """The request of a wish that a window led to, by the decision about it."""
    return effect(environment, start.isoformat(), decision)


def wish_again(trigger_id: str, times: int) -> str:
    """The request by which a wish that had to wait is put again, by how often it then was."""
    return effect(trigger_id, "again", times)


def retrain_schedule(model: str) -> str:
    """The schedule by which a model is trained again, and the workflows that it starts."""
    return f"retrain:{model}"


def scheduled_model(schedule: str) -> str:
    """Whose schedule this is; empty for one of something else."""
    kind, _, model = schedule.partition(":")
    return model if kind == "retrain" else ""


def run_id(model: str, request_id: str) -> str:
    """The run that a request starts: the same request names the same run."""
    return f"{model}-{hashlib.sha256(f'{model}/{request_id}'.encode()).hexdigest()[:10]}"


def approval_id(run_id: str, environment: str, round_: int) -> str:
    """One question put to people; a new round when the evidence has changed."""
    return f"{run_id}.{environment}.{round_}"


def effect(*parts: str | int) -> str:
    """The key under which a change is made at most once, however often it is delivered."""
    return "/".join(str(part) for part in parts)
