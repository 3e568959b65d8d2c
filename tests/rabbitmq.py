"""A real RabbitMQ for tests: a node with its own folder, ports and epmd, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.stack.ports import HOST, free_ports

_DEBIAN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_SECONDS = 60


@contextmanager
def server() -> Iterator[int]:
    """A running node; yields its port. It takes guest:guest.

    Raises:
        RuntimeError: there is no RabbitMQ on this machine, or it did not start.
    """
    # Debian's program on PATH insists on the service's own user
    program = _DEBIAN if _DEBIAN.exists() else shutil.which("rabbitmq-server")
    if program is None:
        raise RuntimeError(
            "these tests need RabbitMQ: install the package rabbitmq-server (Debian)"
        )
    folder = Path(tempfile.mkdtemp(prefix="rabbit-"))
    port, cluster, epmd = free_ports(3)
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = {HOST}:{port}\n")
    (folder / "plugins").write_text("[].\n")
    environment = {
        **os.environ,
        "HOME": str(folder),
        "ERL_EPMD_ADDRESS": HOST,
        "ERL_EPMD_PORT": str(epmd),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_DIST_PORT": str(cluster),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_NODENAME": f"perennial-{port}@localhost",
        "RABBITMQ_PID_FILE": str(folder / "pid"),
    }
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(program)],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        _await(port, process, log)
        yield port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _end_epmd(environment)
        shutil.rmtree(folder, ignore_errors=True)


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"RabbitMQ did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _end_epmd(environment: dict[str, str]) -> None:
    """The node's name server made a process of its own, which ends once it has no names left."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        done = subprocess.run(
            ["epmd", "-kill"], env=environment, capture_output=True, text=True, check=False
        )
        if "Killed" in done.stdout or "Cannot connect" in done.stdout + done.stderr:
            return
        time.sleep(0.05)
    raise RuntimeError(f"epmd on port {environment['ERL_EPMD_PORT']} does not end: {done.stdout}")
