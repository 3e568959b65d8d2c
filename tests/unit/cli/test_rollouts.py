"""`perennial rollout`: what people see of a rollout, and what they send."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from perennial.cli import watch as watching
from tests.terminal import on_a_terminal

from .conftest import Call
from .documents import (
    DIGEST,
    RUN,
    climbing,
    finished,
    judged,
    model,
    platform,
    rollout,
    run,
    stage,
    waiting,
)
from .server import Frame, Script

SHARES = (("challenger", 3, 10.0), ("champion", 2, 80.0), ("control", 2, 10.0))
SHOWN = "GET /v1/models/flights/rollouts/production"
BACK = "production: rolled back at 10 %: slow: its sentence"


def at_stage(*stages: Any) -> Any:
    return run(stages=list(stages), version=3)


def rolling(status: str = "running", **verdicts: str) -> Any:
    progress = judged(**verdicts) if verdicts else {}
    return stage("rollout", status, environment="production", progress=progress)


def plays(api: Script, first: Any, *later: Any) -> None:
    """The run's documents one after the other, each with the rollout as it is then."""
    api.answers["GET /v1/models/flights"] = (200, model(runs_under_way=[RUN]))
    api.first_run = first
    frames = [Frame("stage", {}, each, seen=threading.Event()) for each in later]
    api.frames = frames
    read = [first]

    def read_run(_: Any) -> tuple[int, Any]:
        read[0] = frames[api.played - 1].run if api.played else first
        return 200, read[0]

    def served(_: Any) -> tuple[int, Any]:
        # the next thing happens once both have been read
        for frame in frames:
            if frame.run is read[0] and frame.seen is not None:
                frame.seen.set()
        for each in read[0]["stages"]:
            if each["stage"] == "rollout" and each["status"] == "running":
                # a moment before it is over, what failed has no requests any more
                failed = "'fail'" in str(each["progress"])
                return 200, rollout(*(() if failed else SHARES), under_way=climbing())
        return 200, rollout()

    api.answers[f"GET /v1/runs/{RUN}"] = read_run
    api.answers[SHOWN] = served


def test_what_answers_is_shown(api: Script, cli: Call) -> None:
    api.answers[SHOWN] = (200, rollout())
    shown = cli("rollout", "show", "flights")
    assert shown.code == 0
    title, head, champion = shown.out.splitlines()
    assert title == "flights  production, epoch 5, 2 of 2 processes serve it"
    assert head.split() == ["variant", "version", "share", "answered", "errors", "slow"]
    assert champion.split() == ["champion", "2", "100", "%", 20 * "█", "1,200", "3", "0"]


def test_a_rollout_under_way_is_shown_with_the_verdicts_of_now(api: Script, cli: Call) -> None:
    plays(api, at_stage(rolling(served="pass", errors="inconclusive", slow="fail")))
    shown = cli("rollout", "show", "flights").out
    assert "version 3, step 1 of 2: 10 %, held until 2026-11-23 10:10 at least" in shown
    assert "✓ served  … errors inconclusive  ✗ slow fail" in shown
    assert "slow: its sentence" in shown and "errors: its sentence" not in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_a_step_that_is_not_served_everywhere_says_so(api: Script, cli: Call) -> None:
    behind = rollout(*SHARES, under_way=climbing(), behind=["a"])
    api.answers[SHOWN] = (200, behind)
    api.first_run = at_stage(rolling())
    shown = cli("rollout", "show", "flights").out
    assert "1 of 2 processes serve it" in shown
    assert "version 3, step 1: 10 %\n" in shown


