"""What people may ask of a rollout under way."""

from __future__ import annotations

from perennial.contracts.base import Contract, Sha256
from perennial.contracts.lifecycle import Asked

# Updates of a rollout's workflow
RULE = "rule"
CALL_OFF = "call_off"


class Rule(Asked):
    """A person who has looked at figures that decide nothing decides: on, or back."""

    roles: tuple[str, ...]
    go_on: bool
    evidence_digest: Sha256
    comment: str = ""


class Ruled(Contract):
    """A ruling was taken."""

    run_id: str
    step: int
    go_on: bool


class CallOff(Asked):
    """End a rollout: all requests go back to the champion at once."""

    reason: str = ""
