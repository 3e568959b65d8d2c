"""What a monitor reads of the records, and what it leaves there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.db.monitoring_tables import TriggerRow, WindowRow
from api.db.store import Store
from perennial.canonical import digest
from perennial.contracts import ids, records
from perennial.contracts.errors import NotFound
from perennial.contracts.labels import FoundRequest, Label
from perennial.contracts.monitoring import (
    Monitored,
    QualityJudged,
    ReadMeasured,
    ReadMonitored,
    RecordAction,
    RecordQuality,
)
from perennial.contracts.monitoring_plan import RetrainPlan
from tests.samples import (
    at,
    evidence,
    judged,
    move,
    profile,
    record_run,
    record_trigger,
    record_version,
    record_window,
    snapshot,
    spec,
)
from tests.unit.records.reading import kinds, verified

WATCHED = {"request_log": {}, "monitoring": {"window": "1h"}, "retraining": {}, "rollout": {}}


@pytest.fixture
def ready(store: Store) -> Iterator[Store]:
    """A watched model of two versions, both with evidence, the first of which is champion."""
    store.record_spec(
        records.RecordSpec(effect="apply", spec=spec(**WATCHED), actor="ada", at=at())
    )
    for number, run_id in enumerate(("r1", "r2"), 1):
        store.record_run(record_run(run_id))
        store.record_snapshot(
            records.RecordSnapshot(
                effect=f"{run_id}/s", run_id=run_id, snapshot=snapshot(), profile=profile()
            )
        )
        store.record_version(record_version(run_id))
        known = evidence(number, run_id, roc_auc=0.7 + number / 100)
        store.record_evidence(
            records.RecordEvidence(
                effect=f"{run_id}/e", evidence=known, evidence_digest=digest(known)
            )
        )
        store.finish_run(
            records.FinishRun(
                effect=f"{run_id}/f",
                run_id=run_id,
                model="flights",
                outcome="promoted",
                reason="",
                at=at(10),
            )
        )
    store.move_champion(move(1, 0))
    yield store


def look(store: Store, environment: str = "production") -> Monitored:
    return store.read_monitored(
        ReadMonitored.model_validate({"model": "flights", "environment": environment})
    )


def test_a_champion_is_watched_beside_what_it_was_promised_for(ready: Store) -> None:
    found = look(ready)
    assert found.plan is not None and found.plan.window == "1h"
    assert (found.version, found.epoch, found.run_id) == (1, 1, "r1")
    assert found.promised == {"roc_auc": 0.71}
    assert found.reference == profile().blob
    assert found.snapshot == snapshot().data
    assert found.back_to is None
    assert found.guard_seconds == 7 * 24 * 3600


def test_a_champion_is_armed_by_its_rollout_or_by_its_monitoring(ready: Store) -> None:
    for effect, changes, days in (
        ("alone", {"rollout": None}, 0),
        ("armed", {"rollout": None, "monitoring": {"armed": "14d"}}, 14),
        ("both", {"monitoring": {"armed": "3d"}}, 3),
    ):
        watched = spec(**{**WATCHED, **changes})
        ready.record_spec(records.RecordSpec(effect=effect, spec=watched, actor="ada", at=at(50)))
        assert look(ready).guard_seconds == days * 24 * 3600


def test_nothing_is_watched_without_a_champion_a_plan_or_a_life(ready: Store) -> None:
    assert look(ready, "staging").plan is None
    ready.record_spec(records.RecordSpec(effect="again", spec=spec(), actor="ada", at=at(50)))
    assert look(ready).plan is None
    ready.record_spec(
        records.RecordSpec(effect="more", spec=spec(**WATCHED), actor="ada", at=at(51))
    )
    ready.set_model_status(
        records.SetModelStatus(
            effect="end", model="flights", status="retired", actor="ada", reason="", at=at(52)
        )
    )
    assert look(ready).plan is None


def test_two_champions_never_take_turns(ready: Store) -> None:
    ready.move_champion(move(2, 1))
    assert look(ready).back_to == 1
    ready.move_champion(move(1, 2, cause="rollback"))
    assert look(ready).back_to is None


def test_the_windows_before_are_what_a_rolling_reference_is_made_of(ready: Store) -> None:
    assert look(ready).before is None and look(ready).now.version == 1
    kept = {"profile": profile().blob}
    for minutes, version, said in (
        (0, 1, judged(**kept)),
        (60, 1, judged("error", **kept)),
        (120, 1, judged("no_data", 20, **kept)),
        (180, 1, judged("no_data", 0)),
        (240, 2, judged(**kept)),
        (300, 1, judged("fail", traffic={1: 900, 2: 100}, **kept)),
    ):
        ready.record_window(record_window(minutes, version, judged=said))
    assert look(ready).rolling == (), "it is the training's rows that the spec asks for"
    monitoring = {"window": "1h", "reference": "rolling", "reference_windows": 2}
    ready.record_spec(
        records.RecordSpec(
            effect="roll", spec=spec(**{**WATCHED, "monitoring": monitoring}), actor="ada", at=at(9)
        )
    )
    found = look(ready)
    assert [each.start for each in found.rolling] == [at(120), at(300)]
    assert found.before is not None and found.judged_until == at(360)
    assert found.before.traffic == {1: 900, 2: 100}
    assert found.before.model_copy(update={"start": None, "traffic": {}}) == found.now
    assert len(found.now.snapshot) == len(found.now.code) == 64


def test_a_window_is_kept_as_it_was_judged_first(ready: Store) -> None:
    ready.record_window(record_window(60))
    ready.record_window(record_window(60, effect="again", judged=judged("fail", 3)))
    with ready.database.reading() as session:
        row = session.get_one(WindowRow, ("flights", "production", at(60), 1))
        assert (row.verdict, row.rows, row.action) == ("pass", 1000, None)


def test_the_newest_word_of_labels_counts_and_an_older_one_that_is_late_does_not(
    ready: Store,
) -> None:
    ready.record_window(record_window(60))

    def say(labelled: int, minutes: float) -> None:
        ready.record_quality(
            RecordQuality(
                effect=f"q{labelled}",
                model="flights",
                environment="production",
                version=1,
                start=at(60),
                end=at(120),
                judged=QualityJudged(rows=1000, labelled=labelled, verdict="pass", reason=""),
                at=at(minutes),
            )
        )

    say(200, 300)
    say(600, 500)
    say(100, 200)
    with ready.database.reading() as session:
        row = session.get_one(WindowRow, ("flights", "production", at(60), 1))
        assert row.labelled == 600


def test_labels_of_a_window_that_was_never_judged_are_refused_by_name(ready: Store) -> None:
    with pytest.raises(NotFound, match="no window of version 1 of flights in production"):
        ready.record_action(
            RecordAction(
                effect="x",
                model="flights",
                environment="production",
                version=1,
                start=at(),
                action="alert",
                decision_id="d",
                followed="",
                at=at(),
            )
        )


def test_windows_are_measured_by_the_version_that_answered(ready: Store) -> None:
    ready.record_window(record_window(60, 1))
    ready.record_window(record_window(120, 2))
    found = ready.read_measured(
        ReadMeasured(model="flights", environment="production", starts=(at(60), at(120), at(999)))
    )
    assert [(each.version, each.promised) for each in found.windows] == [
        (1, {"roc_auc": 0.71}),
        (2, {"roc_auc": 0.72}),
    ]


def test_a_wish_is_answered_by_what_has_been(ready: Store) -> None:
    day = 24 * 60
    first = ready.record_trigger(record_trigger("w1", day / 2))
    assert (first.governed.decision, first.governed.rule) == ("wait", "cooldown")
    assert first.run_id is None
    second = ready.record_trigger(record_trigger("w2", 2 * day))
    assert second.governed.decision == "allow", second.governed.reason
    assert second.run_id == "run-w2"
    ready.record_run(record_run("run-w2", at=at(2 * day)))
    third = ready.record_trigger(record_trigger("w3", 4 * day))
    assert (third.governed.decision, third.governed.rule) == ("wait", "running")
    assert "retrain.wanted" in kinds(ready)
    assert verified(ready)


def test_a_run_that_a_wish_asked_for_counts_by_the_clock_of_the_wish(ready: Store) -> None:
    """Of events that are sent again the run is made today, and its wish was years ago."""
    day = 24 * 60
    assert ready.record_trigger(record_trigger("w1", 2 * day)).run_id is not None
    ready.record_run(record_run("run-w1", at=at(9000 * day)))
    ready.finish_run(
        records.FinishRun(
            effect="f",
            run_id="run-w1",
            model="flights",
            outcome="promoted",
            reason="",
            at=at(9000 * day + 1),
        )
    )
    soon = ready.record_trigger(record_trigger("w2", 2.5 * day))
    assert (soon.governed.decision, soon.governed.rule) == ("wait", "cooldown")
    assert ready.record_trigger(record_trigger("w3", 4 * day)).governed.decision == "allow"


@pytest.mark.parametrize(
    ("limits", "said"),
    [({"cpu_hours": 5.0}, "about 6 CPU hours"), ({"gpu_hours": 1.0}, "about 1.5 GPU hours")],
)
def test_hours_count_where_they_have_a_limit(
    ready: Store, limits: dict[str, float], said: str
) -> None:
    training = {"workers": 2, "cpus_per_worker": 1, "gpus_per_worker": 0.25}
    costly = spec(**WATCHED, training=training)
    ready.record_spec(records.RecordSpec(effect="gpu", spec=costly, actor="ada", at=at(10)))
    ready.record_run(record_run("r3", at=at(20), spec_version=2))
    for status, minutes in (("running", 20), ("passed", 200)):
        mark = {"run_id": "r3", "stage": "train", "status": status, "at": at(minutes)}
        ready.mark_stage(records.MarkStage.model_validate(mark))
    ready.finish_run(
        records.FinishRun(
            effect="r3/f", run_id="r3", model="flights", outcome="denied", reason="", at=at(201)
        )
    )
    wish = record_trigger("w1", 9000)
    dear = wish.model_copy(update={"limits": RetrainPlan.model_validate(limits)})
    recorded = ready.record_trigger(dear)
    assert (recorded.governed.decision, recorded.governed.rule) == ("ask", "budget")
    assert said in recorded.governed.reason


def test_a_model_that_does_not_train_itself_has_people_asked(ready: Store) -> None:
    wish = record_trigger("w1", 9000).model_copy(update={"limits": None})
    recorded = ready.record_trigger(wish)
    assert recorded.governed.decision == "ask"
    assert "no `retraining`" in recorded.governed.reason
    with ready.database.reading() as session:
        assert session.get_one(TriggerRow, "t-w1").run_id is None


def test_a_wish_that_finds_no_room_waits(ready: Store) -> None:
    full = {"no_room": "the queue of 'flights' is full; cancel runs or wait"}
    wish = record_trigger("w1", 9000)
    assert ready.record_trigger(wish).run_id == "run-w1"
    for _ in range(2):
        found = ready.record_trigger(wish.model_copy(update=full))
        assert (found.governed.decision, found.governed.rule) == ("wait", "room")
        assert (found.run_id, found.governed.reason) == (None, full["no_room"])
    other = record_trigger("w2", 9001).model_copy(update=full)
    assert ready.record_trigger(other).governed.rule == "room"
    # once its run is there it is none that found no room
    third = record_trigger("w3", 9002)
    assert ready.record_trigger(third).run_id == "run-w3"
    ready.record_run(record_run("run-w3"))
    assert ready.record_trigger(third.model_copy(update=full)).run_id == "run-w3"
    assert kinds(ready).count("retrain.wanted") == 4, "one was changed"


@pytest.mark.parametrize("noted_first", [True, False])
def test_the_note_of_a_window_is_put_right_where_its_wish_finds_no_room(
    ready: Store, noted_first: bool
) -> None:
    """Whichever of the two is kept last: the monitor notes what it was told, the owner is late."""
    ready.record_window(record_window())
    request = ids.window_wish("production", at(60), "d-1")
    trigger_id = ids.trigger_id("flights", request)
    wish = record_trigger(request, 9000).model_copy(
        update={"trigger_id": trigger_id, "run_id": ids.run_id("flights", trigger_id)}
    )
    run_id = ready.record_trigger(wish).run_id
    action = RecordAction(
        effect="noted",
        model="flights",
        environment="production",
        version=1,
        start=at(60),
        action="retrain",
        decision_id="d-1",
        followed=f"run {run_id}: drift: run 1 of 8 in 30 days; 3 windows passed over",
        at=at(9000),
    )
    full = wish.model_copy(update={"no_room": "the queue of 'flights' is full"})
    if noted_first:
        ready.record_action(action)
        ready.record_trigger(full)
    else:
        ready.record_trigger(full)
        ready.record_action(action)
    with ready.database.reading() as session:
        row = session.get_one(WindowRow, ("flights", "production", at(60), 1))
    assert row.followed == "wait: the queue of 'flights' is full; 3 windows passed over"
    assert verified(ready)


@pytest.mark.parametrize(
    ("clock", "lateness", "expected"),
    [("wall", "1s", "8s"), ("wall", "9s", "9s"), ("wall", "1m", "1m"), ("events", "1s", "1s")],
)
def test_a_window_by_the_clock_waits_until_its_requests_are_written(
    ready: Store, clock: str, lateness: str, expected: str
) -> None:
    plan = {"monitoring": {"window": "1h", "clock": clock, "lateness": lateness}}
    ready.record_spec(
        records.RecordSpec(effect="again", spec=spec(**WATCHED | plan), actor="ada", at=at(9))
    )
    found = look(ready).plan
    assert found is not None and found.lateness == expected


def test_monitors_are_told_of_labels_that_they_can_do_something_about(ready: Store) -> None:
    def told(now: float = 200) -> list[str]:
        return [each.environment for each in ready.monitors_with_labels(at(now))]

    labels = [Label(request_id=each, value=1, at=at(0)) for each in "ab"]
    ready.keep_labels("flights", labels, at(100))
    assert told() == [], "its first window is not over"
    ready.record_window(record_window())
    assert told() == ["production"] and told(99) == []
    found = [FoundRequest(each, 0, each, at(minutes)) for each, minutes in (("a", 70), ("b", 130))]
    ready.mark_labels("flights", "production", found, [], at(150))
    assert told() == ["production"]
    of_window = ready.labels_of("flights", "production", at(60), at(120))
    ready.mark_measured("flights", of_window)
    assert told() == [], "the window of the other one is not over"
    by_events = {**WATCHED, "monitoring": {"window": "1h", "clock": "events"}}
    for plan, expected in ((WATCHED, ["production"]), (by_events, [])):
        ready.record_spec(
            records.RecordSpec(
                effect=str(expected), spec=spec(**plan, description="x"), actor="ada", at=at(180)
            )
        )
        ready.keep_labels("flights", [Label(request_id="c", value=1, at=at(0))], at(190))
        assert told() == expected
