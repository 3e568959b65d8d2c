"""`perennial data`: snapshots listed, shown and compared."""

from __future__ import annotations

from typing import Any

from .conftest import Call
from .server import Script

ONE, TWO = "1" * 64, "2" * 64


def snapshot(digest: str, **more: Any) -> dict[str, Any]:
    return {
        "model": "flights",
        "digest": digest,
        "rows": 1200,
        "columns": 2,
        "source_uri": "data/flights.parquet",
        "time_from": "2026-01-01T00:00:00Z",
        "time_to": None,
        "taken_at": "2026-11-16T09:00:00Z",
        "parent": None,
        **more,
    }


def test_snapshots_of_a_model(api: Script, cli: Call) -> None:
    listed = "GET /v1/models/flights/snapshots"
    api.answers[listed] = (200, {"items": [snapshot(TWO, parent=ONE)], "next_cursor": None})
    _, row = cli("data", "list", "flights").out.splitlines()
    assert row.split()[0] == "222222222222" and "1,200" in row and "111111111111" in row
    api.answers[listed] = (200, {"items": [], "next_cursor": None})
    assert "no snapshot of flights yet" in cli("data", "list", "flights").out


def test_a_snapshot(api: Script, cli: Call) -> None:
    detail = {
        "schema": {"distance": "double"},
        "transformation": "3" * 64,
        "watermark": {"column": "changed", "value": 7},
        "feature_views": [{"name": "buyer", "digest": "5" * 64, "features": ["orders", "spent"]}],
        "tags": {},
        "data": {},
        "profile": {},
        "versions": [4, 5],
    }
    api.answers["GET /v1/snapshots/222222"] = (200, snapshot(TWO) | detail)
    shown = " ".join(cli("data", "show", "222222").out.split())
    for said in ("1,200 by 2 columns", "changed 7", "4, 5", "distance", "orders, spent 5555"):
        assert said in shown


def test_what_changed(api: Script, cli: Call) -> None:
    change = {
        "column": "colour",
        "kind": "text",
        "verdict": "fail",
        "problem": None,
        "missing": [0.0, 0.25],
        "psi": 0.7,
        "ks": None,
        "out_of_range": None,
        "unknown": 0.2,
        "new": ["pink"],
        "vanished": [],
    }
    document = {
        "before": snapshot(ONE),
        "after": snapshot(TWO, rows=1500),
        "rows": 300,
        "added": {"gate": "string"},
        "removed": {},
        "retyped": {"hour": ["int64", "double"]},
        "verdict": "fail",
        "reason": "columns: colour moved",
        "columns": [change],
    }
    api.answers["GET /v1/snapshots/111111/diff/222222"] = (200, document)
    shown = cli("data", "diff", "111111", "222222").out
    for said in ("1,500 rows (+300)", "gate", "hour: int64 to double", "0.700", "+25.0%", "pink"):
        assert said in shown
    assert cli("--json", "data", "diff", "111111", "222222").json == document
