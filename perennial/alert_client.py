"""What `perennial.client.Client` can ask about alerts."""

from __future__ import annotations

from typing import cast

from perennial.alert_documents import Alert, AlertDetail, Silence
from perennial.connection import Connection, path
from perennial.documents import Json


class AlertCalls(Connection):
    """Alerts and silences."""

    def alerts(
        self,
        *,
        status: str | None = None,
        model: str | None = None,
        severity: str | None = None,
        limit: int = 100,
    ) -> list[Alert]:
        """What people are to know of, newest first."""
        return self._items("/v1/alerts", limit, status=status, model=model, severity=severity)

    def alert(self, alert_id: str) -> AlertDetail:
        """An alert, and what became of each message about it."""
        return cast(AlertDetail, self._get(path("alerts", alert_id)))

    def acknowledge(
        self, alert_id: str, *, comment: str = "", key: str | None = None
    ) -> AlertDetail:
        """Take care of an alert: it is not sent again, nor escalated."""
        where = path("alerts", alert_id, "acknowledge")
        return cast(AlertDetail, self._post(where, {"comment": comment}, key=key))

    def silences(self, *, limit: int = 100) -> list[Silence]:
        """What is not sent at present."""
        return self._items("/v1/silences", limit)

    def silence(
        self,
        duration: str,
        *,
        model: str | None = None,
        pattern: str = "*",
        reason: str = "",
        key: str | None = None,
    ) -> Silence:
        """Send nothing of certain alerts for a while, of one model or of all."""
        body: Json = {"model": model, "pattern": pattern, "duration": duration, "reason": reason}
        return cast(Silence, self._post("/v1/silences", body, key=key))

    def end_silence(self, silence_id: str, *, key: str | None = None) -> Silence:
        """Send again."""
        return cast(Silence, self._post(path("silences", silence_id, "end"), {}, key=key))
