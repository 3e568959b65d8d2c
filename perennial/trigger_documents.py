"""What asks for models to be trained again, in documents of the HTTP interface."""

from __future__ import annotations

from typing import Literal, TypedDict


class Governed(TypedDict):
    """What becomes of a wish to train a model again."""

    decision: Literal["allow", "wait", "ask"]
    rule: str | None
    until: str | None
    reason: str


class TriggerRecorded(TypedDict):
    """A wish that was heard, and the run that follows, if one does."""

    trigger_id: str
    governed: Governed
    run_id: str | None


class Trigger(TypedDict):
    """A wish as it was kept: what asked, and what came of it."""

    trigger_id: str
    model: str
    cause: str
    actor: str
    reason: str
    snapshot: str
    at: str
    as_of: str | None
    decision: Literal["allow", "wait", "ask"]
    rule: str | None
    until: str | None
    why: str
    run_id: str | None
