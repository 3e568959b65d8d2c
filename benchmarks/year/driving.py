"""Whoever sends the year: requests, labels as they become known, and a yes to what is asked.

The year's clock stands still while the platform works: a run that would take minutes of a week
takes none of it here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import httpx

from benchmarks.year.events import Request, Year
from perennial.client import ApiError, Client
from perennial.contracts.spec import ModelSpec, duration
from perennial.documents import Run, Window

T = TypeVar("T")

ENVIRONMENT = "production"
_PATIENCE = 180.0
_LOOK = 0.2
_LABELS = 2000
"""In one request: the API takes a megabyte."""


class NotAsTold(Exception):
    """The platform did something else than a replay can go on with; the message says what."""


@dataclass
class Answers:
    """What was answered, by the row of a flight in the year's frame.

    Attributes:
        late: probability that it is late.
        version: that said so.
        request: id of its request, and its row there.
        failed: requests without an answer.
    """

    late: dict[int, float] = field(default_factory=dict)
    version: dict[int, int] = field(default_factory=dict)
    request: dict[int, tuple[str, int]] = field(default_factory=dict)
    failed: int = 0


class Driver:
    """Sends a year to a model that is watched, window by window."""

    def __init__(
        self, spec: ModelSpec, year: Year, serving: str, engineer: Client, approver: Client
    ) -> None:
        """Send.

        Args:
            spec: of the model; it has windows by the time of events.
            year: what is sent.
            serving: address of the prediction service.
            engineer: asks for the first run, and sends labels.
            approver: says yes to whatever the policy lets through.
        """
        assert spec.monitoring is not None
        self._model, self._plan, self._year = spec.model, spec.monitoring, year
        self._engineer, self._approver = engineer, approver
        # one connection, so one process: what is asked first is in the log first
        self._http = httpx.Client(base_url=serving, timeout=30)
        self.answers = Answers()
        self.labels = 0

    def close(self) -> None:
        """No more requests."""
        self._http.close()

    def promoted(self) -> int:
        """The version of a first run, once it is served.

        Raises:
            NotAsTold: it was not promoted.
        """
        run = self.see_through(self._engineer.start_run(self._model)["run_id"])
        if run["outcome"] != "promoted" or run["version"] is None:
            raise NotAsTold(f"the first run was {run['outcome']}: {run['reason']}")
        self.until_served()
        return run["version"]

    def replay(self, windows: list[tuple[datetime, datetime]]) -> Iterator[Window]:
        """Send windows, each once the one before was judged and whatever followed has ended.

        Yields:
            Each window as it was judged.
        """
        known = windows[0][0]
        for start, end in windows:
            for request in self._year.requests(self._sent(start), end):
                self._ask(request)
            self._tell(known, end)
            known = end
            self._move_on(end)
            window = self._judged(start)
            self._follow(window)
            yield window

    def see_through(self, run_id: str) -> Run:
        """A run once it has ended, with a yes to its questions."""

        def ended() -> Run | None:
            try:
                run = self._engineer.run(run_id)
            except ApiError as error:
                if error.status == 404:  # the model's workflow has not heard of it yet
                    return None
                raise
            approval = run["approval"]
            if approval is not None and approval["status"] == "open" and not approval["votes"]:
                self._approver.vote(
                    approval["approval_id"],
                    approval["evidence_digest"],
                    approve=True,
                    comment="the replay says yes to what the policy lets through",
                )
            return run if run["status"] == "finished" else None

        return _until(ended, f"run {run_id} has not ended")

    def until_served(self) -> None:
        """Return once every process answers with the champion of now."""

        def served() -> bool | None:
            champions = self._engineer.champions(self._model)
            now = next(c["version"] for c in champions if c["environment"] == ENVIRONMENT)
            if now is None:
                return True
            found = self._engineer.rollout(self._model, ENVIRONMENT)
            return [v["version"] for v in found["variants"]] == [now] and not found["behind"]

        _until(lambda: served() or None, f"the champion of {self._model} is not served")

    _next: datetime | None = None
    """Of the requests that were sent, none is of this instant or later."""

    def _sent(self, start: datetime) -> datetime:
        return max(start, self._next or start)

    def _ask(self, request: Request) -> None:
        answer = self._http.post(
            f"/v1/models/{self._model}:predict",
            json={"instances": request.rows},
            headers={"x-request-id": request.request_id, "x-event-time": request.at.isoformat()},
        )
        self._next = request.at + timedelta(microseconds=1)
        if answer.status_code != 200:
            self.answers.failed += 1
            return
        version = int(answer.headers["x-model-version"])
        for row, (flight, said) in enumerate(
            zip(request.flights, answer.json()["predictions"], strict=True)
        ):
            self.answers.late[flight] = said["probabilities"]["1"]
            self.answers.version[flight] = version
            self.answers.request[flight] = (request.request_id, row)

    def _tell(self, after: datetime, until: datetime) -> None:
        """Labels of flights that have landed between two instants."""
        labels = [
            {
                "request_id": found[0],
                "row": found[1],
                "value": landed.late,
                "at": landed.at.isoformat(),
                "asked_at": landed.asked_at.isoformat(),
            }
            for landed in self._year.landed(after, until)
            if (found := self.answers.request.get(landed.flight)) is not None
        ]
        for begin in range(0, len(labels), _LABELS):
            self._engineer.label(self._model, labels[begin : begin + _LABELS])
        self.labels += len(labels)

    def _move_on(self, end: datetime) -> None:
        """Ask what shows that the window is over: its end is known by requests of later hours."""
        due = end + duration(self._plan.lateness)
        for request in self._year.requests(end, end + 4 * duration(self._plan.window)):
            self._ask(request)
            if request.at >= due:
                return
        raise NotAsTold(f"the year has no request after {due.isoformat()}: end it a window earlier")

    def _judged(self, start: datetime) -> Window:
        """The window that begins then, once the policy has answered to it."""

        def judged() -> Window | None:
            found = self._engineer.windows(self._model, environment=ENVIRONMENT, limit=1)
            if not found or found[0]["action"] is None:
                return None
            return found[0] if datetime.fromisoformat(found[0]["start"]) == start else None

        return _until(judged, f"the window of {start:%Y-%m-%d %H:%M} was not judged")

    def _follow(self, window: Window) -> None:
        """See through what a window has led to."""
        if window["action"] == "retrain":
            newest = self._engineer.triggers(self._model, limit=1)[0]
            if newest["run_id"] is not None:
                self.see_through(newest["run_id"])
        if window["action"] != "ignore":
            self.until_served()


def _until(look: Callable[[], T | None], complaint: str) -> T:
    """What is looked for, once it is there.

    Raises:
        NotAsTold: it is not there in time.
    """
    ends = time.monotonic() + _PATIENCE
    while (found := look()) is None:
        if time.monotonic() > ends:
            raise NotAsTold(f"{complaint} within {_PATIENCE:.0f} s; the stack's logs say why")
        time.sleep(_LOOK)
    return found
