"""The process itself: what starting loads, what a terminal gets, what a pipe gets."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.terminal import on_a_terminal

from .documents import RUN, run, stage, version, waiting
from .server import Frame, Script

FORBIDDEN = ("pydantic", "temporalio", "yaml", "sqlmodel", "perennial.contracts", "numpy", "ray")
LATER = ("httpx", "rich")


def loaded(code: str) -> set[str]:
    """The top-level and perennial modules that are loaded at the end of some code."""
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return set(done.stdout.split())


def test_help_loads_nothing_that_it_does_not_need() -> None:
    modules = loaded(
        "import contextlib, io\n"
        "from perennial.cli.app import app\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    app(['--help'], standalone_mode=False)"
    )
    assert "typer" in modules
    assert modules.isdisjoint(FORBIDDEN + LATER)


def test_no_command_loads_what_belongs_to_the_service() -> None:
    names = "follow lists spec_problems versions watch stages render problems rollout_board "
    names += "rollout_watch rollout_picture"
    modules = loaded(
        f"import perennial.client, perennial.cli.{names.replace(' ', ', perennial.cli.')}"
    )
    assert "perennial.cli.watch" in modules
    assert modules.isdisjoint(FORBIDDEN)


def play(api: Script) -> None:
    api.answers["POST /v1/models/flights/runs"] = (
        202,
        {"run_id": RUN, "status": "running", "ahead": 0},
    )
    api.first_run = run("queued")
    train = stage("train", summary="3 epochs on cpu, loss 0.4000")
    api.frames = [Frame("run", {"status": "waiting"}, waiting(stages=[train]))]


def test_a_terminal_gets_colours_and_a_live_view(api: Script, terminal: dict[str, str]) -> None:
    play(api)
    code, output = on_a_terminal(["run", "flights"], terminal)
    assert code == 5
    assert "\x1b[32m✓" in output  # green
    assert "\x1b[?25h" in output  # the cursor is shown again
    assert f"perennial --as approver approve {RUN}" in output


def test_no_color_is_honoured_on_a_terminal(api: Script, terminal: dict[str, str]) -> None:
    play(api)
    code, output = on_a_terminal(["run", "flights"], terminal | {"NO_COLOR": "1"})
    assert code == 5
    assert "✓" in output
    assert "\x1b[32m" not in output and "\x1b[31m" not in output


def test_a_terminal_that_can_do_nothing_gets_lines(api: Script, terminal: dict[str, str]) -> None:
    play(api)
    code, output = on_a_terminal(["run", "flights"], terminal | {"TERM": "dumb"})
    assert code == 5
    assert "✓ train                  2.0 s  3 epochs" in output
    assert "\x1b" not in output


def test_a_reader_that_has_seen_enough_is_no_error(api: Script, terminal: dict[str, str]) -> None:
    items = [run(run_id=f"flights-{number:010x}") for number in range(100)]
    api.answers["GET /v1/runs"] = (200, {"items": items, "next_cursor": None})
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, "-m", "perennial.cli", "runs"],
        stdout=write,
        stderr=subprocess.PIPE,
        env=terminal,
        text=True,
    )
    os.close(write)
    assert "Traceback" not in process.stderr
    assert process.returncode in (0, 1)


@pytest.mark.parametrize(("typed", "code", "votes"), [(b"y\n", 0, 1), (b"n\n", 1, 0)])
def test_a_person_at_a_terminal_is_asked_before_the_vote_is_sent(
    api: Script, terminal: dict[str, str], typed: bytes, code: int, votes: int
) -> None:
    path = f"/v1/approvals/{RUN}.production.1/approve"
    api.first_run = waiting()
    api.answers["GET /v1/models/flights/versions/3"] = (200, version())
    api.answers["GET /v1/whoami"] = (200, {"name": "ada", "role": "approver"})
    api.answers[f"POST {path}"] = (
        200,
        {"approval_id": f"{RUN}.production.1", "status": "approved", "votes": 1, "required": 1},
    )
    ended, output = on_a_terminal(["approve", RUN, "--as", "approver"], terminal, typed)
    assert ended == code
    assert "Approve version 3 for production as ada?" in output
    assert len(api.requests("POST", path)) == votes
