"""What the API reads, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session

from api.db.store import Store
from api.queries import models, runs, triggers
from api.queries.promotions import of_champions
from api.schemas.base import Page
from perennial.contracts import records
from perennial.contracts.schedules import Due
from perennial.settings import Settings
from tests.samples import at, decision, move, spec
from tests.seeded import APPROVAL, BAD, GOOD, WAITING, seed

Listing = Callable[[Session, str | None, int], Page[Any]]

# each list, what names an item of it, and the items of the seeded records
LISTINGS: list[tuple[Listing, str, list[Any]]] = [
    (models.list_models, "name", ["flights"]),
    (lambda s, c, n: models.list_versions(s, "flights", c, n), "version", [2, 1]),
    (
        lambda s, c, n: models.read_history(s, "flights", None, at(30), c, n),
        "environment",
        ["production", "development"],
    ),
    (runs.list_runs, "run_id", [WAITING, BAD, GOOD]),
    (triggers.list_triggers, "cause", ["request", "drift"]),
    (lambda s, c, n: runs.list_approvals(s, c, n, status="approved"), "approval_id", [APPROVAL]),
    (
        lambda s, c, n: runs.list_decisions(s, c, n, model="flights"),
        "decision_id",
        ["d-good", "d-bad"],
    ),
]


def test_schedules_are_those_of_the_specs_that_count(store: Store) -> None:
    specs = {
        "by-the-clock": [{"schedule": "0 4 * * MON"}, {"schedule": "0 5 * * *"}],
        "no-longer": [{"schedule": "0 4 * * *"}, None],
        "by-verdicts": [{"cooldown": "2h"}],
        "by-rows": [{"schedule": "0 * * * *", "new_rows": 500}],
        "retired": [{"schedule": "0 4 * * *"}],
    }
    for model, versions in specs.items():
        for number, retraining in enumerate(versions):
            source = {"uri": "rows", "watermark": "changed"}
            applied = spec(model=model, retraining=retraining, source=source)
            effect = f"{model}/{number}"
            store.record_spec(records.RecordSpec(effect=effect, spec=applied, actor="a", at=at()))
    store.set_model_status(
        records.SetModelStatus(
            effect="r", model="retired", status="retired", actor="a", reason="", at=at()
        )
    )
    found = store.read_schedules()
    assert sorted(found) == ["by-rows", "by-the-clock"]
    plain, rows = found["by-the-clock"], found["by-rows"]
    assert (plain.name, plain.due) == ("0 5 * * *", Due(model="by-the-clock"))
    assert rows.name.startswith("0 * * * *, new rows ") and rows.due.new_rows == 500
    assert rows.due.source is not None and rows.due.source.watermark == "changed"


@pytest.mark.parametrize("size", [1, 50])
def test_every_list_is_read_page_by_page(store: Store, size: int) -> None:
    seed(store)
    with store.database.reading() as session:
        for listing, key, expected in LISTINGS:
            found: list[Any] = []
            cursor: str | None = None
            while True:
                page = listing(session, cursor, size)
                found += [getattr(item, key) for item in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert found == expected


def test_every_detail_is_read(store: Store) -> None:
    seed(store)
    with store.database.reading() as session:
        run = runs.read_run(session, GOOD, Settings(), "default")
        assert (run.outcome, len(run.stages)) == ("promoted", 2)
        assert run.approval is not None and run.approval.status == "approved"
        assert runs.read_decision(session, "d-bad").outcome == "deny"
        assert [d.decision_id for d in runs.newest_decisions(session, 1, model="flights")] == [
            "d-good"
        ]
        model = models.read_model(session, "flights")
        assert [c.environment for c in model.champions] == ["development", "production"]
        version = models.read_version(session, "flights", 1)
        assert version.champion_in == ["development", "production"]
        assert models.read_state(session, "flights").spec_version == 1
        assert models.read_history(session, "flights", None, at(19), None, 50).items == []


def test_decisions_are_read_by_the_kind_of_their_question(store: Store) -> None:
    seed(store)
    store.record_decision(
        "window",
        decision("d-window", "deny"),
        {"kind": "monitoring"},
        {},
        model="flights",
        environment="production",
        version=1,
        run_id=GOOD,
    )
    with store.database.reading() as session:
        for kind, expected in {
            "promotion": {"d-good", "d-bad"},
            "monitoring": {"d-window"},
            "rollout": set(),
        }.items():
            listed = runs.list_decisions(session, None, 50, kind=kind).items
            newest = runs.newest_decisions(session, 50, kind=kind, model="flights")
            assert {each.decision_id for each in listed} == expected
            assert {each.decision_id for each in newest} == expected
            assert {each.kind for each in listed} <= {kind}


def test_a_champion_is_there_by_its_promotion_also_after_a_rollback(store: Store) -> None:
    seed(store)
    with store.database.reading() as session:
        [promotion], unasked = of_champions(session)
    assert (promotion.decision_id, unasked) == ("d-good", 1), "nobody asked about development"
    store.move_champion(move(2, 1, run_id=BAD))
    with store.database.reading() as session:
        assert of_champions(session) == ([], 2)
    store.move_champion(move(1, 2, cause="rollback"))
    with store.database.reading() as session:
        [again], _ = of_champions(session)
    assert again == promotion
