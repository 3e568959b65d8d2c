"""What Prometheus reads: figures of requests, records and the data plane, with few labels."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import select

from api.app import create_app
from api.context import Context
from api.db.alert_tables import DeliveryRow
from api.db.facts import serving
from api.db.store import Store
from api.metrics.serving import Served
from perennial.contracts.alerts import DeliveryStatus, RaiseAlert
from perennial.contracts.records import Outcome, RecordSpec, RunKind, SetModelStatus
from perennial.contracts.serving import LATENCIES, Report, Tally
from perennial.settings import Settings
from tests.samples import at, record_trigger, spec
from tests.scraped import Scrape
from tests.seeded import seed

PLACE = {"model": "flights", "environment": "production"}
CHAMPION = {**PLACE, "variant": "champion", "version": "1"}


async def scrape(client: httpx.AsyncClient) -> Scrape:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Scrape(answer.text)


@asynccontextmanager
async def viewing(context: Context) -> AsyncIterator[httpx.AsyncClient]:
    """A viewer of an API of its own."""
    app = create_app(context)
    entries = json.loads(context.settings.tokens.read_text())["tokens"]
    [token] = [entry["token"] for entry in entries if entry["role"] == "viewer"]
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://api",
            headers={"Authorization": f"Bearer {token}"},
        ) as client,
    ):
        yield client


@dataclass(frozen=True)
class Own:
    """The API on records of its own, which a test may change."""

    store: Store
    viewer: httpx.AsyncClient


@pytest.fixture
async def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Own]:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    context = Context.open(Settings.model_validate({"state_dir": tmp_path}))
    seed(context.store)
    async with viewing(context) as viewer:
        yield Own(context.store, viewer)
    context.store.close()


async def test_what_the_records_say(own: Own) -> None:
    watched = spec(request_log={}, monitoring={"environments": ["development"]})
    own.store.record_spec(RecordSpec(effect="w", spec=watched, actor="engineer", at=at(0)))
    found = await scrape(own.viewer)
    assert found.value("perennial_models", status="active") == 1
    assert found.value("perennial_models", status="retired") == 0
    assert found.value("perennial_platform_paused") == 0
    assert found.value("perennial_champion_version", **PLACE) == 1
    assert found.value("perennial_champion_epoch", **PLACE) == 1
    assert found.value("perennial_deployment_weight_ratio", **CHAMPION) == 1
    assert found.value("perennial_runs", model="flights", status="running") == 1
    assert found.value("perennial_runs", model="flights", status="queued") == 0
    ended = {"model": "flights", "kind": "lifecycle"}
    assert found.value("perennial_runs_finished_total", outcome="denied", **ended) == 1
    assert found.value("process_resident_memory_bytes")
    window = {**PLACE, "environment": "development"}
    assert found.value("perennial_window_failing", of="drift", **window) == 0
    assert found.value("perennial_window_rows", **window) == 1000
    assert found.value("perennial_window_end_timestamp_seconds", **window) == at(240).timestamp()
    wish = {"model": "flights", "cause": "request", "decision": "ask"}
    assert found.value("perennial_triggers_total", **wish) == 1


async def test_a_wish_that_finds_no_room_later_is_counted_as_both(own: Own) -> None:
    """What goes down has begun anew, for Prometheus, and has grown by all of it."""
    new = spec("new")
    own.store.record_spec(RecordSpec(effect="new", spec=new, actor="engineer", at=at(0)))
    wished = {"model": "new", "cause": "drift"}

    async def counted() -> dict[str, float | None]:
        found = await scrape(own.viewer)
        return {
            decision: found.value("perennial_triggers_total", decision=decision, **wished)
            for decision in ("allow", "wait")
        }

    full = {"no_room": "the queue of 'new' is full"}
    first, other = (
        record_trigger(name, 9000).model_copy(update={"model": "new"}) for name in ("w1", "w2")
    )
    assert own.store.record_trigger(first).governed.decision == "allow"
    assert await counted() == {"allow": 1, "wait": None}
    own.store.record_trigger(first.model_copy(update=full))
    assert await counted() == {"allow": 1, "wait": 1}
    # one that never had room was never promised a run
    own.store.record_trigger(other.model_copy(update=full))
    assert await counted() == {"allow": 1, "wait": 2}


async def test_ends_of_runs_are_counted_from_none_on(own: Own) -> None:
    """What first appears with a 1 has not grown, for Prometheus."""
    new = spec("new")
    own.store.record_spec(RecordSpec(effect="new", spec=new, actor="engineer", at=at(0)))
    counted = "perennial_runs_finished_total"
    found = await scrape(own.viewer)
    for model, kind in product(("flights", "new"), get_args(RunKind)):
        assert found.value(counted, model=model, kind=kind, outcome="failed") == 0
    of_flights = {"model": "flights", "kind": "lifecycle"}
    assert found.value(counted, outcome="promoted", **of_flights) == 1
    assert found.labels(counted, "outcome") == set(get_args(Outcome))
    retired = {"effect": "gone", "model": "new", "status": "retired", "actor": "ada", "reason": ""}
    own.store.set_model_status(SetModelStatus.model_validate(retired | {"at": at(1)}))
    assert (await scrape(own.viewer)).labels(counted, "model") == {"flights"}


async def test_what_became_of_tellings(own: Own) -> None:
    async def shown() -> dict[str, float | None]:
        found = await scrape(own.viewer)
        every = get_args(DeliveryStatus)
        return {each: found.value("perennial_deliveries", status=each) for each in every}

    assert await shown() == {"pending": 0, "sent": 0, "failed": 0, "suppressed": 0}
    told = spec(alerts={"channels": [{"name": "ops"}, {"name": "pager"}]})
    own.store.record_spec(RecordSpec(effect="a", spec=told, actor="engineer", at=at(0)))
    raised: dict[str, Any] = {"model": "flights", "severity": "high", "kind": "drift", "title": "t"}
    for key in ("psi", "ks"):
        own.store.raise_alert(RaiseAlert(effect=key, key=key, at=at(0), **raised))
    with own.store.database.writing() as session:
        row = session.exec(select(DeliveryRow).where(DeliveryRow.channel == "pager")).first()
        assert row is not None
        row.status = "failed"
        session.add(row)
    assert await shown() == {"pending": 3, "sent": 0, "failed": 1, "suppressed": 0}


@pytest.mark.parametrize(
    ("told", "status", "expected"),
    [
        (
            "0, NVIDIA H100 80GB HBM3, 37, 12045, 81559, 54, 312.40\n"
            "1, Tesla K80, [N/A], 4, 11441, 40, [N/A]",
            0,
            {"utilization_ratio": 1, "memory_used_bytes": 2, "power_watts": 1},
        ),
        ("NVIDIA-SMI has failed because it could not talk to the driver.", 9, {}),
        ("", 0, {}),
    ],
)
async def test_gpus_at_hand(
    viewer: httpx.AsyncClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: str,
    status: int,
    expected: dict[str, int],
) -> None:
    """The driver's program, as far as it can be had without a driver: what it prints."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{told}\nEND\nexit {status}\n")
    program.chmod(0o755)
    assert not any("gpu" in name for name in (await scrape(viewer)).families)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = await scrape(viewer)
    for name, count in expected.items():
        assert len(found.families[f"perennial_gpu_{name}"].samples) == count
    if expected:
        gpu = {"gpu": "0", "card": "NVIDIA H100 80GB HBM3"}
        assert found.value("perennial_gpu_utilization_ratio", **gpu) == pytest.approx(0.37)
        assert found.value("perennial_gpu_memory_used_bytes", **gpu) == 12045 * 2**20
    else:
        assert not any("gpu" in name for name in found.families)


