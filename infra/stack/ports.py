"""The ports of the stack: which they are, whether they are free, and who holds one."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import psutil

from infra.stack.errors import PortTaken, StackError

HOST = "127.0.0.1"

_OURS = range(20_000, 32_000)
"""Linux gives connections that go out ports from 32768 on, other systems from 49152 on."""
_APART = 64
"""How far apart two processes begin to look."""
_given: set[int] = set()
"""By this process; whoever got one may not listen on it yet."""


@dataclass(frozen=True)
class Ports:
    """One port for each thing that listens; `PERENNIAL_<NAME>_PORT` changes it."""

    temporal: int = 7233
    temporal_ui: int = 8233
    opa: int = 8181
    mlflow: int = 5000
    ray: int = 6379
    api: int = 8000
    serving: int = 8080
    control_metrics: int = 9464
    ml_metrics: int = 9465
    bus_metrics: int = 9466

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Ports:
        """The ports that the environment asks for.

        Raises:
            StackError: a variable holds something that is no port, or two hold the same one.
        """
        chosen: dict[str, int] = {}
        for field in fields(cls):
            text = environ.get(variable(field.name), "")
            if not text:
                continue
            if not text.isdecimal() or not 0 < int(text) < 65536:
                raise StackError(
                    f"{variable(field.name)} is {text!r}: give a port number from 1 to 65535"
                )
            chosen[field.name] = int(text)
        ports = cls(**chosen)
        owners: dict[int, str] = {}
        for name, port in ports.items():
            if port in owners:
                raise StackError(
                    f"{variable(owners[port])} and {variable(name)} are both {port}: "
                    f"give each service a port of its own"
                )
            owners[port] = name
        return ports

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody uses now, for a stack that lives beside another one."""
        names = [field.name for field in fields(cls)]
        return cls(**dict(zip(names, free_ports(len(names)), strict=True)))

    def items(self) -> list[tuple[str, int]]:
        """Pairs of name and port."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now, and that nobody is likely to take before they are used.

    Those that the system would choose are also what it gives to every connection that goes out: one
    that is free now can be such a connection's when its server starts, seconds later. These lie
    below, and each process begins its search elsewhere.
    """
    found: list[int] = []
    start = os.getpid() * _APART
    for offset in range(len(_OURS)):
        port = _OURS[(start + offset) % len(_OURS)]
        if port not in _given and is_free(port):
            found.append(port)
            if len(found) == count:
                _given.update(found)
                return found
    raise StackError(
        f"no {count} ports are free from {_OURS[0]} to {_OURS[-1]}; stop what has them"
    )


def variable(name: str) -> str:
    """The environment variable that sets the port called `name`."""
    return f"PERENNIAL_{name.upper()}_PORT"


def require_free(wanted: Iterable[tuple[str, int]]) -> None:
    """Check that nobody listens on the ports.

    Raises:
        PortTaken: somebody does; the message has one line for each such port.
    """
    problems = [_taken(name, port) for name, port in wanted if not is_free(port)]
    if problems:
        raise PortTaken("\n".join(problems))


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of this machine's loopback address."""
    with socket.socket() as probe:
        # As servers do: a connection that is still in TIME_WAIT does not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    with socket.socket() as probe:
        # macOS lets one bind beside a server on all addresses, hence this second look.
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) != 0


def _taken(name: str, port: int) -> str:
    service = name.replace("_", " ")
    how = f"set {variable(name)} to another port"
    if port < 1024 and os.getuid() != 0:
        return f"port {port} ({service}) is reserved for the administrator; {how}"
    holder = _holder(port)
    if holder is None:
        return f"port {port} ({service}) is taken by another process; stop it, or {how}"
    with contextlib.suppress(psutil.Error):
        state = holder.environ().get("PERENNIAL_STATE_DIR")
        if state:
            return (
                f"port {port} ({service}) is taken by the Perennial stack in {state} "
                f"(process {holder.pid}); take that one down, or {how}"
            )
    with contextlib.suppress(psutil.Error):
        command = " ".join(holder.cmdline())[:80] or holder.name()
        return (
            f"port {port} ({service}) is taken by process {holder.pid} ({command}); "
            f"stop it, or {how}"
        )
    return f"port {port} ({service}) is taken by process {holder.pid}; stop it, or {how}"


def _holder(port: int) -> psutil.Process | None:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:  # macOS tells this to the administrator only
        return None
    for connection in connections:
        if (
            connection.status == psutil.CONN_LISTEN
            and connection.laddr
            and connection.laddr.port == port
            and connection.pid
        ):
            with contextlib.suppress(psutil.Error):
                return psutil.Process(connection.pid)
    return None
