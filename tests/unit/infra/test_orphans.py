"""Processes are found by their mark and by nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from infra.stack import orphans
from infra.stack.layout import SERVICE, STACK_ID

Spawn = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    children = []

    def start(code: str = "", **mark: str) -> subprocess.Popen[bytes]:
        # says when it is there: before that its environment is still this process's
        body = f"{code}\nprint('up', flush=True)\nimport signal; signal.pause()"
        child = subprocess.Popen(
            [sys.executable, "-c", body], env=os.environ | mark, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def test_only_marked_processes_are_found(spawn: Spawn) -> None:
    mine, other = uuid4().hex, uuid4().hex
    opa = spawn(**{STACK_ID: mine, SERVICE: "opa"})
    ray = spawn(**{STACK_ID: mine, SERVICE: "ray"})
    spawn(**{STACK_ID: other})
    spawn()
    assert {process.pid for process in orphans.find(mine)} == {opa.pid, ray.pid}
    assert [process.pid for process in orphans.find(mine, "ray")] == [ray.pid]


def test_this_process_is_never_found(monkeypatch: pytest.MonkeyPatch, spawn: Spawn) -> None:
    mark = uuid4().hex
    code = f"from infra.stack import orphans; assert orphans.find({mark!r}) == [], 'found itself'"
    assert spawn(code, **{STACK_ID: mark}).poll() is None


def test_one_that_will_not_stop_is_killed(spawn: Spawn) -> None:
    mark = uuid4().hex
    spawn("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)", **{STACK_ID: mark})
    assert orphans.end(orphans.find(mark), grace=0.2) == 1
    assert orphans.find(mark) == []
