"""`perennial run`: what a person sees while it goes on, and what a script sees at its end."""

from __future__ import annotations

import threading

import pytest

from .conftest import Call
from .documents import RUN, approval, finished, model, run, stage, waiting
from .server import Frame, Script

ACCEPTED = (202, {"run_id": RUN, "status": "running", "ahead": 0})


def training(epoch: int, of: int = 3) -> dict[str, object]:
    return {"epoch": epoch, "epochs": of, "loss": 0.7 - epoch / 10}


def life(end: dict[str, object]) -> list[Frame]:
    """Three epochs, then the end that is wanted."""
    snapshot = stage("snapshot", summary="80,000 rows")
    frames = [Frame("stage", {"stage": "snapshot"}, run(stages=[snapshot]))]
    for epoch in (1, 2, 3):
        train = stage("train", "running", progress=training(epoch))
        data = {"stage": "train", "progress": training(epoch)}
        frames.append(Frame("progress", data, run(stages=[snapshot, train])))
    epochs = [{"epoch": n, "loss": training(n)["loss"]} for n in (1, 2, 3)]
    summary = "3 epochs on cpu, loss 0.4000"
    trained = stage("train", summary=summary, detail={"epochs": epochs})
    last = {**end, "stages": [snapshot, trained]}
    frames.append(Frame("run", {"status": last["status"]}, last))
    return frames


def lines_of_epochs(output: str) -> list[str]:
    return [line.strip() for line in output.splitlines() if line.startswith("    epoch")]


EPOCHS = ["epoch 1/3  loss 0.6000", "epoch 2/3  loss 0.5000", "epoch 3/3  loss 0.4000"]


def start(api: Script, end: dict[str, object]) -> None:
    api.answers["POST /v1/models/flights/runs"] = ACCEPTED
    api.first_run = run("queued")
    api.frames = life(end)


def test_each_stage_and_epoch_is_said_once(api: Script, cli: Call) -> None:
    start(api, finished("promoted", "version 3 is champion of production"))
    result = cli("run", "flights")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("✓")] == [
        "snapshot",
        "train",
        "promoted:",
    ]
    assert lines_of_epochs(result.out) == EPOCHS


def test_a_broken_stream_is_joined_behind_the_last_event(api: Script, cli: Call) -> None:
    start(api, finished("promoted", "version 3 is champion of production"))
    api.breaks_after = [2, 1]
    result = cli("run", "flights")
    assert result.code == 0
    assert api.joined_after == [None, "2", "3"]
    assert lines_of_epochs(result.out) == EPOCHS


def test_a_run_that_is_joined_later_tells_what_is_new(api: Script, cli: Call) -> None:
    start(api, finished("promoted", "version 3 is champion of production"))
    api.first_run = run(stages=[stage("snapshot", summary="80,000 rows")])
    result = cli("status", RUN, "--follow")
    assert result.code == 0
    assert "snapshot" not in result.out
    assert "✓ train" in result.out


def test_each_reason_of_a_denial_has_a_line(api: Script, cli: Call) -> None:
    reason = "staging: brier 0.3 is above 0.2 in staging; roc_auc 0.6 is below 0.68 in staging"
    start(api, finished("denied", reason))
    result = cli("run", "flights")
    assert result.code == 6
    assert (
        "✗ denied: staging  (41 s)\n"
        "    brier 0.3 is above 0.2 in staging\n"
        "    roc_auc 0.6 is below 0.68 in staging\n"
    ) in result.out


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("promoted", 0),
        ("failed", 1),
        ("denied", 6),
        ("rejected", 8),
        ("expired", 8),
        ("cancelled", 9),
    ],
)
def test_the_exit_code_tells_the_outcome(api: Script, cli: Call, outcome: str, code: int) -> None:
    start(api, finished(outcome, "production: roc_auc 0.61 is below 0.68"))
    result = cli("run", "flights")
    assert result.code == code
    assert f"{outcome}: production: roc_auc 0.61 is below 0.68" in result.out


def test_waiting_for_people_ends_with_the_exact_command(api: Script, cli: Call) -> None:
    start(api, waiting())
    result = cli("run", "flights")
    assert result.code == 5
    assert f"perennial --as approver approve {RUN}\n" in result.out
    assert "0 of 1 given" in result.out


def test_wait_stays_until_people_have_decided(api: Script, cli: Call) -> None:
    start(api, waiting())
    api.frames[-1].seen = threading.Event()
    end = finished("promoted", "version 3 is champion of production")
    api.frames.append(Frame("run", {"status": "finished"}, end))
    result = cli("run", "flights", "--wait")
    assert result.code == 0
    assert f"approve {RUN}" in result.out
    assert "promoted: version 3" in result.out


