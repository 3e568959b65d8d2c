from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.context import Context
from perennial.contracts import records
from perennial.settings import Settings
from perennial.sse import Event, parse
from tests.samples import at, record_run, spec
from tests.seeded import GOOD, seed
from tests.served import served
from tests.unit.api.conftest import AWAY


class Service:
    """The API on a real socket, and the records behind it."""

    def __init__(self, url: str, context: Context) -> None:
        token = json.loads(context.settings.tokens.read_text())["tokens"][0]["token"]
        self.http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        self.store = context.store

    def watch(self, run_id: str, **headers: str) -> Any:
        return self.http.stream("GET", f"/v1/runs/{run_id}/events", headers=headers)


@pytest.fixture
def context(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("TEMPORAL_ADDRESS", AWAY)
    context = Context.open(settings.model_copy(update={"state_dir": tmp_path}))
    seed(context.store)
    return context


@pytest.fixture
def service(context: Context) -> Iterator[Service]:
    with served(create_app(context)) as url:
        service = Service(url, context)
        yield service
        service.http.close()


def named(events: Iterator[Event]) -> Iterator[Event]:
    return (event for event in events if event.name != "ping")


def test_a_finished_run_is_told_from_its_beginning(service: Service) -> None:
    with service.watch(GOOD) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        events = list(named(parse(answer.iter_lines())))
    assert [e.name for e in events] == [
        *("run", "stage", "stage", "stage", "progress", "stage", "decision"),
        *("approval", "run", "approval", "approval", "run", "champion", "champion", "run", "end"),
    ]
    assert [e.id for e in events[:-1]] == [str(n) for n in range(1, 16)]
    assert all("at" in e.data for e in events[:-1])
    assert events[-1].data == service.http.get(f"/v1/runs/{GOOD}").json()


def test_a_reader_goes_on_behind_the_last_event_it_saw(service: Service) -> None:
    with service.watch(GOOD, **{"Last-Event-ID": "13"}) as answer:
        events = list(named(parse(answer.iter_lines())))
    assert [(e.name, e.id) for e in events] == [("champion", "14"), ("run", "15"), ("end", "15")]


def test_what_happens_is_told_as_it_happens(service: Service) -> None:
    store = service.store
    store.record_spec(records.RecordSpec(effect="b", spec=spec("late"), actor="a", at=at()))
    store.record_run(record_run("late-1", model="late"))
    with service.watch("late-1") as answer:
        events = named(parse(answer.iter_lines()))
        assert next(events).data["status"] == "running"
        # each is written only after the one before it was seen
        store.mark_stage(
            records.MarkStage(run_id="late-1", stage="train", status="running", at=at(1))
        )
        assert next(events).name == "stage"
        store.report_progress("late-1", "train", at(2), {"epoch": 1, "loss": float("inf")})
        assert next(events).data["progress"] == {"epoch": 1, "loss": "inf"}
        store.finish_run(
            records.FinishRun(
                effect="end",
                run_id="late-1",
                model="late",
                outcome="cancelled",
                reason="enough",
                at=at(3),
            )
        )
        assert [e.name for e in events] == ["stage", "run", "end"]


@pytest.mark.parametrize("last", ["x", "-1", "99999999999999999999"])
def test_a_last_event_that_is_no_number(service: Service, last: str) -> None:
    with service.watch(GOOD, **{"Last-Event-ID": last}) as answer:
        assert answer.status_code == 422
        answer.read()
        assert answer.headers["content-type"] == "application/problem+json"


def test_nobody_is_polled_for_once_the_reader_has_gone(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    import api.routes.runs as routes

    ended = threading.Event()
    watch = routes.watch

    async def observed(*given: Any) -> Any:
        try:
            async for event in watch(*given):
                yield event
        finally:
            ended.set()

    monkeypatch.setattr(routes, "watch", observed)
    with served(create_app(context)) as url:
        service = Service(url, context)
        with service.watch("flights-waiting") as answer:
            # kept, since httpx closes a stream that nobody iterates any more
            events = named(parse(answer.iter_lines()))
            assert next(events).name == "run"
            assert not ended.is_set()
        service.http.close()
        assert ended.wait(30)
