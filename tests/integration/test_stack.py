"""The local stack, for real: what dies comes back, what is in the way is named."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.stack import Config, Ports, PortTaken, Stack, StackError, orphans
from infra.stack.layout import Layout
from infra.stack.ports import HOST, is_free
from infra.stack.table import table

SERVERS = ("temporal", "opa", "mlflow", "ray")
POLICY = """\
package perennial.promotion

decision := {"allow": false}
"""


def policies(folder: Path) -> Path:
    place = folder / "policies" / "perennial" / "promotion"
    place.mkdir(parents=True)
    (place / "promotion.rego").write_text(POLICY)
    return folder / "policies"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The four servers on ports of their own, beside whatever a person runs."""
    folder = tmp_path_factory.mktemp("stack")
    config = Config(folder / "state", Ports.free(), policies=policies(folder))
    stack = Stack(config=config, die_with=os.getpid())
    try:
        stack.up(SERVERS)
        yield stack
    finally:
        stack.clean()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Stack]:
    """Temporal alone, for what is done to the supervisor."""
    stack = Stack(tmp_path / "state", Ports.free())
    try:
        yield stack
    finally:
        stack.clean()


def gone(pids: list[int], seconds: float = 20) -> bool:
    _, alive = psutil.wait_procs(
        [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=seconds
    )
    return not alive


def test_up_again_changes_nothing(stack: Stack) -> None:
    before = {name: state.pid for name, state in stack.states().items()}
    stack.up(SERVERS)
    assert {name: state.pid for name, state in stack.states().items()} == before


def test_everything_binds_loopback(stack: Stack) -> None:
    pids = {pid for service in SERVERS for pid in stack.pids(service)}
    listening = [
        connection.laddr.ip
        for pid in pids
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > len(SERVERS)
    assert {address.removeprefix("::ffff:") for address in listening} == {HOST}


def test_secrets_are_for_their_owner_only(stack: Stack) -> None:
    layout = stack.config.layout
    assert stat.S_IMODE(layout.state_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(layout.ray_token.stat().st_mode) == 0o600
    assert stat.S_IMODE(layout.ray_temp.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(layout.supervisor_socket.stat().st_mode) == 0o700


def test_mlflow_does_not_block_readers(stack: Stack) -> None:
    with sqlite3.connect(stack.config.layout.mlflow_database) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_mlflow_keeps_artefacts_where_it_was_told(stack: Stack) -> None:
    request = urllib.request.Request(
        f"{stack.urls['mlflow']}/api/2.0/mlflow-artifacts/artifacts/some/note.txt",
        data=b"kept",
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200
    assert (stack.config.layout.mlflow_artifacts / "some" / "note.txt").read_text() == "kept"


def test_opa_answers_by_the_given_policies(stack: Stack) -> None:
    with urllib.request.urlopen(
        f"{stack.urls['opa']}/v1/data/perennial/promotion/decision", timeout=20
    ) as answer:
        assert json.load(answer)["result"] == {"allow": False}


def test_the_summary_leads_other_programs_to_the_stack(stack: Stack) -> None:
    summary = json.loads((stack.config.state_dir / "stack.json").read_text())
    assert summary["addresses"] == stack.urls
    assert summary["env"]["TEMPORAL_ADDRESS"] == stack.urls["temporal"]


@pytest.mark.parametrize("service", SERVERS)
def test_a_killed_service_comes_back(stack: Stack, service: str) -> None:
    victims = stack.kill(service)
    assert victims
    stack.wait_restarted(service, victims)
    assert not set(stack.pids(service)) & set(victims)


def test_a_stopped_service_stays_away_until_it_is_started(stack: Stack) -> None:
    stack.stop("opa")
    assert is_free(stack.config.ports.opa)
    assert stack.pids("opa") == []
    stack.start("opa")
    assert stack.pids("opa")


def test_status_says_what_is_ready_and_what_is_not(stack: Stack) -> None:
    lines = {line.split()[0]: line for line in table(stack)}
    for service in SERVERS:
        assert " ready " in lines[service]
        assert str(stack.pids(service)[0]) in lines[service]
    assert "stopped" in lines["api"]


def test_an_unknown_service_is_named_with_those_there_are(stack: Stack) -> None:
    with pytest.raises(StackError, match="temporal, opa, mlflow, ray, api, serving, control, ml"):
        stack.stop("kafka")


def test_a_taken_port_stops_up_before_anything_starts(small: Stack) -> None:
    with socket.socket() as server:
        server.bind((HOST, small.config.ports.temporal))
        server.listen()
        with pytest.raises(PortTaken, match="PERENNIAL_TEMPORAL_PORT"):
            small.up(["temporal"])
    assert small.states() == {}
    assert orphans.find(small.config.layout.stack_id) == []


def test_up_after_a_killed_supervisor_ends_what_it_left(small: Stack) -> None:
    small.up(["temporal"])
    [temporal] = small.pids("temporal")
    supervisor = psutil.Process(temporal).parent()
    assert supervisor is not None
    supervisor.kill()
    supervisor.wait()
    assert psutil.pid_exists(temporal)
    said: list[str] = []
    small.up(["temporal"], report=said.append)
    assert any("left behind" in line for line in said)
    assert small.pids("temporal") not in ([], [temporal])


def test_down_leaves_no_process_and_keeps_the_data(small: Stack) -> None:
    small.up(["temporal"])
    layout = small.config.layout
    begin = time.monotonic()
    small.down()
    assert time.monotonic() - begin < 20
    assert orphans.find(layout.stack_id) == []
    assert layout.temporal_database.exists()
    small.down()  # twice does no harm


def test_settings_that_changed_meanwhile_are_refused(small: Stack) -> None:
    small.up(["temporal"])
    other = Stack(small.config.state_dir, Ports.free())
    with pytest.raises(StackError, match="make down"):
        other.up(["temporal"])


def test_the_stack_goes_down_with_its_owner(tmp_path: Path) -> None:
    """Also when the owner is killed outright, as a test session may be."""
    state = tmp_path / "state"
    code = (
        "import os, pathlib, signal; from infra.stack import Ports, Stack\n"
        f"stack = Stack(pathlib.Path({str(state)!r}), Ports.free(), die_with=os.getpid())\n"
        "stack.up(['temporal']); print(*stack.pids('temporal'), flush=True); signal.pause()"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert pids
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    supervised = orphans.find(Layout.of(state).stack_id)
    assert gone([*pids, *(process.pid for process in supervised)])
    Layout.of(state).delete()
