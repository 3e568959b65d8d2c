"""Exit codes. Scripts depend on them: a code never changes its meaning."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
NOT_FOUND = 3
NOT_ALLOWED = 4
WAITING = 5
DENIED = 6
AWAY = 7
NOT_APPROVED = 8
CANCELLED = 9
DIFFERS = 10
INTERRUPTED = 130

MEANING: dict[int, str] = {
    OK: "done; a run that was followed was promoted, or a version came out again",
    FAILED: "the request was refused or wrong, or the run failed",
    USAGE: "the command line is wrong",
    NOT_FOUND: "no such model, run, version, approval or decision",
    NOT_ALLOWED: "no valid token, or its role may not do that",
    WAITING: "the run waits for an approval",
    DENIED: "the policy denied the run",
    AWAY: "the API, or a service it needs, does not answer",
    NOT_APPROVED: "people rejected the version, or nobody approved it in time",
    CANCELLED: "the run was cancelled",
    DIFFERS: "a check found a difference: a broken ledger, a flipped decision, a drill, a version",
    INTERRUPTED: "interrupted; a run that was followed goes on",
}

_OUTCOMES = {
    "promoted": OK,
    "denied": DENIED,
    "rejected": NOT_APPROVED,
    "expired": NOT_APPROVED,
    "failed": FAILED,
    "cancelled": CANCELLED,
    "reproduced": OK,
    "differs": DIFFERS,
}


def of_outcome(outcome: str | None) -> int:
    """The exit code of a run that ended so."""
    return _OUTCOMES.get(outcome or "", FAILED)


def of_status(http_status: int) -> int:
    """The exit code of an answer that is a problem."""
    if http_status in (401, 403):
        return NOT_ALLOWED
    if http_status == 404:
        return NOT_FOUND
    if http_status in (502, 503, 504):
        return AWAY
    return FAILED