def test_a_closed_question_is_not_waited_for(api: Script, cli: Call) -> None:
    start(api, finished("promoted", "ok", approval=approval(status="approved")))
    assert cli("run", "flights").code == 0


def test_json_is_the_run_and_nothing_else(api: Script, cli: Call) -> None:
    start(api, waiting())
    result = cli("run", "flights", "--json")
    assert result.code == 5
    assert result.json["approval"]["approval_id"] == f"{RUN}.production.1"


def test_detached_says_the_id_alone(api: Script, cli: Call) -> None:
    start(api, waiting())
    result = cli("run", "flights", "--detach")
    assert (result.code, result.out) == (0, f"{RUN}\n")
    assert api.joined_after == []


def test_a_hotfix_says_why(api: Script, cli: Call) -> None:
    start(api, waiting())
    result = cli("run", "flights", "--detach", "--hotfix")
    assert result.code == 2 and "say why, with --reason" in result.err
    assert cli("run", "flights", "--detach", "--hotfix", "--reason", "a leak").code == 0
    [asked] = api.requests("POST", "/v1/models/flights/runs")
    assert asked.json == {"reason": "a leak", "hotfix": True, "params": {}}


def test_overrides_are_sent_with_their_types(api: Script, cli: Call) -> None:
    start(api, waiting())
    cli(
        *("run", "flights", "--detach", "--epochs", "3", "--learning-rate", "0.05"),
        *("--reason", "smaller", "--key", "k-1"),
        *("--param", "hidden=64", "--param", "dropout=0.5", "--param", "deep=true"),
        *("--param", "note=a=b", "--param", "code=007", "--param", "limit=NaN"),
    )
    [asked] = api.requests("POST", "/v1/models/flights/runs")
    assert asked.key == "k-1"
    assert asked.json == {
        "reason": "smaller",
        "epochs": 3,
        "learning_rate": 0.05,
        "params": {
            "hidden": 64,
            "dropout": 0.5,
            "deep": True,
            "note": "a=b",
            "code": "007",
            "limit": "NaN",
        },
    }


def test_each_request_has_a_key_of_its_own_unless_one_is_given(api: Script, cli: Call) -> None:
    start(api, waiting())
    cli("run", "flights", "--detach")
    cli("run", "flights", "--detach")
    first, second = api.requests("POST", "/v1/models/flights/runs")
    assert first.key and second.key and first.key != second.key


def test_a_param_without_a_value_is_a_wrong_command_line(api: Script, cli: Call) -> None:
    result = cli("run", "flights", "--param", "hidden")
    assert result.code == 2
    assert "NAME=VALUE" in result.err
    assert api.asked == []


def test_a_queued_run_names_what_is_before_it(api: Script, cli: Call) -> None:
    start(api, finished("promoted", "ok"))
    api.answers["POST /v1/models/flights/runs"] = (
        202,
        {"run_id": RUN, "status": "queued", "ahead": 1},
    )
    api.answers["GET /v1/models/flights"] = (200, model(runs_under_way=["flights-aaaaaaaaaa"]))
    result = cli("run", "flights")
    assert f"{RUN} is queued behind flights-aaaaaaaaaa" in result.out


def test_a_run_of_a_paused_model_says_what_it_waits_for(api: Script, cli: Call) -> None:
    start(api, finished("promoted", "ok"))
    api.answers["POST /v1/models/flights/runs"] = (
        202,
        {"run_id": RUN, "status": "queued", "ahead": 0},
    )
    api.answers["GET /v1/models/flights"] = (200, model(status="paused"))
    assert "flights is paused" in cli("run", "flights").out


def test_work_that_is_retried_is_shown(api: Script, cli: Call) -> None:
    start(api, finished("promoted", "ok"))
    away = [{"activity": "decide_promotion", "attempt": 2, "message": "OPA does not answer"}]
    api.frames.insert(1, Frame("stage", {}, run(retrying=away), seen=threading.Event()))
    result = cli("run", "flights")
    assert "is tried again (attempt 2): OPA does not answer" in result.out


def test_a_run_that_is_unknown_is_not_found(api: Script, cli: Call) -> None:
    api.answers["GET /v1/models"] = (200, {"items": [model()], "next_cursor": None})
    api.answers["GET /v1/runs"] = (200, {"items": [run()], "next_cursor": None})
    result = cli("status", "flights-0123456780")
    assert result.code == 3
    assert f"did you mean {RUN}" in result.err
