"""What the drill reads of the records, and the moment in which nobody can write to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.db.store import Store
from infra.drill.records import Records
from perennial import ledger
from perennial.contracts import records as contract
from tests.samples import at, move, open_approval, record_run, record_version, spec

MODEL, RUN = "flights", "run-1"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that waits for people before production, as the platform's own store keeps it."""
    file = tmp_path_factory.mktemp("records") / "records.db"
    store = Store.open(f"sqlite:///{file}")
    store.record_spec(contract.RecordSpec(effect="s", spec=spec(), actor="engineer", at=at()))
    store.record_run(record_run(RUN, status="running"))
    for status, minute in (("running", 1), ("passed", 3)):
        mark = contract.MarkStage(run_id=RUN, stage="train", status=status, at=at(minute))
        store.mark_stage(mark)
    store.record_version(record_version(RUN))
    store.move_champion(move(1, 0, environment="staging"))
    store.mark_stage(
        contract.MarkStage(
            run_id=RUN, stage="approval", environment="production", status="running", at=at(4)
        )
    )
    store.open_approval(open_approval("a-1", RUN))
    store.close()
    return file


@pytest.fixture
def records(file: Path) -> Iterator[Records]:
    records = Records(file)
    yield records
    records.close()


def test_stages_are_seen_as_they_stand(records: Records) -> None:
    train = records.stage(MODEL, "train", "")
    approval = records.stage(MODEL, "approval", "production")
    assert (train and train.status, approval and approval.status) == ("passed", "running")
    assert records.stage(MODEL, "promote", "production") is None
    assert [stage["seconds"] for stage in records.stages(MODEL)] == [120.0, 0.0]


def test_a_run_that_waits_shows_its_question(records: Records) -> None:
    question = records.waits_for_people(MODEL)
    assert question is not None
    assert question.approval_id == "a-1"
    assert records.waits_for_people("digits") is None
    assert not records.is_finished(MODEL)


def test_what_is_left_of_a_life(records: Records) -> None:
    assert records.promotions(MODEL) == ["staging"]
    assert records.versions(MODEL) == 1
    rows = list(records.ledger())
    assert [row["kind"] for row in rows][-2:] == ["champion.moved", "approval.opened"]
    assert ledger.verify(rows).ok


def test_nobody_writes_while_it_is_held(records: Records, file: Path) -> None:
    other = sqlite3.connect(file, timeout=0)
    with records.holding(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("UPDATE stages SET status='passed'")
    other.execute("UPDATE stages SET status=status")
    other.rollback()
    other.close()
