"""What asks for a model to be trained again: all of it lands in one place, with its reason."""

from __future__ import annotations

from typing import ClassVar

from temporalio import activity

from perennial.contracts.base import Contract, Sha256, Utc
from perennial.contracts.lifecycle import Asked
from perennial.contracts.retraining import Cause, Governed, RetrainLimits

RETRAIN = "retrain"
"""Update of a model's workflow: asks, and is told what becomes of it."""
RETRAIN_WANTED = "retrain_wanted"
"""Signal to a model's workflow: the same from a workflow, which hears of it by the records."""


class RetrainWanted(Asked):
    """Train the model again, if its limits allow.

    Attributes:
        request_id: names this wish; the same one is heard once.
        cause: what asks.
        snapshot: digest of the rows, or of what names them: equal ones are learnt once.
        at: when it is asked, by the clock of what asks.
        as_of: rows as they were known then; None: as they are.
    """

    STAMPED: ClassVar[frozenset[str]] = frozenset({"at"})

    cause: Cause
    snapshot: Sha256
    at: Utc
    reason: str = ""
    as_of: Utc | None = None


class RecordTrigger(Contract):
    """Keep a wish with what becomes of it: judged in the transaction that keeps it.

    Attributes:
        limits: of the model; None: it is never trained again by itself, so a person is asked.
        run_id: of the run that follows where it is allowed.
        no_room: why the model takes no run now; empty where it takes one.
    """

    effect: str
    trigger_id: str
    model: str
    wanted: RetrainWanted
    limits: RetrainLimits | None
    run_id: str
    no_room: str = ""


class TriggerRecorded(Contract):
    """What becomes of a wish.

    Attributes:
        run_id: that follows; None where none does.
    """

    trigger_id: str
    governed: Governed
    run_id: str | None = None


class WaitingWish(Contract):
    """A wish that had to wait and may be put again.

    Attributes:
        wanted: as it is put now; its request names the wish that came first, and the attempt.
    """

    model: str
    wanted: RetrainWanted


@activity.defn(name="record_trigger")
async def record_trigger(input: RecordTrigger) -> TriggerRecorded:
    """Raises NotFound."""
    raise NotImplementedError
