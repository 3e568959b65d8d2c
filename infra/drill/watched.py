"""What happens to a champion that is watched: a window of requests, an alert, labels.

Nothing is left to chance: the requests are of a morning long past, told by their event times, and
have moved so far that the window fails; their labels say that the answers were right.
"""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.drill.plan import LAST, WATCHED
from infra.drill.receiver import CHANNEL, Receiver
from infra.drill.records import Records
from perennial.client import ApiError, Client, ServiceAway
from perennial.contracts.request_log import WRITTEN_SECONDS

LOGGED: dict[str, Any] = {"request_log": {"event_time": "header"}}
"""Of the spec from the beginning: whatever serves the champion keeps its requests."""
PLAN: dict[str, Any] = {
    **LOGGED,
    "monitoring": {
        "environments": [LAST],
        "window": "1h",
        "lateness": "1s",
        "clock": "events",
        "drift": {"rows": 100},
        "quality": {"rows": 50, "worse": {"warn": 0.2, "alert": 0.4}},
        "lasting": {"windows": 1, "of": 1},
    },
    "alerts": {"channels": [{"name": CHANNEL}]},
}
_MORNING = datetime(2026, 1, 5, 8, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_ROWS = 120
_PAUSE_SECONDS = 0.05
_TIMEOUT_SECONDS = 5.0


class WatchedLife:
    """The rest of a champion's life, stage by stage. Not to be shared between threads."""

    def __init__(
        self,
        model: str,
        *,
        serving: str,
        requests: Path,
        records: Records,
        receiver: Receiver,
        client: Callable[[], Client],
        limit: float,
    ) -> None:
        """Of a model that has just been promoted.

        Args:
            model: its name.
            serving: address of the data plane.
            requests: folder of the log of requests.
            records: of the stack.
            receiver: that the stack's alerts go to.
            client: makes one that may send labels.
            limit: seconds that anything here may take before a `TimeoutError`.
        """
        self._model, self._where = model, urlsplit(serving).netloc
        self._log = requests / f"environment={LAST}" / f"model={model}"
        self._records, self._receiver, self._client = records, receiver, client
        self._limit = limit

    def begin(self, stage: str) -> None:
        """Do what a stage begins with, and see it begin."""
        if stage == "window":
            rows = [_row(turn) for turn in range(_ROWS)]
            self._send([*((_MORNING, row) for row in rows), (_MORNING + 2 * _HOUR, rows[0])])
            self._until(lambda: self._logged(0) == _ROWS and self._logged(2) == 1, "was logged")
            time.sleep(WRITTEN_SECONDS)  # so long a monitor waits for what others may have answered
        elif stage == "alert":
            self._until(lambda: self._receiver.messages(self._model) > 0, "was told")
        elif stage == "labels":
            self._label()
            self._send([(_MORNING + 3 * _HOUR, _row(0))])
            self._until(lambda: self._logged(3) == 1, "was logged")
            time.sleep(WRITTEN_SECONDS)

    def is_over(self, stage: str) -> bool:
        """Whether all that belongs to a stage is in the records."""
        windows = self._records.windows(self._model)
        if stage == "window":
            return bool(windows) and all(window["action"] for window in windows)
        if stage == "alert":
            deliveries = self._records.deliveries(self._model)
            return bool(deliveries) and all(each["status"] == "sent" for each in deliveries)
        answered = len(windows) == 2 and all(window["action"] for window in windows)
        return answered and windows[0]["quality_at"] is not None

    def live(self, stage: str) -> float:
        """Have a stage pass undisturbed; the seconds it took."""
        self.begin(stage)
        began = time.monotonic()
        self.see_over(stage)
        return time.monotonic() - began

    def see_over(self, stage: str) -> None:
        """Wait until a stage is over."""
        self._until(lambda: self.is_over(stage), f"saw the end of {stage}")

    def rest(self, after: str | None = None) -> None:
        """Have the stages behind one pass, or all of them."""
        for stage in WATCHED[WATCHED.index(after) + 1 :] if after else WATCHED:
            self.live(stage)

    def facts(self) -> Counter[str]:
        """What two lives have in common of all this."""
        found = [
            f"window {each['start']} of version {each['version']}: {each['verdict']}, "
            f"{each['rows']} rows, {each['action']}; {each['quality_verdict']} by "
            f"{each['labelled']} labels"
            for each in self._records.windows(self._model)
        ]
        found += [f"label {each['status']}" for each in self._records.labels(self._model)]
        found += [
            f"alert {each['kind']} {each['severity']} {each['status']}"
            for each in self._records.alerts(self._model)
        ]
        found += [
            f"delivery {each['channel']} {each['cause']} {each['status']}"
            for each in self._records.deliveries(self._model)
        ]
        return Counter(found) + Counter({"message": self._receiver.messages(self._model)})

    def _label(self) -> None:
        labels = [
            {
                "request_id": _request(0, turn),
                "value": int(_row(turn)["x"] + _row(turn)["y"] > 0),
                "at": (_MORNING + 2 * _HOUR).isoformat(),
                "asked_at": _MORNING.isoformat(),
            }
            for turn in range(_ROWS)
        ]

        def kept() -> bool:
            with suppress(ApiError, ServiceAway), self._client() as client:
                return bool(client.send_labels(self._model, list(labels)))
            return False

        self._until(kept, "could be sent labels")

    def _send(self, rows: list[tuple[datetime, dict[str, float]]]) -> None:
        """Requests in their order; each again until it is answered by the model's champion."""
        connection = http.client.HTTPConnection(self._where, timeout=_TIMEOUT_SECONDS)
        for turn, (at, row) in enumerate(rows):
            hour = (at - _MORNING) // _HOUR
            headers = {"x-request-id": _request(hour, turn), "x-event-time": at.isoformat()}
            body = json.dumps({"instances": [row]})

            def answered(headers: dict[str, str] = headers, body: str = body) -> bool:
                try:
                    connection.request("POST", self._path, body, headers)
                    answer = connection.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException):
                    connection.close()  # the next request opens it again
                    return False
                return answer.status == 200

            self._until(answered, "answered")
        connection.close()

    @property
    def _path(self) -> str:
        return f"/v1/models/{self._model}:predict"

    def _logged(self, hour: int) -> int:
        """Rows that the log has of an hour of the morning."""
        from pyarrow import parquet

        at = _MORNING + hour * _HOUR
        folder = self._log / f"date={at:%Y-%m-%d}" / f"hour={at:%H}"
        return sum(parquet.read_metadata(file).num_rows for file in folder.glob("*.parquet"))

    def _until(self, reached: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self._limit
        while not reached():
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody {what} of {self._model} in {self._limit:.0f} s")
            time.sleep(_PAUSE_SECONDS)


def _row(turn: int) -> dict[str, float]:
    """Three times as far from the middle as any row of the training."""
    return {"x": 3 * (turn * 37 % 101 / 50 - 1), "y": 3 * (turn * 53 % 89 / 44 - 1)}


def _request(hour: int, turn: int) -> str:
    return f"drill-{hour}-{turn}"
