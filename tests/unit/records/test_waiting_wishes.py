"""Which wishes to train a model again that had to wait are put again, and under which name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.db.store import Store
from perennial.contracts import ids, records
from perennial.contracts.monitoring_plan import RetrainPlan
from perennial.contracts.triggers import TriggerRecorded, WaitingWish
from tests.samples import at, record_run, record_trigger, spec

DAY = 24 * 60
FULL = "the queue of 'flights' is full; cancel runs or wait"


@pytest.fixture
def ready(store: Store) -> Iterator[Store]:
    """A model whose last run began at 100 minutes, and ended in a champion: cooldown until then
    a day later."""
    store.record_spec(
        records.RecordSpec(effect="apply", spec=spec(retraining={}), actor="ada", at=at())
    )
    ran(store, "r1", 100, 110)
    yield store


def ran(store: Store, run_id: str, began: float, ended: float | None, **more: Any) -> None:
    store.record_run(record_run(run_id, at=at(began), **more))
    if ended is not None:
        end(store, run_id, ended)


def end(store: Store, run_id: str, ended: float, outcome: str = "promoted") -> None:
    fact = {"effect": f"{run_id}/f", "run_id": run_id, "model": "flights", "reason": ""}
    store.finish_run(
        records.FinishRun.model_validate({**fact, "outcome": outcome, "at": at(ended)})
    )


def ask(
    store: Store, request: str, minutes: float, no_room: str = "", **changes: Any
) -> TriggerRecorded:
    asked = {"cause": "message", "actor": "bus", "reason": "rows have come", **changes}
    wish = record_trigger(request, minutes, **asked)
    named = {"trigger_id": ids.trigger_id("flights", request), "no_room": no_room}
    return store.record_trigger(wish.model_copy(update=named))


def put(store: Store, minutes: float) -> list[str]:
    """Requests that are put again then."""
    return [each.wanted.request_id for each in store.waiting_wishes(at(minutes))]


def answer(store: Store, minutes: float, no_room: str = "") -> TriggerRecorded:
    """Put the one wish again, as the model's workflow records it."""
    [again] = store.waiting_wishes(at(minutes))
    wanted = again.wanted
    return store.record_trigger(
        record_trigger(wanted.request_id).model_copy(
            update={
                "trigger_id": ids.trigger_id(again.model, wanted.request_id),
                "wanted": wanted,
                "no_room": no_room,
            }
        )
    )


def again(request: str, times: int) -> str:
    return ids.wish_again(ids.trigger_id("flights", request), times)


def test_one_that_waited_for_the_cooldown_comes_again_after_it(ready: Store) -> None:
    waits = ask(ready, "w1", 200)
    assert waits.governed.rule == "cooldown"
    assert put(ready, 100 + DAY - 1) == []
    [found] = ready.waiting_wishes(at(100 + DAY))
    first = record_trigger("w1", cause="message", actor="bus", reason="rows have come").wanted
    wanted = {"request_id": again("w1", 1), "at": at(100 + DAY)}
    assert found == WaitingWish(model="flights", wanted=first.model_copy(update=wanted))
    # the round before died, or its signal was not heard yet: the same name
    assert put(ready, 100 + DAY + 1) == [again("w1", 1)]


def test_one_that_came_during_a_run_comes_again_once_all_have_ended(ready: Store) -> None:
    ran(ready, "r2", 2 * DAY, None)
    ran(ready, "r3", 2 * DAY, None, kind="promotion")
    waits = ask(ready, "w1", 2 * DAY + 5)
    assert (waits.governed.rule, waits.governed.until) == ("running", None)
    assert put(ready, 5 * DAY) == []
    end(ready, "r2", 5 * DAY)
    assert put(ready, 5 * DAY) == []
    end(ready, "r3", 5 * DAY)
    assert put(ready, 5 * DAY) == [again("w1", 1)]


def test_one_put_again_that_has_to_wait_waits_for_its_own_time(ready: Store) -> None:
    ran(ready, "r2", 2 * DAY, None)
    ask(ready, "w1", 2 * DAY + 5)
    end(ready, "r2", 2 * DAY + 30)
    assert answer(ready, 2 * DAY + 31).governed.until == at(3 * DAY)
    assert put(ready, 3 * DAY - 1) == []
    found = answer(ready, 3 * DAY, no_room=FULL)
    assert (found.governed.rule, found.governed.until) == ("room", None)
    assert put(ready, 3 * DAY + 1) == [again("w1", 3)]
    assert answer(ready, 3 * DAY + 1).governed.decision == "allow"
    assert put(ready, 4 * DAY) == []


def test_only_the_newest_comes_again(ready: Store) -> None:
    ask(ready, "w1", 200)
    ask(ready, "w2", 300)
    assert put(ready, 2 * DAY) == [again("w2", 1)]
    assert answer(ready, 2 * DAY).governed.decision == "allow"
    assert put(ready, 2 * DAY + 1) == [], "they wanted the same"


def test_nobody_comes_again_who_was_followed_by_a_run_that_something_else_wanted(
    ready: Store,
) -> None:
    ask(ready, "w1", 200)
    assert ask(ready, "w2", 2 * DAY, cause="drift").governed.decision == "allow"
    assert put(ready, 2 * DAY + 1) == []