async def test_systems_that_are_away(viewer: httpx.AsyncClient) -> None:
    found = await scrape(viewer)
    assert found.value("perennial_dependency_up", dependency="records") == 1
    assert found.value("perennial_dependency_up", dependency="temporal") == 0
    assert "perennial_task_queue_backlog" in found.families


async def test_records_that_are_away_cost_only_what_they_say(context: Context) -> None:
    away = Store("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    async with viewing(Context(context.settings, away, context.tokens)) as client:
        found = await scrape(client)
    assert found.value("perennial_dependency_up", dependency="records") == 0
    assert found.value("process_resident_memory_bytes")
    assert "perennial_models" not in found.families


async def test_requests_count_by_template_and_never_by_path(
    viewer: httpx.AsyncClient, app: FastAPI
) -> None:
    before = await scrape(viewer)
    for path in ("/v1/models/flights", "/v1/models/nobody", "/v1/models/a-1", "/nowhere/at/all"):
        await viewer.get(path)
    await viewer.request("BREW", "/v1/models/flights")
    after = await scrape(viewer)

    def more(name: str, **labels: str) -> float:
        return (after.value(name, **labels) or 0) - (before.value(name, **labels) or 0)

    asked = {"method": "GET", "route": "/v1/models/{model}"}
    assert more("perennial_api_requests_total", status="200", **asked) == 1
    assert more("perennial_api_requests_total", status="404", **asked) == 2
    assert more("perennial_api_request_seconds_count", **asked) == 3
    away = {"method": "GET", "route": "other", "status": "404"}
    assert more("perennial_api_requests_total", **away) == 1
    assert "BREW" not in after.labels("perennial_api_requests_total", "method")
    known = {*app.openapi()["paths"], "/openapi.json", "other"}
    assert after.labels("perennial_api_requests_total", "route") <= known


class Plane:
    """Records with a data plane, looked at by one process of the API."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.served = Served()

    def says(self, process: str, minutes: float, **report: Any) -> None:
        with self.store.database.writing() as session:
            serving.record_report(session, "production", process, Report(**report), at(minutes))

    def reports(self, process: str, minutes: float, *, version: int = 1, **counts: Any) -> None:
        tally = Tally(
            model="flights",
            epoch=1,
            variant="champion",
            version=version,
            sha256="0" * 64,
            **counts,
        )
        self.says(process, minutes, tallies=(tally,), busy=0.25)

    def look(self, minutes: float) -> dict[str, dict[tuple[str, ...], float]]:
        with self.store.database.reading() as session:
            return {
                family.name: {tuple(s.labels.values()): s.value for s in family.samples}
                for family in self.served(session, at(minutes))
            }


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    store = Store.open(f"sqlite:///{tmp_path / 'records.db'}")
    seed(store)
    yield Plane(store)
    store.close()


FIRST = ("flights", "production", "champion", "1")


def test_counts_of_several_processes_are_one_sum(plane: Plane) -> None:
    plane.reports("a", 0, requests=1000, errors=7)
    assert plane.look(0)["perennial_serving_requests"] == {FIRST: 0}
    plane.reports("a", 0.1, requests=1010, errors=8, slow=3, lost=2)
    plane.reports("b", 0.1, requests=5, refused=1)
    found = plane.look(0.1)
    assert found["perennial_serving_requests"] == {FIRST: 15}
    assert found["perennial_serving_errors"] == {FIRST: 1}
    assert found["perennial_serving_slow_requests"] == {FIRST: 3}
    assert found["perennial_serving_refused_requests"] == {FIRST: 1}
    assert found["perennial_serving_lost_rows"] == {FIRST: 2}
    assert found["perennial_serving_processes"] == {("production",): 2}
    assert found["perennial_serving_busy_ratio"] == {("production",): 0.25}


def test_latencies_are_a_histogram_over_all_processes(plane: Plane) -> None:
    plane.reports("a", 0, requests=2, latencies=(2, *[0] * 12))
    plane.reports("old", 0, requests=1)
    plane.look(0)
    plane.reports("a", 0.1, requests=5, latencies=(3, *[0] * 10, 1, 1))
    plane.reports("b", 0.1, requests=1, latencies=(0, 1, *[0] * 11))
    found = plane.look(0.1)["perennial_serving_latency_seconds"]
    assert {labels[-1]: value for labels, value in found.items()} == {
        "0.001": 1,
        **dict.fromkeys(map(str, LATENCIES[1:-1]), 2),
        "5.0": 3,
        "+Inf": 4,
    }


def test_a_sum_does_not_fall_when_a_process_is_forgotten(plane: Plane) -> None:
    plane.reports("a", 0, requests=10)
    plane.look(0)
    plane.reports("a", 1, requests=30)
    plane.look(1)
    day = 24 * 60
    plane.reports("b", day + 2, requests=4)
    found = plane.look(day + 2)
    assert found["perennial_serving_requests"] == {FIRST: 24}
    assert found["perennial_serving_processes"] == {("production",): 1}


def test_what_nobody_serves_any_more_is_left_out(plane: Plane) -> None:
    plane.reports("a", 0, requests=10)
    plane.look(0)
    day = 24 * 60
    plane.reports("b", day + 2, version=2, requests=4)
    assert plane.look(day + 2)["perennial_serving_requests"] == {(*FIRST[:3], "2"): 4}
    assert plane.look(3 * day)["perennial_serving_requests"] == {}
    assert plane.look(3 * day)["perennial_serving_processes"] == {}


PRODUCTION = ("production",)


def test_memory_is_of_the_processes_that_report(plane: Plane) -> None:
    plane.says("a", 0, memory_bytes=300)
    plane.says("b", 0, memory_bytes=200)
    plane.says("old", 0)
    assert plane.look(0)["perennial_data_plane_memory_bytes"] == {PRODUCTION: 500}
    plane.says("a", 0.1, memory_bytes=320)
    plane.says("b", 0.1, memory_bytes=200, leaving=True)
    assert plane.look(0.1)["perennial_data_plane_memory_bytes"] == {PRODUCTION: 320}


def test_the_processors_time_of_all_processes_only_grows(plane: Plane) -> None:
    def seconds(minutes: float) -> dict[tuple[str, ...], float]:
        return plane.look(minutes)["perennial_data_plane_cpu_seconds"]

    plane.says("a", 0, cpu_seconds=50.0)
    assert seconds(0) == {PRODUCTION: 0}, "an earlier process of the API has told of that"
    plane.says("a", 0.1, cpu_seconds=51.5)
    plane.says("b", 0.1, cpu_seconds=2.0)
    assert seconds(0.1) == {PRODUCTION: 3.5}
    plane.says("b", 0.2, cpu_seconds=2.5, leaving=True)
    assert seconds(0.2) == {PRODUCTION: 4}, "with the last of who leaves"
    day = 24 * 60
    plane.says("c", day + 2, cpu_seconds=1.0)
    assert seconds(day + 2) == {PRODUCTION: 5}, "and of who is forgotten"
    assert seconds(3 * day) == {}
