"""How a run ends before its last line, and how failures are read."""

from __future__ import annotations

from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError, FailureError
from temporalio.exceptions import TimeoutError as TemporalTimeout

from perennial.contracts.records import Outcome


class Ended(Exception):
    """Raised by a step: the run is over, with this outcome and for this reason."""

    def __init__(self, outcome: Outcome, reason: str, error_type: str = "") -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.error_type = error_type


def read_failure(error: BaseException) -> tuple[str, str]:
    """Message and type of the failure at the root of a chain, as a person should read it."""
    cause: BaseException = error
    while isinstance(cause, ActivityError | ChildWorkflowError) and cause.cause is not None:
        cause = cause.cause
    if isinstance(cause, ApplicationError):
        return cause.message, cause.type or "ApplicationError"
    if isinstance(cause, TemporalTimeout):
        activity = getattr(error, "activity_type", "an activity")
        kind = cause.type.name.replace("_", " ").lower() if cause.type else "time-out"
        return (
            f"{activity} stopped answering ({kind}); see `make status` and the worker's log, "
            f"then run again",
            "Timeout",
        )
    return str(cause), type(cause).__name__


def as_application_error(error: FailureError) -> ApplicationError:
    """The root of a chain as one error, for the answer of an update."""
    message, type_ = read_failure(error)
    return ApplicationError(message, type=type_, non_retryable=True)