def test_a_watch_tells_each_change_and_ends_as_the_run_does(api: Script, cli: Call) -> None:
    before = stage("gate", "running", environment="production")
    watched = [
        at_stage(rolling(served="pass", slow="no_data")),
        at_stage(rolling(served="pass", slow="inconclusive")),
        at_stage(rolling(served="pass", slow="fail")),
    ]
    end = finished("denied", BACK, stages=[rolling("failed", served="pass", slow="fail")])
    plays(api, at_stage(before), *watched, {**end, "version": 3})
    result = cli("rollout", "watch", "flights")
    assert result.code == 6, result.err
    lines = result.out.splitlines()
    told = [line.split("  ", 1)[1] for line in lines if line[2:3] == ":"]
    assert told[0] == f"{RUN} is at gate production"
    assert told[-1].endswith("✓ served  ✗ slow fail")
    assert len(set(told)) == len(told), "each change once"
    # the last figures of the rollout stay, with what they led to
    assert [line.split()[0] for line in lines[-7:-4]] == ["challenger", "champion", "control"]
    assert lines[-4:] == [
        "version 3, step 1 of 2: 10 %",
        "✓ served  ✗ slow fail",
        f"✗ denied: {BACK}  (41 s)",
        "version 2 answers all requests of production",
    ]


def test_a_step_that_is_over_between_two_looks_is_shown_at_the_end(api: Script, cli: Call) -> None:
    second = {
        **judged(served="pass", slow="fail"),
        "step": 2,
        "weights": {"challenger": 0.5, "control": 0.5},
    }
    over = stage("rollout", "failed", environment="production", progress=second)
    watched = at_stage(rolling(served="pass", slow="no_data"))
    plays(api, watched, watched, {**finished("denied", BACK, stages=[over]), "version": 3})
    lines = cli("rollout", "watch", "flights").out.splitlines()
    assert lines[-4:-2] == ["version 3, step 2 of 2: 50 %", "✓ served  ✗ slow fail"]


def test_a_watch_that_comes_too_late_tells_how_it_went(api: Script, cli: Call) -> None:
    api.answers[SHOWN] = (200, rollout())
    api.answers["GET /v1/models/flights"] = (200, model())
    api.answers["GET /v1/runs"] = (200, {"items": [], "next_cursor": None})
    nothing = cli("rollout", "watch", "flights")
    assert nothing.code == 0 and nothing.out.endswith("no run is under way\n")

    api.first_run = finished("denied", BACK)
    api.answers["GET /v1/runs"] = (200, {"items": [api.first_run], "next_cursor": None})
    late = cli("rollout", "watch", "flights")
    assert late.code == 6
    assert f"no run is under way; the last run was {RUN}\n✗ denied: {BACK}" in late.out


def test_a_watch_ends_where_an_approval_is_waited_for(api: Script, cli: Call) -> None:
    plays(api, waiting(stages=[stage("gate", environment="production")]))
    result = cli("rollout", "watch", "flights")
    assert result.code == 5
    assert f"perennial --as approver approve {RUN}" in result.out


def test_a_watch_for_scripts_prints_how_it_is_at_the_end(api: Script, cli: Call) -> None:
    end = finished("promoted", "version 3 is champion of production", stages=[rolling("passed")])
    plays(api, at_stage(rolling(served="pass")), end)
    result = cli("rollout", "watch", "flights", "--json")
    assert result.code == 0
    assert result.json["under_way"] is None


@pytest.mark.parametrize(("typed", "code", "rulings"), [(b"y\n", 0, 1), (b"n\n", 1, 0)])
def test_a_person_at_a_terminal_looks_at_the_figures_and_is_asked(
    api: Script, terminal: dict[str, str], typed: bytes, code: int, rulings: int
) -> None:
    asks = climbing(
        waiting=True,
        reason="errors: the challenger has answered no request",
        evidence_digest=DIGEST,
        expires_at="2026-12-07T10:00:00Z",
    )
    plays(api, at_stage(rolling(served="pass", errors="no_data")))
    api.answers[SHOWN] = (200, rollout(*SHARES, under_way=asks))
    api.answers["GET /v1/whoami"] = (200, {"name": "bob", "role": "approver"})
    path = "/v1/models/flights/rollouts/production/rule"
    api.answers[f"POST {path}"] = (200, {"run_id": RUN, "step": 1, "go_on": True})
    arguments = ["--as", "approver", "rollout", "go-on", "flights", "-m", "quiet night"]
    ended, output = on_a_terminal(arguments, terminal, typed)
    assert ended == code, output
    assert "the challenger has answered no request" in output
    assert "it waits for a person until 2026-12-07 10:00" in output
    assert "Let it go on as bob?" in output
    sent = api.requests("POST", path)
    assert len(sent) == rulings
    for each in sent:
        assert each.json == {"go_on": True, "evidence_digest": DIGEST, "comment": "quiet night"}
        assert "it goes on" in output


