"""Errors of our tree become Temporal failures that say whether a retry can help."""

from __future__ import annotations

from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from perennial.contracts.errors import PerennialError

_UNEXPECTED_ATTEMPTS = 3


class ErrorTranslation(Interceptor):
    """Installed on every worker."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap each activity."""
        return _Translate(next)


class _Translate(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            return await super().execute_activity(input)
        except (ApplicationError, CancelledError):
            raise
        except PerennialError as error:
            raise ApplicationError(
                error.message, type=type(error).__name__, non_retryable=not error.retryable
            ) from error
        except Exception as error:
            # not ours: perhaps a passing fault, perhaps a bug. A few tries, then the run says so.
            info = activity.info()
            raise ApplicationError(
                f"{info.activity_type} failed unexpectedly: {type(error).__name__}: {error}",
                type=type(error).__name__,
                non_retryable=info.attempt >= _UNEXPECTED_ATTEMPTS,
            ) from error
