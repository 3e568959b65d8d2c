"""Real servers for tests, on free ports, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from infra import toolchain
from infra.stack import Stack
from infra.stack.ports import HOST, free_ports
from perennial import policy_bundle, policy_in_force


def program(name: str) -> str:
    """The path of `temporal` or `opa`."""
    return str(toolchain.locate(name))


def until_listening(port: int, server: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Until a server takes connections; says what it said when it has died, or takes longer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        time.sleep(0.05)
    said = log.read_text(errors="replace")[-4000:]
    raise RuntimeError(f"{server.args!r} did not start:\n{said}")


@contextlib.contextmanager
def local_stack(folder: Path) -> Iterator[Stack]:
    """The whole local stack on free ports, as `make up` starts it; gone with this process."""
    stack = Stack(folder, Stack.free_ports(), die_with=os.getpid())
    try:
        stack.up()
        yield stack
    finally:
        stack.clean()


def free_port() -> int:
    return free_ports(1)[0]


@contextlib.contextmanager
def opa_server(policies: Path, bundles: Path) -> Iterator[str]:
    """`opa run --server` as a stack has it, on a folder of policies; yields its URL."""
    opa = program("opa")
    policy_in_force.begin(policy_bundle.build(policies, bundles, opa), bundles)
    url = f"http://127.0.0.1:{free_port()}"
    server = subprocess.Popen(
        [
            opa,
            "run",
            "--server",
            "--skip-version-check",
            "--addr",
            url.removeprefix("http://"),
            "--log-level",
            "error",
            "--bundle",
            str(policy_in_force.watched(bundles)),
            "--watch",
        ]
    )
    try:
        wait_for(f"{url}/health", server)
        yield url
    finally:
        server.kill()
        server.wait()


def wait_for(url: str, server: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Until a server answers 200; fails at once when it has died."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the server of {url} ended with {server.returncode}"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=1).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"{url} did not answer within {seconds:g} s")
