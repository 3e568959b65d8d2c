from __future__ import annotations

import math

import pytest

from api.db import events
from api.db.store import Store
from api.db.tables import RunRow, StageRow
from perennial.contracts import records
from perennial.contracts.errors import KeyReused, ModelRetired, NotFound, Refused
from tests.samples import at, record_run, spec
from tests.unit.records.reading import kinds, row, seen


def apply(store: Store, effect: str = "apply-1", **changes) -> records.SpecRecorded:
    return store.record_spec(
        records.RecordSpec(effect=effect, spec=spec(**changes), actor="engineer", at=at())
    )


def test_an_unchanged_spec_gets_no_new_version(store: Store) -> None:
    assert apply(store, "a").model_dump() == {
        "model": "flights",
        "spec_version": 1,
        "changed": True,
    }
    assert (apply(store, "b").spec_version, apply(store, "b").changed) == (1, False)
    assert apply(store, "c", risk_tier="high").spec_version == 2
    # back to the first one: what counts changes, so it is a new version
    assert (apply(store, "d").spec_version, apply(store, "d").changed) == (3, True)
    assert kinds(store) == ["spec.applied"] * 4


def test_a_repeated_spec_answers_what_the_first_call_answered(store: Store) -> None:
    first = apply(store, "a")
    apply(store, "b", risk_tier="high")
    assert apply(store, "a") == first
    assert kinds(store) == ["spec.applied"] * 2


def test_an_effect_belongs_to_one_kind_of_change(store: Store) -> None:
    apply(store, "a")
    with pytest.raises(KeyReused, match=r"spec\.applied"):
        store.record_run(record_run("r1", effect="a"))


def test_a_retired_model_stays_retired(store: Store) -> None:
    apply(store)
    for status, effect in (("paused", "p"), ("active", "q"), ("retired", "r")):
        change = records.SetModelStatus(
            effect=effect, model="flights", status=status, actor="admin", reason="why", at=at()
        )
        assert store.set_model_status(change) == store.set_model_status(change)
    assert kinds(store) == ["spec.applied", "model.paused", "model.resumed", "model.retired"]
    with pytest.raises(ModelRetired, match="another name"):
        apply(store, "again")
    with pytest.raises(ModelRetired):
        store.set_model_status(change.model_copy(update={"effect": "x", "status": "active"}))


def test_a_run_needs_a_model_and_an_id_of_its_own(store: Store) -> None:
    with pytest.raises(NotFound, match="apply its spec"):
        store.record_run(record_run("r1"))
    apply(store)
    assert store.record_run(record_run("r1")) == store.record_run(record_run("r1"))
    with pytest.raises(Refused, match="recorded already"):
        store.record_run(record_run("r1", effect="other"))
    assert kinds(store) == ["spec.applied", "run.requested"]


def test_a_run_is_seen_from_queue_to_end(store: Store) -> None:
    apply(store)
    store.record_run(record_run("r1", status="queued"))
    assert row(store, RunRow, "r1").started_at is None
    store.mark_run(records.MarkRun(run_id="r1", status="running", at=at(1)))
    store.mark_run(records.MarkRun(run_id="r1", status="waiting", waiting_for="approval", at=at(2)))
    # delivered late: it says what was, not what is
    store.mark_run(records.MarkRun(run_id="r1", status="running", at=at(1)))
    assert row(store, RunRow, "r1").status == "waiting"
    end = records.FinishRun(
        effect="end", run_id="r1", model="flights", outcome="expired", reason="14 d", at=at(9)
    )
    store.finish_run(end)
    store.finish_run(end)
    store.finish_run(end.model_copy(update={"effect": "other", "outcome": "failed"}))
    store.mark_run(records.MarkRun(run_id="r1", status="running", at=at(10)))
    run = row(store, RunRow, "r1")
    assert (run.status, run.outcome, run.reason) == ("finished", "expired", "14 d")
    assert (run.created_at, run.started_at, run.finished_at) == (at(), at(1), at(9))
    assert seen(store, "r1") == [
        ("run", "queued"),
        ("run", "running"),
        ("run", "waiting"),
        ("run", "finished"),
    ]
    assert kinds(store)[-1] == "run.finished" and len(kinds(store)) == 3


