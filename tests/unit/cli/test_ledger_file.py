"""`ledger export` and `ledger verify FILE`: a ledger that is verified without the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from perennial.ledger import GENESIS, row_hash

from .conftest import Call
from .server import Asked, Script

Row = dict[str, Any]


def chain(length: int) -> list[Row]:
    rows: list[Row] = []
    for seq in range(1, length + 1):
        row: Row = {
            "seq": seq,
            "at": "2026-11-23T10:00:00Z",
            "actor": "engineer",
            "kind": "run.requested",
            "model": "flights",
            "subject": f"flights-{seq:010x}",
            "body": {"reason": "größer"},
            "effect": f"run/{seq}",
            "prev_hash": rows[-1]["hash"] if rows else GENESIS,
        }
        rows.append(row | {"hash": row_hash(row)})
    return rows


def keep(api: Script, rows: list[Row]) -> None:
    def page(asked: Asked) -> tuple[int, Any]:
        after, limit = int(asked.query["after"]), int(asked.query["limit"])
        items = rows[after : after + limit]
        more = after + limit < len(rows)
        return 200, {"items": items, "next_after": items[-1]["seq"] if more else None}

    api.answers["GET /v1/ledger"] = page


def test_what_is_exported_verifies_with_nobody_to_ask(
    api: Script, cli: Call, tmp_path: Path
) -> None:
    rows = chain(230)
    keep(api, rows)
    file = tmp_path / "ledger.jsonl"
    result = cli("ledger", "export", str(file))
    assert result.code == 0
    assert result.out.startswith("230 rows in ")
    api.asked.clear()
    verdict = cli("ledger", "verify", str(file), "--json")
    assert verdict.code == 0
    assert verdict.json == {"ok": True, "rows": 230, "head": rows[-1]["hash"], "first_bad": None}
    assert api.asked == []


def test_the_first_bad_row_is_named(api: Script, cli: Call, tmp_path: Path) -> None:
    rows = chain(5)
    rows[2]["actor"] = "nobody"
    rows[4]["actor"] = "nobody"
    file = tmp_path / "ledger.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = cli("ledger", "verify", str(file))
    assert result.code == 10
    assert "row 3 does not hold" in result.out
    assert "the 2 rows before it do" in result.out


def test_a_file_that_is_no_ledger_is_named_with_its_line(
    api: Script, cli: Call, tmp_path: Path
) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_text(json.dumps(chain(1)[0]) + "\n\nnothing\n")
    result = cli("ledger", "verify", str(file))
    assert result.code == 10
    assert "line 2 of" in result.err


def test_a_file_that_is_not_there(cli: Call) -> None:
    assert cli("ledger", "verify", "nowhere.jsonl").code == 2


def test_the_api_verifies_its_own(api: Script, cli: Call) -> None:
    bad = {"seq": 7, "problem": "it was changed"}
    api.answers["GET /v1/ledger/verify"] = (
        200,
        {"ok": False, "rows": 6, "head": "a" * 64, "first_bad": bad},
    )
    result = cli("ledger", "verify")
    assert result.code == 10
    assert "row 7 does not hold: it was changed" in result.out


def test_a_list_stops_where_it_is_told(api: Script, cli: Call) -> None:
    keep(api, chain(230))
    result = cli("ledger", "list", "--after", "5", "--limit", "120", "--json")
    assert [row["seq"] for row in result.json["items"]] == list(range(6, 126))
