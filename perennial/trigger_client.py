"""What `perennial.client.Client` can ask about triggers."""

from __future__ import annotations

from typing import cast

from perennial.connection import Connection, path
from perennial.documents import Json
from perennial.trigger_documents import Trigger, TriggerRecorded

_PAGE = 100


class TriggerCalls(Connection):
    """Asking for models to be trained again, and who asked."""

    def retrain(
        self,
        model: str,
        *,
        snapshot: str | None = None,
        new_data: bool = False,
        reason: str = "",
        key: str | None = None,
    ) -> TriggerRecorded:
        """Ask for a model to be trained again, if its limits allow.

        Args:
            model: that is to be trained.
            snapshot: a digest of the rows, or any text that names them; without it they are taken
                for new.
            new_data: it is asked since rows have arrived.
            reason: in words.
            key: idempotency key.
        """
        body: Json = {"cause": "data" if new_data else "request", "reason": reason}
        if snapshot is not None:
            body["snapshot"] = snapshot
        return cast(TriggerRecorded, self._post(path("models", model, "triggers"), body, key=key))

    def triggers(
        self,
        model: str | None = None,
        *,
        cause: str | None = None,
        decision: str | None = None,
        limit: int = 100,
    ) -> list[Trigger]:
        """What asked for models to be trained again, newest first."""
        where = path("models", model, "triggers") if model else "/v1/triggers"
        return self._items(where, limit, cause=cause, decision=decision)
