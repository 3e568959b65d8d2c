"""Alerts that a champion's move ends or is, and wishes that a person has to answer."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from api.db.alert_tables import AlertRow
from api.db.store import Store
from perennial.contracts import records
from perennial.contracts.alerts import RaiseAlert
from perennial.contracts.monitoring_plan import RetrainPlan
from perennial.contracts.triggers import RecordTrigger
from tests.samples import at, move, record_run, record_trigger, record_version, spec

PLACE = {"model": "flights", "environment": "production"}


@pytest.fixture
def ready(store: Store) -> Store:
    """Three versions, of which the first is champion."""
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="ada", at=at()))
    for run_id in ("r1", "r2", "r3"):
        store.record_run(record_run(run_id))
        store.record_version(record_version(run_id))
    store.move_champion(move(1, 0))
    return store


def alert(store: Store, kind: str, minutes: float, key: str = "version 1", **more: Any) -> None:
    about: dict[str, Any] = {**PLACE, "kind": kind, "key": key, "title": kind, **more}
    store.raise_alert(
        RaiseAlert.model_validate(
            {"effect": f"{kind}{minutes}{more}", "severity": "high", "at": at(minutes), **about}
        )
    )


def alerts(store: Store) -> dict[str, tuple[str, str]]:
    """How each stands and why it is over, by kind and key."""
    with store.database.reading() as session:
        rows = session.exec(select(AlertRow)).all()
    return {f"{row.kind} {row.key}": (row.status, row.closed_because) for row in rows}


def test_what_was_amiss_with_a_champion_is_over_once_another_answers(ready: Store) -> None:
    for kind in ("drift", "quality", "concept", "retrain"):
        alert(ready, kind, 10)
    alert(ready, "labels", 10, key="table", environment=None)
    ready.move_champion(move(2, 1, at=at(20)))
    found = alerts(ready)
    assert found.pop("labels table") == ("open", "")
    over = ("closed", "version 1 is champion no more")
    assert found == dict.fromkeys(
        [f"{k} version 1" for k in ("drift", "quality", "concept", "retrain")], over
    )


def test_what_is_found_of_it_afterwards_is_another_matter(ready: Store) -> None:
    alert(ready, "drift", 30)
    alert(ready, "quality", 10, environment="staging")
    ready.move_champion(move(2, 1, at=at(20)))
    assert {status for status, _ in alerts(ready).values()} == {"open"}


@pytest.mark.parametrize(("actor", "severity"), [("guard", "critical"), ("ada", "high")])
def test_a_rollback_is_told_until_a_version_is_promoted(
    ready: Store, actor: str, severity: str
) -> None:
    ready.move_champion(move(2, 1, at=at(20)))
    back = move(1, 2, at=at(30), cause="rollback", actor=actor, reason="errors: 4 % of requests")
    ready.move_champion(back)
    ready.move_champion(back)  # a repeat has one effect
    with ready.database.reading() as session:
        [row] = session.exec(select(AlertRow)).all()
    assert (row.kind, row.key, row.severity, row.raised) == ("rollback", "version 2", severity, 1)
    assert row.title == "flights in production: it is taken back"
    told = f"{actor} took version 2 back, and version 1 answers now: errors: 4 % of requests"
    assert row.body == told
    ready.move_champion(move(3, 3, at=at(40)))
    assert alerts(ready) == {"rollback version 2": ("closed", "version 3 was promoted")}


def test_a_monitor_tells_of_its_own_rollback(ready: Store) -> None:
    ready.move_champion(move(2, 1, at=at(20)))
    ready.move_champion(move(None, 2, at=at(30), cause="rollback", actor="monitor"))
    assert alerts(ready) == {}


def wish(minutes: float, failures: int = 1, **changes: Any) -> RecordTrigger:
    """A wish, by limits that let one run follow the other, but for those that failed."""
    about = {"cause": "message", "actor": "bus", **changes}
    made = record_trigger(f"w{minutes}", minutes, **about)
    limits = RetrainPlan(cooldown="1s", back_off="1s", failures=failures)
    return made.model_copy(update={"limits": limits})


def ended(store: Store, run_id: str, outcome: str, minutes: float) -> None:
    finished = {"run_id": run_id, "model": "flights", "outcome": outcome, "reason": "so it is"}
    store.finish_run(
        records.FinishRun.model_validate({"effect": run_id, "at": at(minutes), **finished})
    )


@pytest.fixture
def failing(ready: Store) -> Store:
    """A wish was followed, and its run has made no champion."""
    for run_id in ("r1", "r2", "r3"):
        ended(ready, run_id, "promoted", 50)
    wished = ready.record_trigger(wish(100))
    assert wished.run_id is not None
    ready.record_run(record_run(wished.run_id))
    ended(ready, wished.run_id, "cancelled", 101)
    return ready


@pytest.mark.parametrize("cause", ["message", "schedule", "policy", "request"])
def test_a_wish_that_a_person_has_to_answer_is_an_alert_whatever_asks(
    failing: Store, cause: str
) -> None:
    for minutes in (200, 300):
        asked = wish(minutes, cause=cause)
        assert failing.record_trigger(asked).governed.decision == "ask"
        failing.record_trigger(asked)
    with failing.database.reading() as session:
        [row] = session.exec(select(AlertRow)).all()
    assert (row.kind, row.key, row.raised, row.status) == ("retrain", "limits", 2, "open")
    assert row.title == "flights: it is not trained again until a person looks"
    assert row.body.startswith(f"{cause}: the last 1 runs did not end in a champion")
    failing.move_champion(move(2, 1, at=at(400)))
    assert alerts(failing) == {"retrain limits": ("closed", "version 2 was promoted")}


def test_a_monitor_tells_of_its_own_wishes(failing: Store) -> None:
    asked = wish(200, cause="drift", actor="monitor")
    assert failing.record_trigger(asked).governed.decision == "ask"
    assert alerts(failing) == {}


def test_it_is_over_once_a_wish_is_followed(failing: Store) -> None:
    failing.record_trigger(wish(200))
    assert failing.record_trigger(wish(300, failures=3)).governed.decision == "allow"
    assert alerts(failing) == {"retrain limits": ("closed", "message: it is trained again")}
