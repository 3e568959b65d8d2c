"""A champion's life after its promotion: window by window, in the time of its events.

The log of requests tells the time here, an hour a folder, so that a month takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.sdk.v1 import WorkflowMetadata

from api.db.alert_tables import AlertRow
from api.db.monitoring_tables import TriggerRow, WindowRow
from api.db.tables import ChampionHistoryRow, ChampionRow, DecisionRow
from perennial.contracts import ids, lifecycle, monitoring, queues
from perennial.contracts.analysis import Verdict
from perennial.contracts.errors import Final, Unavailable
from perennial.contracts.label_sources import LabelsRead
from perennial.contracts.labels import Label
from perennial.policy_answer import interpret
from tests.workflows.house import House
from tests.workflows.waiting import until

DAY = timedelta(days=1)
# a week after the first run, so that no cooldown holds what is wished for
START = (datetime.now(UTC) + 7 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
PLAN: dict[str, Any] = {
    "environments": ["production"],
    "request_log": {"event_time": "header"},
    "monitoring": {"clock": "events", "window": "1d", "lateness": "1h"},
}


class Days:
    """Requests of a model by event time, and what its monitor made of them."""

    def __init__(self, house: House, log: Path) -> None:
        self.house = house
        self._folder = log / "environment=production" / f"model={house.model}"

    def pass_by(self, last: int) -> None:
        """Requests come until the second hour after day `last`, counted from 0."""
        for at in (START, START + (last + 1) * DAY + timedelta(hours=1)):
            day = self._folder / f"date={at:%Y-%m-%d}" / f"hour={at:%H}"
            day.mkdir(parents=True, exist_ok=True)

    def rows(self) -> list[WindowRow]:
        with self.house.store.database.reading() as session:
            return list(
                session.exec(
                    select(WindowRow)
                    .where(WindowRow.model == self.house.model)
                    .order_by(col(WindowRow.start), col(WindowRow.version))
                )
            )

    async def judged(self, count: int) -> list[WindowRow]:
        """The windows, once so many are judged and the last one is answered."""
        await until(lambda: len(self.rows()) >= count and self.rows()[-1].action is not None)
        return self.rows()

    async def idle(self) -> None:
        """The monitor has nothing more to do until later requests come."""

        async def waits() -> bool:
            found = await self.monitor.describe()
            # one that is cancelled stands there until its worker has heard of it
            return any(
                pending.activity_type.name == "await_events"
                and pending.state != PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED
                for pending in found.raw_description.pending_activities
            )

        await until(waits)

    def triggers(self) -> list[TriggerRow]:
        with self.house.store.database.reading() as session:
            query = select(TriggerRow).where(TriggerRow.model == self.house.model)
            return list(session.exec(query.order_by(col(TriggerRow.at))))

    def alerts(self) -> list[AlertRow]:
        with self.house.store.database.reading() as session:
            query = select(AlertRow).where(AlertRow.model == self.house.model)
            return list(session.exec(query.order_by(col(AlertRow.first_at))))

    def label(self, day: int) -> None:
        """A label of some request of a day arrives."""
        self.house.plan.labels.append(START + day * DAY)
        self.house.store.keep_labels(
            self.house.model,
            [Label(request_id=f"r{day}", value=1, at=START + 14 * DAY)],
            datetime.now(UTC),
        )

    @property
    def monitor(self) -> Any:
        return self.house.client.get_workflow_handle(
            ids.monitor_workflow(self.house.model, "production")
        )


@pytest.fixture
def days(house: House, log: Path) -> Iterator[Days]:
    yield Days(house, log)


async def test_windows_are_judged_one_after_another_and_drift_that_lasts_trains_again(
    days: Days,
) -> None:
    house = days.house
    await house.apply(**PLAN, retraining={})
    await house.run(0.8)
    house.plan.drift = {START + day * DAY: "fail" for day in (1, 3, 4)}
    days.pass_by(4)
    rows = await days.judged(5)
    assert [row.start for row in rows] == [START + day * DAY for day in range(5)]
    assert [row.verdict for row in rows] == ["pass", "fail", "pass", "fail", "fail"]
    # one window alone is an accident, three of five are not
    assert [row.action for row in rows] == ["ignore", "ignore", "ignore", "ignore", "retrain"]
    assert rows[0].followed == "all is as it should be"
    assert rows[1].followed.startswith("1 of the last 2 windows say fail, 3 of 5 are enough")
    (wish,) = days.triggers()
    assert (wish.cause, wish.decision, wish.as_of) == ("drift", "allow", START + 5 * DAY)
    # people are told what was done, and why it came to that
    await until(lambda: bool(days.alerts()))
    (told,) = days.alerts()
    done, came, moved, upstream = told.body.splitlines()
    # whether there is room for it the model's workflow says later
    assert (told.kind, done) == ("retrain", f"wished for {rows[4].followed}")
    assert came == f"what came of it: perennial triggers {house.model}"
    assert moved == "mean probability.1 0.4, which temp 100% (+0.1) moved; all at once +0.1"
    assert upstream.startswith("upstream: nothing: version, snapshot, code, policy and the mix")
    assert wish.run_id is not None
    # the run is promoted through the same gates, and its champion begins with a clean slate
    assert (await house.result(wish.run_id)).outcome == "promoted"
    days.pass_by(5)
    rows = await days.judged(6)
    assert (rows[-1].version, rows[-1].action) == (2, "ignore")
    state = await days.monitor.query("state", result_type=monitoring.MonitorState)
    assert [window.start for window in state.drift] == [START + 5 * DAY]
    with house.store.database.reading() as session:
        decision = session.get_one(DecisionRow, rows[4].decision_id)
        assert (decision.action, decision.outcome) == ("retrain", "deny")
        assert decision.question["drift"]["severity"] == "high"


async def test_labels_of_day_14_roll_back_on_day_15(days: Days) -> None:
    house = days.house
    rollout = {"strategy": "blue-green", "guard": "30d"}
    await house.apply(environments=["production"])
    await house.run(0.8)
    await house.run(0.9)
    assert house.champions() == {"production": 2}
    await house.apply(**PLAN, rollout=rollout, retraining={})
    days.pass_by(13)
    assert {row.action for row in await days.judged(14)} == {"ignore"}
    await days.idle()  # else it finds the first labels already, and goes back a day earlier
    house.plan.quality = {START + day * DAY: "fail" for day in range(5)}
    for day in range(5):
        days.label(day)
    days.pass_by(14)
    await until(lambda: house.champions() == {"production": 1})
    last = (await days.judged(15))[-1]
    assert last.start == START + 14 * DAY
    assert (last.action, last.version) == ("roll_back", 2)
    assert "back to version 1" in last.followed
    assert [row.quality_verdict for row in days.rows()[:6]] == ["fail"] * 5 + [None]
    with house.store.database.reading() as session:
        moves = session.exec(
            select(ChampionHistoryRow)
            .where(ChampionHistoryRow.model == house.model)
            .order_by(col(ChampionHistoryRow.epoch))
        ).all()
    assert [(move.version, move.cause, move.actor) for move in moves][-1] == (
        1,
        "rollback",
        "monitor",
    )
    assert days.triggers() == []


async def test_errors_that_have_grown_are_told_and_trained_away(days: Days) -> None:
    """Quality is as promised throughout: what is true has become another, and little of it yet."""
    house = days.house

    async def labelled(those: range, verdict: Verdict, judged: int) -> WindowRow:
        await days.idle()  # so that all of the labels are found with the next window
        house.plan.concept |= {START + day * DAY: verdict for day in those}
        for day in those:
            days.label(day)
        days.pass_by(judged - 1)
        return (await days.judged(judged))[-1]

    await house.apply(**PLAN)
    await house.run(0.8)
    days.pass_by(4)
    assert {row.action for row in await days.judged(5)} == {"ignore"}
    told = await labelled(range(5), "fail", 6)
    assert told.action == "alert"
    said = "version 1 errs more in production than when it began (high): 5 of the last 5 windows"
    assert told.followed.startswith(said) and "(errors: fail as planned)" in told.followed
    await until(lambda: bool(days.alerts()))
    (alert,) = days.alerts()
    assert (alert.kind, alert.severity, alert.status) == ("concept", "high", "open")
    assert alert.title == f"{house.model} in production: it errs more than it did"
    about = START + 4 * DAY
    assert f"by labels of the window of {about:%Y-%m-%d %H:%M}: roc_auc" in alert.body
    assert alert.links["labels"].endswith(f"/windows/production/{about.isoformat()}")
    # the look that a change of the spec brings is over with the next window
    await house.apply(**PLAN, retraining={"on": ["quality"]})
    assert (await labelled(range(5, 6), "pass", 7)).action == "ignore"
    await until(lambda: days.alerts()[0].closed_because == "its newest windows pass")
    await labelled(range(3, 7), "fail", 8)
    await until(lambda: any(row.action == "retrain" for row in days.rows()))
    (wish,) = days.triggers()
    assert (wish.cause, wish.decision) == ("quality", "allow")
    [wished] = [row for row in days.rows() if row.action == "retrain"]
    with house.store.database.reading() as session:
        question = session.get_one(DecisionRow, wished.decision_id).question
    assert (question["quality"]["verdict"], question["concept"]["verdict"]) == ("pass", "fail")


async def test_a_dry_run_decides_and_does_nothing(days: Days) -> None:
    house = days.house
    plan = {**PLAN["monitoring"], "dry_run": True, "lasting": {"windows": 1, "of": 1}}
    await house.apply(**{**PLAN, "monitoring": plan}, retraining={})
    await house.run(0.8)
    house.plan.drift = {START: "fail"}
    days.pass_by(0)
    (row,) = await days.judged(1)
    assert row.action == "retrain"
    assert row.followed.startswith("nothing is done, since monitoring is a dry run")
    assert days.triggers() == []


async def test_after_a_standstill_the_newest_windows_are_caught_up(days: Days) -> None:
    house = days.house
    columns = {"request_id": "flight"}
    table = {"url": "s3://lake/labels.parquet", "columns": columns, "watermark": "updated"}
    plan = {**PLAN["monitoring"], "catch_up": 2, "labels": table}
    await house.apply(**{**PLAN, "monitoring": plan})
    await house.run(0.8)
    away = {"error": "the lake is closed", "away_since": datetime.now(UTC) - timedelta(hours=2)}
    house.plan.table = [LabelsRead(rows=9, more=True), LabelsRead.model_validate(away)]
    days.pass_by(9)
    rows = await days.judged(2)
    assert [row.start for row in rows] == [START + day * DAY for day in (8, 9)]
    assert "8 windows passed over after a standstill" in rows[0].followed
    # its table of labels is read once both are judged, and on until there is no more
    await days.idle()
    assert house.plan.calls[-4:] == ["window", "window", *["labels by updated"] * 2]
    details = await days.monitor.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert "labels wait: the lake is closed" in details.current_details
    # it has been away for longer than a database takes to restart: people are told
    (told,) = days.alerts()
    assert (told.kind, told.severity, told.status) == ("labels", "high", "open")
    assert "the lake is closed" in told.body and "None is lost" in told.body
    house.plan.failures["labels by updated"] = Final("no such label")
    days.pass_by(10)
    await days.judged(3)
    await days.idle()
    assert house.plan.calls[-2:] == ["window", "labels by updated"]
    (told,) = days.alerts()
    assert (told.raised, told.status) == (2, "open") and "no such label" in told.body
    del house.plan.failures["labels by updated"]
    days.pass_by(11)
    await days.judged(4)
    await days.idle()
    (told,) = days.alerts()
    assert (told.status, told.closed_because) == ("closed", "the table can be read again")


async def test_windows_that_were_passed_over_are_said_to_be_with_the_first_that_says_anything(
    days: Days,
) -> None:
    house = days.house
    await house.apply(**{**PLAN, "monitoring": {**PLAN["monitoring"], "catch_up": 2}})
    await house.run(0.8)
    house.plan.drift = {START + 3 * DAY: "no_data"}
    days.pass_by(4)
    silent, told = await days.judged(2)
    assert (silent.verdict, silent.action) == ("no_data", None)
    assert "3 windows passed over after a standstill" in told.followed


async def test_a_window_that_cannot_be_judged_has_somebody_look(days: Days) -> None:
    house = days.house
    plan = {**PLAN["monitoring"], "lasting": {"windows": 1, "of": 1}}
    await house.apply(**{**PLAN, "monitoring": plan}, retraining={})
    await house.run(0.8)
    house.plan.failures["window"] = Final("a file of the log is no Parquet file: remove it")
    days.pass_by(0)
    (row,) = await days.judged(1)
    assert (row.verdict, row.action) == ("error", "alert")
    assert "remove it" in row.reason
    # and it goes on watching
    del house.plan.failures["window"]
    days.pass_by(1)
    assert (await days.judged(2))[-1].verdict == "pass"


async def test_a_window_waits_for_a_log_that_is_away(days: Days) -> None:
    house = days.house
    await house.apply(**PLAN)
    await house.run(0.8)
    away = Unavailable("the log at s3://requests cannot be read")
    away.retryable = False  # as once its retries have taken too long
    house.plan.failures["window"] = away
    days.pass_by(0)
    await until(lambda: bool(days.alerts()))
    (told,) = days.alerts()
    assert (told.kind, told.key, told.severity) == ("log", "away", "high")
    assert "s3://requests cannot be read" in told.body and "Windows wait for it" in told.body
    details = await days.monitor.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert "windows wait: the log at s3://requests" in details.current_details
    assert days.rows() == [], "nothing is said of a window that nobody could look at"
    del house.plan.failures["window"]
    (row,) = await days.judged(1)
    assert (row.verdict, row.action) == ("pass", "ignore")
    await until(lambda: days.alerts()[0].closed_because == "the log can be read again")


async def test_a_file_of_the_log_that_is_none_is_told_at_once(days: Days) -> None:
    house = days.house
    await house.apply(**PLAN)
    await house.run(0.8)
    house.plan.broken = "p1.parquet is no Parquet file: remove it"
    days.pass_by(0)
    (row,) = await days.judged(1)
    assert (row.verdict, row.action) == ("error", "ignore"), "one window alone"
    (told,) = days.alerts()
    assert (told.kind, told.key, told.raised) == ("log", "file", 1)
    assert told.body.startswith("p1.parquet is no Parquet file: remove it")
    await days.idle()
    days.label(0)
    days.pass_by(1)
    await days.judged(2)
    # by the window, and by each look for requests of labels
    await until(lambda: days.alerts()[0].raised >= 3)


async def test_labels_that_trickle_in_ask_the_policy_once(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = days.house
    await house.apply(**PLAN)
    await house.run(0.8)
    days.pass_by(1)
    await days.judged(2)
    await days.idle()

    def decisions() -> int:
        with house.store.database.reading() as session:
            query = select(DecisionRow).where(DecisionRow.model == house.model)
            return sum(row.question["kind"] == "monitoring" for row in session.exec(query))

    async def labelled(day: int, calls: int) -> None:
        days.label(day)
        await house.apply(**PLAN, description=f"look again {calls}")  # as labels that are due do
        await until(lambda: house.plan.calls.count("quality") == calls)
        await days.idle()

    await labelled(0, 1)
    asked = decisions()
    await labelled(1, 2)
    assert decisions() == asked
    # what it does not answer it is asked again
    with monkeypatch.context() as patch:
        patch.setattr("activities.policy.interpret", lambda _, kind: interpret(None, kind))
        house.plan.quality = {START: "fail", START + DAY: "fail"}
        await labelled(1, 3)
        await until(lambda: decisions() == asked + 1)
    await labelled(1, 4)
    await until(lambda: decisions() == asked + 2)
    await labelled(1, 5)
    assert decisions() == asked + 2


async def test_one_that_somebody_ended_comes_back_and_goes_on_where_it_was(days: Days) -> None:
    house = days.house
    await house.apply(**PLAN)
    await house.run(0.8)
    days.pass_by(1)
    await days.judged(2)
    await days.monitor.terminate("by mistake")
    await house.client.execute_workflow(
        lifecycle.RECONCILE_WORKFLOW, id=f"reconcile-{house.model}", task_queue=queues.CONTROL
    )
    days.pass_by(2)
    rows = await days.judged(3)
    assert [row.start for row in rows] == [START + day * DAY for day in range(3)]
    assert house.plan.calls.count("window") == 3


async def test_it_ends_with_what_it_watches(days: Days) -> None:
    house = days.house
    await house.apply(**PLAN)
    await house.run(0.8)
    days.pass_by(0)
    await days.judged(1)
    await house.apply(environments=["production"])
    assert "nothing of" in await days.monitor.result()
    await house.apply(**PLAN)  # and begins again
    days.pass_by(1)
    await until(lambda: len(days.rows()) >= 2)
    await house.lever(lifecycle.RETIRE)
    assert "nothing of" in await days.monitor.result()


async def test_a_monitor_that_sleeps_until_its_window_is_over_is_told_of_labels(days: Days) -> None:
    house, now = days.house, datetime.now(UTC)
    await house.apply(environments=["production"])
    await house.run(0.8)
    with house.store.database.writing() as session:
        champion = session.get_one(ChampionRow, (house.model, "production"))
        champion.since = now - timedelta(hours=3)
        session.add(champion)
    table = {"url": "s3://lake/l.parquet", "columns": {"request_id": "id"}, "watermark": "updated"}
    plan = {"window": "1h", "lateness": "1s", "labels": table}
    await house.apply(environments=["production"], request_log={}, monitoring=plan)
    (oldest, *_) = await days.judged(3)
    house.plan.quality = {oldest.start: "fail"}
    house.plan.labels.append(oldest.start)
    label = Label(request_id="late", value=1, at=now)
    house.store.keep_labels(house.model, [label], now)
    await house.client.execute_workflow(
        lifecycle.RECONCILE_WORKFLOW, id=f"reconcile-{house.model}", task_queue=queues.CONTROL
    )
    await until(lambda: days.rows()[0].quality_verdict == "fail")
    # a table tells nobody of its labels: it is looked at in minutes, however long windows are
    waits: list[timedelta] = []

    async def waiting() -> bool:
        waits[:] = [
            event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
            for event in (await days.monitor.fetch_history()).events
            if event.HasField("timer_started_event_attributes")
        ]
        return bool(waits)

    await until(waiting)
    assert max(waits) <= timedelta(minutes=5)
