from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.db.store import Store
from api.db.tables import RunRow, SnapshotRow
from perennial.canonical import digest
from perennial.contracts import records
from perennial.contracts.errors import NotFound, Refused
from tests.samples import (
    at,
    decision,
    evidence,
    exported,
    open_approval,
    profile,
    record_run,
    record_version,
    snapshot,
    spec,
    trained,
    vote,
)
from tests.unit.records.reading import kinds, row, seen


@pytest.fixture
def ready(store: Store) -> Iterator[Store]:
    """Records with a model and two runs."""
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="engineer", at=at()))
    for run_id in ("r1", "r2"):
        store.record_run(record_run(run_id))
    yield store


def keep_evidence(store: Store, version: int, run_id: str, roc_auc: float) -> str:
    found = evidence(version, run_id, roc_auc=roc_auc)
    store.record_evidence(
        records.RecordEvidence(
            effect=f"evidence/{roc_auc}", evidence=found, evidence_digest=digest(found)
        )
    )
    return digest(found)


def test_the_same_rows_taken_twice_are_one_snapshot(ready: Store) -> None:
    for run_id in ("r1", "r2", "r2"):
        ready.record_snapshot(
            records.RecordSnapshot(
                effect=f"snapshot/{run_id}", run_id=run_id, snapshot=snapshot(), profile=profile()
            )
        )
    kept = row(ready, SnapshotRow, ("flights", snapshot().digest))
    assert kept.snapshot == snapshot().model_dump(mode="json")
    # but both runs say in the ledger which rows they used
    assert kinds(ready).count("snapshot.taken") == 2


def test_versions_count_up_and_a_run_has_one(ready: Store) -> None:
    first = ready.record_version(record_version("r1"))
    assert first.version == 1
    assert ready.record_version(record_version("r1")) == first
    other_effect = record_version("r1").model_copy(update={"effect": "other"})
    assert ready.record_version(other_effect) == first
    assert ready.record_version(record_version("r2")).version == 2
    assert row(ready, RunRow, "r2").version == 2
    assert kinds(ready).count("version.created") == 2


def test_a_version_is_read_with_its_newest_evidence(ready: Store) -> None:
    ready.record_version(record_version("r1"))
    ask = records.ReadVersion(model="flights", version=1)
    with pytest.raises(NotFound, match="no evidence"):
        ready.read_version(ask)
    keep_evidence(ready, 1, "r1", 0.70)
    keep_evidence(ready, 1, "r1", 0.70)
    newest = keep_evidence(ready, 1, "r1", 0.72)
    found = ready.read_version(ask)
    assert found.evidence_digest == newest == digest(found.evidence)
    assert (found.snapshot, found.trained, found.exported) == (snapshot(), trained(), exported())
    assert kinds(ready).count("evidence.recorded") == 2
    with pytest.raises(NotFound, match="version 7"):
        ready.read_version(records.ReadVersion(model="flights", version=7))


def test_where_mlflow_has_a_version(ready: Store) -> None:
    ready.record_version(record_version("r1"))
    ready.record_version(record_version("r2"))
    ready.set_registration("flights", 2, "mlflow-run", "5")
    assert ready.mlflow_versions("flights") == {2: "5"}
    with pytest.raises(NotFound):
        ready.set_registration("flights", 9, "mlflow-run", "5")


def test_a_decision_is_kept_once_with_question_and_answer(ready: Store) -> None:
    about = {"model": "flights", "environment": "testing", "version": 1, "run_id": "r1"}
    question, answer = {"metrics": {"roc_auc": 0.55}}, {"result": {"allow": False}}
    first = ready.record_decision("d1", decision("one", "deny"), question, answer, **about)
    # asked again after a crash: another id, the same question, the stored answer
    again = ready.record_decision("d1", decision("two", "allow"), question, answer, **about)
    assert again == first == ready.find_decision("d1")
    assert first.decision_id == "one"
    assert ready.find_decision("d2") is None
    assert seen(ready, "r1")[-1][0] == "decision"
    assert kinds(ready).count("decision.made") == 1


def test_people_vote_once_and_the_first_end_stands(ready: Store) -> None:
    ready.open_approval(open_approval("a1", "r1", required=2))
    ready.open_approval(open_approval("a1", "r1", required=2))
    # in one transaction: nobody finds the question open and its run going on
    run = row(ready, RunRow, "r1")
    assert (run.status, run.waiting_for) == ("waiting", "approval:production")

    def cast(by: str, effect: str) -> None:
        ready.record_vote(
            records.RecordVote(
                effect=effect, approval_id="a1", model="flights", vote=vote(by), approve=True
            )
        )

    cast("ann", "vote/ann")
    cast("ann", "vote/ann")
    with pytest.raises(Refused, match="ann has voted"):
        cast("ann", "vote/ann/2")
    cast("bob", "vote/bob")
    close = records.CloseApproval(
        effect="close", approval_id="a1", model="flights", status="approved", at=at(12)
    )
    ready.close_approval(close)
    ready.close_approval(close)
    ready.close_approval(close.model_copy(update={"effect": "late", "status": "expired"}))
    run = row(ready, RunRow, "r1")
    assert (run.status, run.waiting_for) == ("running", "")
    for _ in range(2):
        ready.refuse_vote("refused", "a1", "carol", "the approval is closed", at(13))
    assert kinds(ready)[3:] == [
        "approval.opened",
        "approval.voted",
        "approval.voted",
        "approval.closed",
        "approval.refused",
    ]
    assert seen(ready, "r1")[1:] == [
        ("approval", "open"),
        ("run", "waiting"),
        ("approval", "open"),
        ("approval", "open"),
        ("approval", "approved"),
        ("run", "running"),
    ]
    with pytest.raises(NotFound, match="nothing-like-it"):
        ready.refuse_vote("x", "nothing-like-it", "carol", "why", at(13))


def test_what_breaks_a_rule_of_the_database_is_refused(ready: Store) -> None:
    with pytest.raises(Refused, match="records refuse"):
        ready.open_approval(open_approval("a1", "r1", required=0))
    assert kinds(ready)[-1] == "run.requested"
