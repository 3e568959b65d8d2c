"""`perennial windows` and `perennial report`: what they ask for, and what people see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .conftest import Call
from .documents import RUN, window
from .server import Script

LISTED = "GET /v1/models/flights/windows"
SPEC = {"metrics": {"primary": "roc_auc"}}


def knows(api: Script, *windows: Any) -> None:
    api.answers[LISTED] = (200, {"items": list(windows), "next_cursor": None})
    api.answers["GET /v1/models/flights/spec"] = (200, {"spec": SPEC})


def test_windows_are_shown_with_what_was_done_about_them(api: Script, cli: Call) -> None:
    nothing = {"coverage": None, "quality_verdict": None, "metrics": {}, "action": None}
    knows(
        api,
        window(action="retrain", followed=f"run {RUN}: allowed", verdict="fail"),
        window("2026-11-09T00:00:00Z", quality_verdict="no_data", metrics={}, coverage=0.1),
        window("2026-11-02T00:00:00Z", **nothing),
    )
    shown = cli("windows", "flights")
    assert shown.code == 0, shown.err
    head, newest, *rest = shown.out.splitlines()
    assert head.split() == [
        *("window", "v", "rows", "drift", "roc_auc", "promised", "labels", "action"),
    ]
    assert newest.split()[:8] == [
        *("2026-11-16", "2", "6,310", "fail", "0.701", "0.709", "97%", "retrain:"),
    ]
    told = "".join("".join(line.split()) for line in [newest, *rest])
    assert f"run{RUN}:allowed" in told
    assert "2026-11-0926,310passno_data0.70910%ignore" in told
    assert "2026-11-0226,310pass-0.709--" in told
    assert max(len(line) for line in shown.out.splitlines()) <= 80
    assert [a.query["environment"] for a in api.requests("GET", "/v1/models/flights/windows")] == [
        "production"
    ]


def test_what_moved_the_answers_is_beside_a_window_that_fails(api: Script, cli: Call) -> None:
    shares = (("temp", 0.62), ("dewp", 0.21), ("dest", 0.1), ("hour", 0.07))
    columns = [{"column": name, "change": 0.1, "share": share} for name, share in shares]
    knows(api, window(answers={"columns": columns}), window("2026-11-09T00:00:00Z"))
    shown = cli("windows", "flights").out
    told = "".join("".join(line.split()) for line in shown.splitlines())
    # three columns; the cells of a narrow table are broken into lines
    assert all(word in told for word in ("temp62%", "dewp21%", "dest10%")), shown
    assert "hour" not in told
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_windows_of_hours_say_the_hour(api: Script, cli: Call) -> None:
    knows(api, window("2026-11-16T07:00:00Z"))
    assert "2026-11-16 07:00" in cli("windows", "flights", "-e", "staging").out
    assert cli("windows", "flights", "--json").json["items"][0]["rows"] == 6310


def test_nothing_was_judged_yet(api: Script, cli: Call) -> None:
    knows(api)
    said = cli("windows", "flights").out
    assert "no window of flights in production was judged yet" in " ".join(said.split())


def test_a_report_is_written_where_it_is_wanted(api: Script, cli: Call, tmp_path: Path) -> None:
    knows(api)
    empty = {"items": [], "next_cursor": None}
    api.answers["GET /v1/models/flights/champions/history"] = (200, empty)
    api.answers["GET /v1/models/flights/triggers"] = (200, empty)
    result = cli("report", "flights")
    assert (result.code, result.out) == (0, "flights.html\n"), result.err
    assert "No window was judged yet" in (tmp_path / "flights.html").read_text()

    nowhere = cli("report", "flights", "-o", "no/such/folder.html")
    assert nowhere.code == 2 and "no/such/folder.html cannot be written" in nowhere.err
