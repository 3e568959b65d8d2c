"""When waiting ends, and what a person is told when it ends badly."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import cast

import pytest

from infra.stack import readiness
from infra.stack.config import Config
from infra.stack.errors import NotReady
from infra.stack.supervisor import ProcessState, Supervisor


class Scripted:
    """A supervisor that reports what the test says."""

    def __init__(self, state: str = "RUNNING", pids: object = None) -> None:
        self._state = state
        self._pids = iter(pids) if pids else None  # type: ignore[call-overload]

    def states(self) -> dict[str, ProcessState]:
        pid = next(self._pids) if self._pids else 7
        return {"opa": ProcessState("opa", self._state, pid, 1.0, "")}


def wait(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    supervisor: Scripted,
    answer: str | None,
    timeout: float = 30,
) -> list[str]:
    monkeypatch.setattr(readiness, "_PAUSE", 0.01)
    monkeypatch.setattr(readiness, "probes", lambda config, whole: {"opa": lambda pid: answer})
    config = Config(tmp_path)
    config.layout.logs.mkdir()
    config.layout.log("opa").write_text("first\nlast words\n")
    lines: list[str] = []
    readiness.await_ready(config, cast(Supervisor, supervisor), ["opa"], timeout, lines.append)
    return lines


def test_a_ready_service_is_reported_with_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [line] = wait(tmp_path, monkeypatch, Scripted(), None)
    assert "opa" in line
    assert "http://127.0.0.1:8181" in line


def test_a_timeout_tells_reason_and_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotReady) as caught:
        wait(tmp_path, monkeypatch, Scripted(), "no bundle yet", timeout=0.05)
    message = str(caught.value)
    assert "opa: no bundle yet" in message
    assert "| last words" in message
    assert str(tmp_path / "logs" / "opa.log") in message


def test_one_the_supervisor_gave_up_on_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotReady, match="opa"):
        wait(tmp_path, monkeypatch, Scripted("FATAL"), "away")


def test_one_that_keeps_dying_is_told_before_the_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotReady, match="opa"):
        wait(tmp_path, monkeypatch, Scripted("STARTING", count(100)), "away")
