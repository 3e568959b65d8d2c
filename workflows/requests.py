"""Requests that were answered: a repeat gets the first answer, and changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from perennial.canonical import digest
from perennial.contracts.base import Contract
from perennial.contracts.lifecycle import Asked, Handled
from workflows.steps.ending import as_application_error

Answer = TypeVar("Answer", bound=Contract)

_KEPT = 200
"""Temporal itself repeats the answer of an update within one run of the workflow; this list
carries the newest ones through continue-as-new."""


class Requests:
    """The newest answered requests of one model."""

    def __init__(self, handled: Iterable[Handled]) -> None:
        self._handled = {entry.request_id: entry for entry in handled}

    def is_repeat(self, ask: Asked) -> bool:
        """Whether it was answered before.

        Raises:
            ApplicationError: of type KeyReused, for the same id with another content.
        """
        entry = self._handled.get(ask.request_id)
        if entry is None:
            return False
        if entry.digest != _digest(ask):
            raise ApplicationError(
                f"idempotency key {ask.request_id!r} was used for another request; "
                f"choose a new one",
                type="KeyReused",
                non_retryable=True,
            )
        return True

    async def once(
        self, ask: Asked, answer_type: type[Answer], do: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Do it, or give the answer of the first time."""
        if self.is_repeat(ask):
            return answer_type.model_validate_json(self._handled[ask.request_id].answer)
        try:
            answer = await do()
        except ActivityError as error:
            raise as_application_error(error) from error
        self._handled[ask.request_id] = Handled(
            request_id=ask.request_id, digest=_digest(ask), answer=answer.model_dump_json()
        )
        while len(self._handled) > _KEPT:
            self._handled.pop(next(iter(self._handled)))
        return answer

    def handled(self) -> tuple[Handled, ...]:
        """What passes through continue-as-new."""
        return tuple(self._handled.values())


def _digest(ask: Asked) -> str:
    # the update's name too: pause and resume are asked in the same words
    update = workflow.current_update_info()
    name = update.name if update is not None else "signal"
    return digest({"update": name, **ask.model_dump(mode="json", exclude=set(ask.STAMPED))})
