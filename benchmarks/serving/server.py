"""One server at a time: started, timed until it answers, ended with all that it has started."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

from benchmarks.serving.load import Request
from infra.stack.layout import CHECKOUT
from perennial.contracts.errors import PerennialError

_START_SECONDS = 120.0
_LOOK_SECONDS = 0.02
_STOP_SECONDS = 10.0


class ServerFailed(PerennialError):
    """A server that was to be measured did not start, or did not answer as it should."""


class Running(NamedTuple):
    """A server that has answered.

    Attributes:
        pid: of its first process.
        start: seconds until the first answer.
        answer: the first answer's body.
    """

    pid: int
    start: float
    answer: bytes

    def memory(self) -> tuple[float, int]:
        """MB of all its processes, what they share counted once, and how many they are."""
        each = []
        for process in _family(self.pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.append(process.memory_full_info().pss / 1e6)
        return sum(each), len(each)


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    name: str, command: list[str], env: Mapping[str, str], log: Path, first: Request
) -> Iterator[Running]:
    """Start a server, wait for its first answer, and end it.

    Raises:
        ServerFailed: it ended instead, or did not answer in time.
    """
    began = time.perf_counter()
    with log.open("w") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            # one thread for numpy's libraries too, as for the models
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1", **env},
        )
    try:
        answer = _first_answer(first, process, began)
        if answer is None:
            text = log.read_text(errors="replace")[-1500:]
            raise ServerFailed(f"{name} did not answer; it said: {text}")
        yield Running(process.pid, time.perf_counter() - began, answer)
    finally:
        _end(process)


def post(request: Request, body: bytes | None = None) -> tuple[int, bytes]:
    """Ask once.

    Raises:
        OSError, http.client.HTTPException: there was no answer.
    """
    parts = urlsplit(request.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    try:
        sent = request.body.read_bytes() if body is None else body
        connection.request("POST", parts.path, sent, dict(request.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _first_answer(first: Request, process: subprocess.Popen[bytes], began: float) -> bytes | None:
    while process.poll() is None and time.perf_counter() - began < _START_SECONDS:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, answer = post(first)
            if status == 200:
                return answer
        time.sleep(_LOOK_SECONDS)
    return None


def _family(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _end(process: subprocess.Popen[bytes]) -> None:
    family = _family(process.pid)  # before it ends: then its children have another parent
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()
    psutil.wait_procs(family, timeout=_STOP_SECONDS)
