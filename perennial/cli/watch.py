"""Watch a run: its document again each time that something happens to it.

The stream of events says *that* something happened, the document says *what* holds now. So a
stream that breaks, comes twice or comes late cannot show a wrong state: it is joined again behind
the last event seen, and meanwhile the document is asked for on a timer.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from perennial.client import ApiError, Client, ServiceAway
from perennial.documents import Run
from perennial.sse import Event

# Work that is being retried makes no event, so the document is read this often without one.
_REFRESH = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
# The API looks for news five times a second at least.
_FIRST_EVENT, _SILENCE = 10.0, 1.0


@dataclass(frozen=True)
class Update:
    """A run as it is now, and what has happened since the update before."""

    run: Run
    events: tuple[Event, ...] = ()


def watch(
    client: Client, run_id: str, *, patience: float = 60.0, every: float = _REFRESH
) -> Iterator[Update]:
    """Updates of a run until it is finished, beginning with what holds now.

    Args:
        client: whom to ask. The stream has a connection of its own.
        run_id: the run.
        patience: seconds without an answer after which it is given up.
        every: seconds after which there is an update although nothing has happened.

    Raises:
        ApiError: the run is not known, or may not be seen.
        ServiceAway: the API has not answered for as long as `patience`.
    """
    run = client.run(run_id)
    yield Update(run)
    if run["status"] == "finished":
        return
    with _Stream(client, run_id) as stream:
        away_since: float | None = None
        while run["status"] != "finished":
            events = stream.next(every)
            try:
                run = client.run(run_id)
            except ServiceAway:
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > patience:
                    raise
                # What was seen is not lost: it belongs to the update that comes next.
                stream.put_back(events)
                stream.pause(_FIRST_PAUSE)
                continue
            away_since = None
            yield Update(run, events)


def so_far(client: Client, run_id: str) -> list[Event]:
    """What has happened in a run by now, in order.

    A stream does not say where the past ends, so of a run that goes on it is what comes before
    the first moment of silence.

    Raises:
        ApiError: the run is not known, or may not be seen.
        ServiceAway: the API does not answer.
    """
    run = client.run(run_id)
    if run["status"] == "finished":
        return [event for event in client.events(run_id) if event.name not in ("ping", "end")]
    found: list[Event] = []
    with _Stream(client, run_id) as stream:
        while events := stream.next(_SILENCE if found else _FIRST_EVENT):
            found += events
    return [event for event in found if event.name != "end"]


class _Stream:
    """The events of a run, read by a thread that joins the stream again when it breaks."""

    def __init__(self, client: Client, run_id: str) -> None:
        self._client = client.another()
        self._run_id = run_id
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._kept: tuple[Event, ...] = ()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, name="events", daemon=True)

    def __enter__(self) -> _Stream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # The thread may be waiting for the next byte, so it is not joined; it is a daemon.
        self._stopped.set()

    def next(self, timeout: float) -> tuple[Event, ...]:
        """Everything that has come by now; waits up to `timeout` seconds for the first."""
        events = list(self._kept)
        self._kept = ()
        try:
            if not events:
                events.append(self._events.get(timeout=timeout))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            return tuple(events)

    def put_back(self, events: tuple[Event, ...]) -> None:
        """Keep events for the next call."""
        self._kept = events

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        self._stopped.wait(seconds)

    def _read(self) -> None:
        after: str | None = None
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            try:
                for event in self._client.events(self._run_id, after=after):
                    pause = _FIRST_PAUSE
                    after = event.id or after
                    if event.name != "ping":
                        self._events.put(event)
                    if event.name == "end" or self._stopped.is_set():
                        return
            except ServiceAway:
                pass
            except ApiError as error:
                if error.status < 500:
                    return  # asking for the document says the same, to the person
            self._stopped.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
