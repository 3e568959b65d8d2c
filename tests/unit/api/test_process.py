"""`python -m api` as the supervisor runs it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from perennial.sse import parse
from tests.servers import free_port, wait_for
from tests.unit.api.conftest import AWAY


def environment(state: Path, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "PERENNIAL_STATE_DIR": str(state),
        "PERENNIAL_API_PORT": str(port),
        "TEMPORAL_ADDRESS": AWAY,
    }


@contextlib.contextmanager
def running(state: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "api"], env=environment(state, port), stderr=subprocess.PIPE
    )
    try:
        wait_for(f"{url}/healthz", process)
        yield url, process
    finally:
        process.kill()
        process.wait()


def refused(state: Path, port: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "api"], env=environment(state, port), capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_stops_cleanly_though_somebody_watches(tmp_path: Path) -> None:
    from api.db.store import Store
    from tests.seeded import WAITING, seed

    store = Store.open(f"sqlite:///{tmp_path / 'records.db'}")
    seed(store)
    store.close()
    with running(tmp_path) as (url, process):
        token = json.loads((tmp_path / "tokens.json").read_text())["tokens"][0]["token"]
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.stream("GET", f"{url}/v1/runs/{WAITING}/events", headers=headers) as answer:
            events = parse(answer.iter_lines())
            assert next(events).name == "run"
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(httpx.RemoteProtocolError):
                assert [event for event in events if event.name != "ping"] == []
        _, log = process.communicate(timeout=60)
        assert process.returncode == 0
        assert b"Application shutdown complete" in log
        assert b"Traceback" not in log


def test_it_listens_on_this_machine_only(tmp_path: Path) -> None:
    with running(tmp_path) as (url, _):
        port = int(url.rpartition(":")[2])
        with socket.socket() as probe:
            probe.bind(("127.0.0.2", port))  # it would be taken if every address were listened on


def test_a_taken_port_is_named_with_its_variable(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refused(tmp_path, port)
    assert f"127.0.0.1:{port}" in said and "PERENNIAL_API_PORT" in said


@pytest.mark.parametrize("mode", [0o644])
def test_it_does_not_start_on_tokens_that_others_can_read(tmp_path: Path, mode: int) -> None:
    (tmp_path / "tokens.json").write_text('{"tokens": []}')
    (tmp_path / "tokens.json").chmod(mode)
    assert "chmod 600" in refused(tmp_path, free_port())
