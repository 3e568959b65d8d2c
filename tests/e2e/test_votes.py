"""Votes that do not count are refused at the door, and the ledger keeps who tried."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.client import ApiError
from tests.e2e.test_bad_input import spec_of
from tests.people import People, good_rows, write_points


@pytest.fixture(scope="module")
def waiting(people: People, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run by the admin, who may also vote, waiting for production."""
    data = write_points(tmp_path_factory.mktemp("data"), good_rows(1200))
    spec = spec_of(data, risk_tier="medium", environments=["production"])
    spec["training"]["epochs"] = 12
    people.apply(spec)
    accepted = people.admin.start_run(spec["model"])
    run: Any = people.follow(accepted["run_id"], lambda run: run["approval"] is not None)
    assert run["approval"], run["reason"]
    return run


def test_the_author_may_not_vote(people: People, waiting: Any) -> None:
    approval = waiting["approval"]
    with pytest.raises(ApiError) as error:
        people.admin.vote(approval["approval_id"], approval["evidence_digest"], approve=True)
    assert (error.value.status, error.value.kind) == (403, "not-allowed")
    assert "author" in str(error.value)
    refused = [row for row in people.viewer.ledger() if row["kind"] == "approval.refused"]
    assert refused and refused[-1]["actor"] == "admin"


def test_an_engineer_may_not_vote(people: People, waiting: Any) -> None:
    approval = waiting["approval"]
    with pytest.raises(ApiError) as error:
        people.engineer.vote(approval["approval_id"], approval["evidence_digest"], approve=True)
    assert error.value.status == 403


def test_other_evidence_may_not_be_voted_on(people: People, waiting: Any) -> None:
    with pytest.raises(ApiError) as error:
        people.approver.vote(waiting["approval"]["approval_id"], "0" * 64, approve=True)
    assert error.value.status == 409
    assert "changed" in str(error.value)


def test_a_vote_after_the_end_says_how_it_ended(people: People, waiting: Any) -> None:
    approval = waiting["approval"]
    taken = people.approver.vote(approval["approval_id"], approval["evidence_digest"], approve=True)
    assert taken["status"] == "approved"
    assert people.finished(waiting["run_id"])["outcome"] == "promoted"
    with pytest.raises(ApiError) as error:
        people.approver.vote(approval["approval_id"], approval["evidence_digest"], approve=True)
    assert error.value.status == 409
    assert "approved" in str(error.value)
