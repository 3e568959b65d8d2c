"""Every writing method, delivered twice: one effect, one row of the ledger, one answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select, text

from api.db.store import Store
from api.db.table import Table
from perennial.canonical import digest
from perennial.contracts import records
from perennial.contracts.alerts import CloseAlert, RaiseAlert
from perennial.contracts.concept import WindowErrors, WindowKey
from perennial.contracts.deployments import SetWeights, Share
from perennial.contracts.errors import PlatformPaused, StaleEpoch
from perennial.contracts.groups import MoveTogether, PutBack
from perennial.contracts.label_sources import LabelSource
from perennial.contracts.labelling import CountLabelled
from perennial.contracts.labels import FoundRequest, JoinedLabel, Label
from perennial.contracts.monitoring import QualityJudged, RecordAction, RecordQuality
from perennial.contracts.platform import SetPlatform
from perennial.contracts.registry import AliasMoved, RecordAliasMoved
from perennial.contracts.serving import Labelled
from perennial.contracts.store import RecordStore
from tests.samples import (
    at,
    decision,
    evidence,
    move,
    open_approval,
    profile,
    record_run,
    record_trigger,
    record_version,
    record_window,
    snapshot,
    spec,
    vote,
)
from tests.unit.records.reading import kinds

READS = {
    "read_serving",
    "read_monitored",
    "read_measured",
    "read_watched",
    "read_version",
    "read_champions",
    "read_platform",
    "read_untold",
    "read_schedules",
    "read_aliases",
    "previous_champion",
    "find_decision",
    "find_learnt",
    "newest_snapshot",
    "finished_among",
    "mlflow_versions",
    "count_labels",
    "count_due_labels",
    "monitors_with_labels",
    "waiting_labels",
    "waiting_wishes",
    "windows_to_measure",
    "read_label_source",
    "labels_of",
    "labelled_hours",
    "errors_before",
}

_MOVED = AliasMoved(
    model="flights", environment="production", found="7", wanted=1, epoch=1, found_version=None
)
_ALERT = RaiseAlert(
    effect="x", model="flights", severity="critical", kind="drift", key="psi", title="t", at=at(30)
)
_OVER = CloseAlert(model="flights", kind="drift", key="psi", at=at(31))
_EVIDENCE = evidence(1, "r1", roc_auc=0.9)

WRITES: dict[str, Callable[[Store], Any]] = {
    "record_spec": lambda s: s.record_spec(
        records.RecordSpec(effect="x", spec=spec(description="other"), actor="ada", at=at(30))
    ),
    "record_run": lambda s: s.record_run(record_run("r9")),
    "mark_stage": lambda s: s.mark_stage(
        records.MarkStage(run_id="r1", stage="gate", status="running", at=at(30))
    ),
    "mark_run": lambda s: s.mark_run(
        records.MarkRun(run_id="r1", status="waiting", waiting_for="approval", at=at(30))
    ),
    "finish_run": lambda s: s.finish_run(
        records.FinishRun(
            effect="x", run_id="r1", model="flights", outcome="denied", reason="no", at=at(30)
        )
    ),
    "record_snapshot": lambda s: s.record_snapshot(
        records.RecordSnapshot(
            effect="x", run_id="r1", snapshot=snapshot(name="may"), profile=profile("may")
        )
    ),
    "record_version": lambda s: s.record_version(record_version("r3")),
    "record_evidence": lambda s: s.record_evidence(
        records.RecordEvidence(effect="x", evidence=_EVIDENCE, evidence_digest=digest(_EVIDENCE))
    ),
    "open_approval": lambda s: s.open_approval(open_approval("r2.production.1", "r2")),
    "record_vote": lambda s: s.record_vote(
        records.RecordVote(
            effect="x", approval_id="a", model="flights", vote=vote("bob"), approve=True
        )
    ),
    "close_approval": lambda s: s.close_approval(
        records.CloseApproval(
            effect="x", approval_id="a", model="flights", status="approved", at=at(30)
        )
    ),
    "move_champion": lambda s: s.move_champion(move(2, 1, run_id="r2")),
    "move_together": lambda s: s.move_together(MoveTogether(moves=(move(2, 1, run_id="r2"),))),
    "roll_back_together": lambda s: s.roll_back_together(
        PutBack(effect="x", group="g", actor="ada", reason="alarms", at=at(40))
    ),
    "set_weights": lambda s: s.set_weights(
        SetWeights(
            effect="x",
            model="flights",
            environment="production",
            expected_epoch=1,
            run_id="r2",
            variants=(
                Share(name="challenger", version=2, weight=100),
                Share(name="champion", version=1, weight=9900),
            ),
            actor="rollout",
            reason="step 1",
            at=at(30),
        )
    ),
    "record_window": lambda s: s.record_window(record_window(120)),
    "record_quality": lambda s: s.record_quality(
        RecordQuality(
            effect="x",
            model="flights",
            environment="production",
            version=1,
            start=at(60),
            end=at(120),
            judged=QualityJudged(rows=1000, labelled=400, verdict="pass", reason="fine"),
            at=at(500),
        )
    ),
    "record_action": lambda s: s.record_action(
        RecordAction(
            effect="x",
            model="flights",
            environment="production",
            version=1,
            start=at(60),
            action="alert",
            decision_id="d-1",
            followed="distance has moved",
            at=at(130),
        )
    ),
    "record_trigger": lambda s: s.record_trigger(record_trigger()),
    "set_model_status": lambda s: s.set_model_status(
        records.SetModelStatus(
            effect="x", model="flights", status="paused", actor="ada", reason="", at=at(30)
        )
    ),
    "set_platform": lambda s: s.set_platform(
        SetPlatform(effect="x", paused=True, actor="ada", reason="why", at=at(30))
    ),
    "mark_told": lambda s: s.mark_told(1),
    "mark_projected": lambda s: s.mark_projected("flights", "production", 1, 1),
    "record_alias_moved": lambda s: s.record_alias_moved(
        RecordAliasMoved(effect="x", moved=_MOVED, action="restored", at=at(30))
    ),
    "raise_alert": lambda s: s.raise_alert(_ALERT),
    "close_alert": lambda s: (s.raise_alert(_ALERT), s.close_alert(_OVER))[-1],
    "report_progress": lambda s: s.report_progress("r1", "train", at(30), {"epoch": 1}),
    "record_decision": lambda s: s.record_decision(
        "x",
        decision(),
        {"question": 1},
        {"answer": 1},
        model="flights",
        environment="production",
        version=1,
        run_id="r1",
    ),
    "set_registration": lambda s: s.set_registration("flights", 1, "run", "1"),
    "mark_labels": lambda s: s.mark_labels(
        "flights", "production", [FoundRequest("a", 0, "a", at(30))], [], at(40)
    ),
    "record_labelled": lambda s: s.record_labelled(
        CountLabelled(model="flights", environment="production", since_epoch=1, since=at()),
        at(0),
        [Labelled(variant="control", version=1, requests=9, wrong=2)],
    ),
    "keep_label_source": lambda s: s.keep_label_source(
        "flights",
        LabelSource(digest="d", watermark=at(35), rows=1),
        [Label(request_id="c", value=True, at=at(35))],
        at(36),
    ),
    "keep_errors": lambda s: s.keep_errors(
        WindowKey("flights", "production", 1, record_window().start),
        WindowErrors(start=at(0), rows=3, each=2, seconds=(0, 60), means=(0.5, 1.0)),
    ),
    "mark_measured": lambda s: s.mark_measured(
        "flights", [JoinedLabel("b", 0, "b", at(30), True, at(35), 0, False)]
    ),
}


@pytest.fixture
def ready(store: Store) -> Iterator[Store]:
    """Two versions, the first one champion, a stage under way, an open question, two labels."""
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="ada", at=at()))
    for run_id in ("r1", "r2", "r3"):
        store.record_run(record_run(run_id, group="g" if run_id == "r2" else None))
    for run_id in ("r1", "r2"):
        store.record_version(record_version(run_id))
    store.mark_stage(records.MarkStage(run_id="r1", stage="train", status="running", at=at(1)))
    store.open_approval(open_approval("a", "r1"))
    store.move_champion(move(1, 0))
    store.record_window(record_window())
    sent = [Label(request_id=name, value=True, at=at(35)) for name in "ab"]
    store.keep_labels("flights", sent, at(36))
    store.mark_labels("flights", "production", [FoundRequest("b", 0, "b", at(30))], [], at(37))
    yield store


def contents(store: Store) -> dict[str, list[Any]]:
    """Every row of every table."""
    with store.database.reading() as session:
        return {
            name: sorted(map(repr, session.execute(select(table)).all()))
            for name, table in Table.metadata.tables.items()
        }


def test_every_method_that_writes_is_delivered_twice_here() -> None:
    methods = {name for name, _ in inspect.getmembers(RecordStore, inspect.isfunction)}
    methods = {name for name in methods if not name.startswith("_")}
    assert methods - READS == set(WRITES)


@pytest.mark.parametrize("name", sorted(WRITES))
def test_delivered_twice_has_one_effect_and_one_answer(ready: Store, name: str) -> None:
    if name == "mark_told":  # changes something only after a pause
        WRITES["set_platform"](ready)
    if name == "roll_back_together":
        WRITES["move_together"](ready)
    before = contents(ready)
    first = WRITES[name](ready)
    after = contents(ready)
    assert after != before, "the case must write something"
    assert len(after["ledger"]) - len(before["ledger"]) in (0, 1)
    assert WRITES[name](ready) == first
    assert contents(ready) == after


def test_a_zombie_with_an_old_epoch_is_refused_and_recorded_once(ready: Store) -> None:
    ready.move_champion(move(2, 1, run_id="r2"))
    zombie = move(1, 1, run_id="r1", effect="zombie", actor="ada")
    for _ in range(2):
        with pytest.raises(StaleEpoch, match="at epoch 2, not at 1") as caught:
            ready.move_champion(zombie)
        assert caught.value.details == {"expected": 1, "found": 2}
    assert kinds(ready).count("champion.refused") == 1
    with ready.database.reading() as session:
        ((actor, body),) = session.execute(
            text("SELECT actor, body FROM ledger WHERE kind = 'champion.refused'")
        ).all()
    assert actor == "ada"
    assert '"found": 2' in str(body).replace("'", '"')
    assert ready.read_champions(records.ReadChampions(model="flights")).in_("production").epoch == 2


def test_nothing_is_promoted_while_the_platform_is_paused(ready: Store) -> None:
    WRITES["set_platform"](ready)
    with pytest.raises(PlatformPaused, match="resume --all"):
        ready.move_champion(move(2, 1))
    assert ready.move_champion(move(2, 1, cause="rollback", effect="back")).version == 2
    ready.set_platform(
        SetPlatform(effect="y", paused=False, actor="root", reason="over", at=at(40))
    )
    assert ready.move_champion(move(1, 2)).epoch == 3, "the very request that was refused"
    assert kinds(ready)[-4:] == [
        "platform.paused",
        "champion.moved",
        "platform.resumed",
        "champion.moved",
    ]


def test_a_compensation_takes_back_its_own_runs_move_only(ready: Store) -> None:
    ready.move_champion(move(2, 1, run_id="r2"))
    for who in ("r1", "r3"):
        with pytest.raises(StaleEpoch, match="takes nothing back"):
            ready.move_champion(move(1, 2, cause="compensation", run_id=who, effect=who))
    back = ready.move_champion(move(1, 2, cause="compensation", run_id="r2", effect="back"))
    assert (back.version, back.epoch) == (1, 3)
    with pytest.raises(StaleEpoch, match="at epoch 3, not at 2"):
        ready.move_champion(move(1, 2, cause="compensation", run_id="r2", effect="again"))
    assert kinds(ready).count("champion.refused") == 3
