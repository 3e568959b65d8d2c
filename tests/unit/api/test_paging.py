from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col

from api.context import Context
from api.db.store import Store
from api.db.tables import RunRow
from api.queries.paging import CursorInvalid, page
from api.queries.runs import list_runs
from perennial.contracts import records
from tests.samples import at, record_run, spec

LISTS = (
    "/v1/models",
    "/v1/runs",
    "/v1/approvals",
    "/v1/decisions",
    "/v1/models/flights/versions",
    "/v1/models/flights/champions/history",
    "/v1/triggers",
    "/v1/models/flights/triggers",
    "/v1/models/flights/windows",
    "/v1/models/flights/snapshots",
)


@pytest.mark.parametrize("path", LISTS)
async def test_pages_join_to_the_whole_list(viewer: httpx.AsyncClient, path: str) -> None:
    whole = (await viewer.get(path)).json()
    assert whole["next_cursor"] is None and whole["items"]
    joined: list[Any] = []
    cursor = None
    while True:
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        one = (await viewer.get(path, params=params)).json()
        assert len(one["items"]) == 1
        joined += one["items"]
        cursor = one["next_cursor"]
        if cursor is None:
            break
    assert joined == whole["items"]


def test_runs_of_one_instant_are_neither_skipped_nor_repeated(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'records.db'}")
    store.record_spec(records.RecordSpec(effect="a", spec=spec(), actor="engineer", at=at()))
    for number in range(10):
        store.record_run(record_run(f"r{number}", at=at(number // 4)))
    seen: list[str] = []
    cursor: str | None = None
    with store.database.reading() as session:
        while True:
            found = list_runs(session, cursor, 3)
            seen += [run.run_id for run in found.items]
            cursor = found.next_cursor
            if cursor is None:
                break
            # what comes new at the top does not move the pages below it
            store.record_run(record_run(f"new{len(seen)}", at=at(100)))
    assert seen == [f"r{number}" for number in (9, 8, 7, 6, 5, 4, 3, 2, 1, 0)]
    store.close()


def cursor_of(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!!!",
        "e30",
        cursor_of(None),
        cursor_of([]),
        cursor_of([1, 2, 3, 4]),
        cursor_of([None]),
        cursor_of([True]),
        cursor_of([10**30]),
        cursor_of([["a"]]),
        cursor_of(["0001-01-01T00:00:00+14:00", "a"]),
        cursor_of(["2026-01-01", "a"]),
        cursor_of(["2026-01-01T00:00:00Z", "\0"]),
        cursor_of(["2026-01-01T00:00:00Z", "a", 1.5]),
    ],
)
async def test_a_cursor_that_no_list_gave(
    viewer: httpx.AsyncClient, path: str, cursor: str
) -> None:
    answer = await viewer.get(path, params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:perennial:error:cursor-invalid"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=60)
    | st.recursive(
        st.none()
        | st.booleans()
        | st.floats()
        | st.integers()
        | st.text()
        | st.datetimes().map(str),
        lambda inner: st.lists(inner, max_size=3),
    ).map(cursor_of)
)
def test_any_cursor_is_good_or_refused(context: Context, cursor: str) -> None:
    from sqlalchemy import select

    key = [col(RunRow.created_at), col(RunRow.run_id)]
    with context.store.database.reading() as session:
        try:
            page(session, select(RunRow), key, cursor, 5)
        except CursorInvalid as error:
            assert "first page" in error.message


@pytest.mark.parametrize("limit", ["0", "-1", "201", "many", ""])
async def test_a_page_has_a_bound(viewer: httpx.AsyncClient, limit: str) -> None:
    for path in (*LISTS, "/v1/ledger"):
        assert (await viewer.get(path, params={"limit": limit})).status_code == 422
