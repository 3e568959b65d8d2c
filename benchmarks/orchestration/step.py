"""What a step of ours is given and does, shared with its workflow as contracts are."""

from __future__ import annotations

from temporalio import activity

from perennial.contracts.base import Contract


class Step(Contract):
    """What goes into a step and comes out of it."""

    number: int


@activity.defn
async def no_op(input: Step) -> Step:
    """Nothing, so that only the platform's own cost is left."""
    return input