def test_a_run_that_came_between_the_look_and_the_repetition_is_the_answer(ready: Store) -> None:
    ask(ready, "w1", 200)
    [late] = ready.waiting_wishes(at(2 * DAY))
    first = ask(ready, "w2", 2 * DAY - 1, cause="drift")
    assert first.run_id is not None
    ran(ready, first.run_id, 2 * DAY - 1, None)
    trigger_id = ids.trigger_id("flights", late.wanted.request_id)
    wish = record_trigger(late.wanted.request_id).model_copy(
        update={"trigger_id": trigger_id, "wanted": late.wanted}
    )
    assert ready.record_trigger(wish).governed.rule == "running"
    end(ready, first.run_id, 2 * DAY + 10)
    assert put(ready, 4 * DAY) == [], "what counts is when it first came"


def test_a_run_on_rows_of_the_past_is_no_answer(ready: Store) -> None:
    ask(ready, "w1", 200)
    past = ask(ready, "w2", 2 * DAY, cause="drift", as_of=at(10))
    assert past.governed.decision == "allow"
    assert put(ready, 2 * DAY + 1) == [again("w1", 1)]


@pytest.mark.parametrize(
    "changes",
    [
        {"cause": "drift"},
        {"cause": "quality"},
        {"cause": "schedule", "actor": "schedule"},
        {"cause": "data", "actor": "schedule"},
        {"as_of": at(150)},
    ],
)
def test_nobody_comes_again_who_asks_again_himself_or_by_another_clock(
    ready: Store, changes: dict[str, Any]
) -> None:
    assert ask(ready, "w1", 200, **changes).governed.decision == "wait"
    assert put(ready, 2 * DAY) == []


@pytest.mark.parametrize("cause", ["message", "policy", "data", "request"])
def test_whatever_comes_once_comes_again(ready: Store, cause: str) -> None:
    ask(ready, "w1", 200, cause=cause)
    assert put(ready, 2 * DAY) == [again("w1", 1)]


def test_rows_that_were_learnt_are_left_at_that(ready: Store) -> None:
    first = ask(ready, "w1", 2 * DAY)
    assert first.run_id is not None
    ran(ready, first.run_id, 2 * DAY, 2 * DAY + 10)
    ask(ready, "w2", 2 * DAY + 20)
    same = ask(ready, "w3", 2 * DAY + 30, snapshot=record_trigger("w1").wanted.snapshot)
    assert same.governed.rule == "snapshot"
    assert put(ready, 4 * DAY) == [again("w2", 1)], "the other rows were not"
    assert answer(ready, 4 * DAY).governed.decision == "allow"


@pytest.mark.parametrize("ends", ["ask", "snapshot"])
def test_one_put_again_and_answered_otherwise_has_its_answer(ready: Store, ends: str) -> None:
    ask(ready, "w1", 200)
    limits = None if ends == "ask" else RetrainPlan()
    [found] = ready.waiting_wishes(at(2 * DAY))
    if ends == "snapshot":
        rows = {"snapshot": found.wanted.snapshot, "as_of": at(10)}
        ready.record_trigger(record_trigger("w0", 2 * DAY - 20, **rows))
        ran(ready, "run-w0", 2 * DAY - 20, 2 * DAY - 10)
    recorded = ready.record_trigger(
        record_trigger(found.wanted.request_id).model_copy(
            update={
                "trigger_id": ids.trigger_id("flights", found.wanted.request_id),
                "wanted": found.wanted,
                "limits": limits,
            }
        )
    )
    assert ends in (recorded.governed.decision, recorded.governed.rule)
    assert put(ready, 4 * DAY) == []


def test_nothing_comes_again_a_month_after_it_first_came(ready: Store) -> None:
    ask(ready, "w1", 200)
    for day in (10, 20, 29):
        assert answer(ready, day * DAY, no_room=FULL).governed.rule == "room"
    assert put(ready, 30 * DAY) == [again("w1", 4)]
    assert put(ready, 31 * DAY) == [], "though it was put again only two days ago"


def test_a_wish_of_a_clock_ahead_of_ours_waits_until_ours_is_there(ready: Store) -> None:
    ask(ready, "w1", 2 * DAY, no_room=FULL)
    assert put(ready, 2 * DAY) == []
    assert put(ready, 2 * DAY + 1) == [again("w1", 1)]


@pytest.mark.parametrize("status", ["paused", "retired"])
def test_only_an_active_model_is_asked(ready: Store, status: str) -> None:
    ask(ready, "w1", 200)
    ready.set_model_status(
        records.SetModelStatus.model_validate(
            {
                "effect": "x",
                "model": "flights",
                "status": status,
                "actor": "ada",
                "reason": "",
                "at": at(300),
            }
        )
    )
    assert put(ready, 2 * DAY) == []


def test_each_model_has_its_own(ready: Store) -> None:
    ready.record_spec(
        records.RecordSpec(effect="other", spec=spec("digits", retraining={}), actor="ada", at=at())
    )
    ask(ready, "w1", 200)
    other = record_trigger("w2", 300, cause="request").model_copy(
        update={"model": "digits", "trigger_id": "t-other", "no_room": FULL}
    )
    ready.record_trigger(other)
    assert [each.model for each in ready.waiting_wishes(at(400))] == ["digits"]
    found = {each.model: each.wanted for each in ready.waiting_wishes(at(2 * DAY))}
    assert found.keys() == {"digits", "flights"}
    assert found["digits"].request_id == "t-other/again/1"