def test_what_waits_for_nobody_needs_no_ruling(api: Script, cli: Call) -> None:
    plays(api, at_stage(rolling(served="pass")))
    result = cli("rollout", "go-on", "flights")
    assert result.code == 1
    assert "waits for no ruling" in result.err


def test_a_run_without_a_rollout_has_no_picture(api: Script, cli: Call, tmp_path: Path) -> None:
    api.first_run = finished("denied", "too weak")
    api.frames = [Frame("run", {"status": "finished"}, api.first_run)]
    result = cli("rollout", "picture", RUN)
    assert result.code == 3
    assert f"run {RUN} has rolled nothing out" in result.err
    assert not (tmp_path / f"{RUN}.html").exists()


def test_a_picture_of_what_goes_on_tells_it_so_far(
    api: Script, cli: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_SILENCE", 0.2)
    at = "2026-11-23T10:00:00Z"
    about = {"at": at, "environment": "production"}
    weights = [("challenger", 3, 1000), ("champion", 2, 8000), ("control", 2, 1000)]
    shares = [{"name": n, "version": v, "weight": w} for n, v, w in weights]
    told = judged(served="pass", errors="inconclusive")
    api.first_run = at_stage(rolling())
    api.frames = [
        Frame(name, data, api.first_run)
        for name, data in (
            ("stage", {**about, "stage": "rollout", "status": "running", "summary": "canary"}),
            ("deployment", {**about, "epoch": 6, "shares": shares}),
            ("progress", {"at": at, "stage": "rollout", "progress": told}),
        )
    ]
    result = cli("rollout", "picture", RUN)
    assert (result.code, result.out) == (0, f"{RUN}.html\n"), result.err
    drawn = (tmp_path / f"{RUN}.html").read_text()
    assert "so far. canary" in drawn and "challenger: version 3, 10 %" in drawn
    assert "step 1, inconclusive: errors: its sentence" in drawn

    nowhere = cli("rollout", "picture", RUN, "--out", "no/such/folder.html")
    assert nowhere.code == 2 and "no/such/folder.html cannot be written" in nowhere.err


def test_a_rollout_says_which_pause_holds_it(api: Script, cli: Call) -> None:
    held = climbing(held="root paused the platform: incident 7")
    plays(api, at_stage(rolling()))
    api.answers[SHOWN] = (200, rollout(*SHARES, under_way=held))
    shown = cli("rollout", "show", "flights").out
    assert "root paused the platform: incident 7: no larger share until" in shown
    api.answers["GET /v1/status"] = (200, platform())
    waits = run("waiting", waiting_for="resume:production", version=3)
    api.answers[f"GET /v1/runs/{RUN}"] = (200, waits)
    api.answers["GET /v1/models/flights"] = (200, model(status="paused"))
    told = cli("status", RUN).out
    assert "flights is paused; no larger share is given" in told


def test_a_rollout_shows_copies_and_the_log_of_requests(api: Script, cli: Call) -> None:
    found = rollout(("challenger", 3, 0.0), ("champion", 2, 100.0), under_way=climbing(percent=0.0))
    copies = {"shadow_percent": 20.0, "compared": 400, "disagreed": 12, "logged": 900, "lost": 3}
    found["variants"][0].update(copies, labelled=300, wrong=12)
    plays(api, at_stage(rolling()))
    api.answers[SHOWN] = (200, found)
    shown = cli("rollout", "show", "flights").out
    assert "copies 20 %" in shown and "step 1: copies of 20 %" in shown
    assert "12 of 400 rows of copies got another answer" in shown
    assert "900 rows are in the log of requests, 3 were lost" in shown
    assert "by labels: challenger 12 of 300 wrong (25% have labels)" in shown
