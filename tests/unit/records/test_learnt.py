"""A training that would make a version again that is there already."""

from __future__ import annotations

from typing import Any

import pytest

from api.db.store import Store
from perennial.canonical import digest
from perennial.contracts.arrivals import FindLearnt
from perennial.contracts.records import RecordSpec
from tests.samples import at, record_run, record_version, spec, trained

CODE = trained().code.source_digest


def wanted(rows: str = "january", **changes: Any) -> FindLearnt:
    return FindLearnt(model="flights", snapshot=digest(rows), spec=spec(**changes))


def versions(store: Store, count: int, **run: Any) -> None:
    """As many of the same rows, code and plan."""
    store.record_spec(RecordSpec(effect="spec", spec=spec(), actor="engineer", at=at()))
    for number in range(1, count + 1):
        store.record_run(record_run(f"r{number}", **run))
        store.record_version(record_version(f"r{number}"))


def test_the_newest_version_of_the_same_rows_code_and_plan_is_found(store: Store) -> None:
    assert store.find_learnt(wanted(), CODE) is None
    versions(store, 2)
    assert store.find_learnt(wanted(), CODE) == 2
    assert store.find_learnt(wanted("other rows"), CODE) is None
    assert store.find_learnt(wanted(), "b" * 64) is None, "changed code"
    other = wanted().model_copy(update={"model": "digits"})
    assert store.find_learnt(other, CODE) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {"epochs": 7}},
        {"training": {"params": {"hidden": 64}}},
        {"search": {"space": {"hidden": {"values": [16, 32]}}, "trials": 2}},
        {"metrics": {"primary": "accuracy"}},
        {"task": "multiclass"},
        {"project": "examples.digits.project:Digits"},
    ],
)
def test_another_plan_learns_something_new(store: Store, changes: dict[str, Any]) -> None:
    versions(store, 1)
    assert store.find_learnt(wanted(**changes), CODE) is None


def test_what_weights_do_not_follow_from_is_no_other_plan(store: Store) -> None:
    versions(store, 1)
    limits = {"metrics": {"primary": "roc_auc", "thresholds": [{"metric": "roc_auc", "min": 0.9}]}}
    changes = {"description": "of another season", "monitoring": {}, "request_log": {}, **limits}
    assert store.find_learnt(wanted(**changes), CODE) == 1


def test_a_run_with_parameters_of_its_own_made_another_version(store: Store) -> None:
    versions(store, 1, overrides={"epochs": 50})
    assert store.find_learnt(wanted(), CODE) is None
