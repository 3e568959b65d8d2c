"""Scaling: how far the data plane is spread over a Ray cluster."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from perennial.contracts import scaling
from workflows.steps import options


async def scale_serving(wanted: scaling.ScaleServing, patience: timedelta) -> scaling.ServingScale:
    """Have so many processes answer, and wait until they do.

    The data plane is everybody's, so this belongs to no run: any workflow may call it, such as one
    that a schedule starts before the morning.

    Args:
        wanted: bounds that hold until the next call.
        patience: how long it waits for a cluster that is away, or full.
    """
    return await workflow.execute_activity(
        scaling.scale_serving,
        wanted,
        **options.scaling(patience),
        summary=f"{wanted.min} to {wanted.max} replicas, {wanted.target:g} requests each",
    )
