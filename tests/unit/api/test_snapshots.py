"""Snapshots by HTTP: found by the beginning of a digest, and compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.context import Context
from perennial.blobs import BlobStore
from perennial.contracts.data import Column, ColumnSummary, ProfileSummary
from perennial.contracts.feature_views import JoinedView
from perennial.contracts.records import RecordSnapshot, RecordSpec
from tests.samples import at, blob, profile, snapshot, spec

BUYER = JoinedView(name="buyer", digest="5" * 64, features=("orders", "spent"))


def summary(rows: int, *reds: int) -> ProfileSummary:
    counts = {"red": reds[0], "blue": rows - reds[0]}
    columns = (
        ColumnSummary(
            column="distance",
            kind="number",
            rows=rows,
            missing=0,
            quantiles=tuple(float(n) for n in range(201)),
        ),
        ColumnSummary(
            column="colour", kind="text", rows=rows, missing=0, counts=counts, whole=True
        ),
    )
    return ProfileSummary(rows=rows, columns=columns)


@pytest.fixture(scope="module")
def two(context: Context) -> Iterator[tuple[str, str]]:
    blobs, store = BlobStore(context.settings.blobs), context.store
    store.record_spec(RecordSpec(effect="h", spec=spec("homes"), actor="ada", at=at()))
    digests = []
    for number, (name, rows, reds) in enumerate((("one", 1000, 500), ("two", 1200, 1100))):
        kept = blobs.put_bytes(summary(rows, reds).model_dump_json().encode())
        more = (Column(name="colour", type="string"),)
        extra = (Column(name="new", type="int64"),) if number else ()
        made = snapshot("homes", name)
        made = made.model_copy(
            update={
                "rows": rows,
                "columns": (*made.columns, *more, *extra),
                "parent": digests[0] if digests else None,
                "transformation": blob("way").sha256,
                "feature_views": (BUYER,) if number else (),
                "taken_at": at(number),
            }
        )
        store.record_snapshot(
            RecordSnapshot(
                effect=name,
                run_id="r",
                snapshot=made,
                profile=profile().model_copy(update={"summary": kept}),
            )
        )
        digests.append(made.digest)
    yield digests[0], digests[1]


async def asked(viewer: httpx.AsyncClient, path: str, status: int = 200) -> Any:
    answer = await viewer.get(path)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_snapshot_is_shown(viewer: httpx.AsyncClient, two: tuple[str, str]) -> None:
    listed = await asked(viewer, "/v1/models/homes/snapshots")
    assert [each["digest"] for each in listed["items"]] == [two[1], two[0]]
    found = await asked(viewer, f"/v1/snapshots/{two[1][:8]}")
    assert (found["parent"], found["versions"]) == (two[0], [])
    assert found["feature_views"] == [BUYER.model_dump(mode="json")]
    assert found["schema"] == {
        "distance": "double",
        "late": "bool",
        "colour": "string",
        "new": "int64",
    }
    assert (await asked(viewer, "/v1/snapshots/ffffffffff", 404))["detail"]


async def test_what_changed(viewer: httpx.AsyncClient, two: tuple[str, str]) -> None:
    found = await asked(viewer, f"/v1/snapshots/{two[0]}/diff/{two[1]}")
    assert (found["rows"], found["added"], found["removed"]) == (200, {"new": "int64"}, {})
    assert found["verdict"] == "fail" and "colour: PSI" in found["reason"]
    assert [(c["column"], c["verdict"]) for c in found["columns"]] == [
        ("colour", "fail"),
        ("distance", "pass"),
    ]
    same = await asked(viewer, f"/v1/snapshots/{two[0]}/diff/{two[0]}")
    assert (same["verdict"], same["rows"]) == ("pass", 0)


async def test_a_profile_without_a_summary(viewer: httpx.AsyncClient, two: tuple[str, str]) -> None:
    old = snapshot().digest
    found = await asked(viewer, f"/v1/snapshots/{old}/diff/{two[0]}")
    assert found["verdict"] is None and "summaries" in found["reason"]


async def test_the_newest_of_a_way(context: Context, two: tuple[str, str]) -> None:
    store = context.store
    newest = store.newest_snapshot("homes")
    assert newest is not None and newest[0].digest == two[1]
    same_way = store.newest_snapshot("homes", blob("way").sha256)
    assert same_way is not None and same_way[0] == newest[0]
    assert store.newest_snapshot("homes", "0" * 64) is None