def test_stages_keep_their_order_and_their_newest_mark(store: Store) -> None:
    apply(store)
    store.record_run(record_run("r1"))

    def mark(stage: str, status: str, minutes: float, **more) -> None:
        store.mark_stage(
            records.MarkStage.model_validate(
                {"run_id": "r1", "stage": stage, "status": status, "at": at(minutes), **more}
            )
        )

    mark("snapshot", "running", 1)
    mark("snapshot", "passed", 2, summary="1,000 rows", detail={"rows": 1000})
    mark("snapshot", "running", 1)
    mark("snapshot", "passed", 2)
    mark("gate", "running", 3, environment="testing")
    mark("gate", "passed", 3, environment="testing")
    mark("gate", "running", 3, environment="testing")
    mark("gate", "running", 4, environment="staging")
    snapshot = row(store, StageRow, ("r1", "snapshot", ""))
    assert (snapshot.status, snapshot.summary) == ("passed", "1,000 rows")
    assert (snapshot.started_at, snapshot.finished_at) == (at(1), at(2))
    assert row(store, StageRow, ("r1", "gate", "testing")).status == "passed"
    assert [
        row(store, StageRow, ("r1", *key)).position
        for key in (("snapshot", ""), ("gate", "testing"), ("gate", "staging"))
    ] == [1, 2, 3]
    assert seen(store, "r1")[1:] == [
        ("stage", "running"),
        ("stage", "passed"),
        ("stage", "running"),
        ("stage", "passed"),
        ("stage", "running"),
    ]


def test_the_end_of_a_stage_is_kept_with_the_beginning_of_the_next(store: Store) -> None:
    apply(store)
    store.record_run(record_run("r1"))
    running = records.MarkStage(run_id="r1", stage="snapshot", status="running", at=at(1))
    passed = running.model_copy(update={"status": "passed", "at": at(2), "summary": "9 rows"})
    store.mark_stage(running)
    both = running.model_copy(update={"stage": "validate", "at": at(2), "ended": passed})
    store.mark_stage(both)
    store.mark_stage(both)  # delivered again
    assert seen(store, "r1")[1:] == [
        ("stage", "running"),
        ("stage", "passed"),
        ("stage", "running"),
    ]
    assert row(store, StageRow, ("r1", "snapshot", "")).summary == "9 rows"
    assert row(store, StageRow, ("r1", "validate", "")).started_at == at(2)


def test_a_stage_that_begins_again_starts_anew(store: Store) -> None:
    apply(store)
    store.record_run(record_run("r1"))
    mark = records.MarkStage(run_id="r1", stage="train", status="running", at=at(1))
    store.mark_stage(mark)
    store.report_progress("r1", "train", at(2), {"epoch": 3})
    store.mark_stage(mark.model_copy(update={"status": "failed", "at": at(3)}))
    store.mark_stage(mark.model_copy(update={"at": at(4)}))
    train = row(store, StageRow, ("r1", "train", ""))
    assert (train.status, train.started_at, train.finished_at) == ("running", at(4), None)
    assert train.progress == {}


def test_progress_of_a_diverging_training_can_be_shown(store: Store) -> None:
    apply(store)
    store.record_run(record_run("r1"))
    store.mark_stage(records.MarkStage(run_id="r1", stage="train", status="running", at=at(1)))
    store.report_progress("r1", "train", at(2), {"epoch": 1, "loss": math.nan})
    assert row(store, StageRow, ("r1", "train", "")).progress == {"epoch": 1, "loss": "nan"}
    store.report_progress("nobody", "train", at(2), {"epoch": 1})
    assert seen(store, "r1")[-1] == ("progress", None)


def test_the_end_of_a_run_fails_its_open_stages(store: Store) -> None:
    apply(store)
    store.record_run(record_run("r1"))
    for stage, status in (("snapshot", "passed"), ("train", "running")):
        store.mark_stage(
            records.MarkStage.model_validate(
                {"run_id": "r1", "stage": stage, "status": status, "at": at(1)}
            )
        )
    # what a library says when it fails is not always text that a database keeps
    store.finish_run(
        records.FinishRun(
            effect="end",
            run_id="r1",
            model="flights",
            outcome="failed",
            reason="the project raised: \0",
            error_type="ProjectInvalid",
            at=at(2),
        )
    )
    assert row(store, StageRow, ("r1", "snapshot", "")).status == "passed"
    train = row(store, StageRow, ("r1", "train", ""))
    assert (train.status, train.finished_at) == ("failed", at(2))
    assert train.summary == row(store, RunRow, "r1").reason == "the project raised: \ufffd"
    assert seen(store, "r1")[-2:] == [("stage", "failed"), ("run", "finished")]


def test_a_reader_goes_on_from_the_last_event_it_has_seen(store: Store) -> None:
    apply(store)
    store.record_run(record_run("r1"))
    store.record_run(record_run("r2"))
    for minute in range(1, 4):
        store.mark_stage(
            records.MarkStage(
                run_id="r1",
                stage="train",
                status="running" if minute % 2 else "failed",
                at=at(minute),
            )
        )
    with store.database.reading() as session:
        assert [e.seq for e in events.after(session, "r1", 0)] == [1, 2, 3, 4]
        assert [e.seq for e in events.after(session, "r1", 2)] == [3, 4]
        assert [e.seq for e in events.after(session, "r2", 0)] == [1]
