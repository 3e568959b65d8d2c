"""A real RabbitMQ for tests: a node with its own folder, ports and epmd, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from infra.stack.ports import HOST, free_ports
from tests.servers import until_listening

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
    # its name server would make itself a process that is nobody's, unless there is one
    names = subprocess.Popen(["epmd"], env=environment, stdin=subprocess.DEVNULL)
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(program)],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        until_listening(port, process, log, _SECONDS)
        yield port
    finally:
        _end(process)
        names.kill()
        names.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The program is a script, which collects the node that it has started."""
    for child in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):
            child.kill()
    try:
        process.wait(10)
    finally:
        process.kill()
