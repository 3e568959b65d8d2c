"""Load by wrk: as many requests as are answered, on so many connections."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from perennial.contracts.errors import PerennialError

_SCRIPT = Path(__file__).with_name("load.lua")
_LONGEST_SECONDS = 600


class NoLoad(PerennialError):
    """Load could not be made."""


class Request(NamedTuple):
    """What is sent again and again.

    Attributes:
        url: to post to.
        body: a file with it.
        headers: beside its length and the customer's.
    """

    url: str
    body: Path
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)


class Found(NamedTuple):
    """What wrk saw.

    Attributes:
        requests: that were answered, well or not.
        seconds: it took.
        p50: milliseconds, of which half of the answers took less.
        p99: milliseconds.
        failed: answered with an error, or not at all.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    failed: int

    @property
    def a_second(self) -> float:
        """Requests that were answered well."""
        return max(self.requests - self.failed, 0) / self.seconds


def check() -> None:
    """See that wrk is there.

    Raises:
        NoLoad: it is not.
    """
    if shutil.which("wrk") is None:
        raise NoLoad("wrk, which makes the load, is not on PATH: apt-get install wrk")


def put(request: Request, connections: int, seconds: int) -> Found:
    """Keep so many connections busy for so long."""
    return _found(_start(request, connections, seconds))


@contextmanager
def putting(request: Request, connections: int, into: list[Found]) -> Iterator[None]:
    """Keep connections busy as long as the block lasts; what was seen goes into the list."""
    process = _start(request, connections, _LONGEST_SECONDS)
    try:
        yield
        process.send_signal(signal.SIGINT)  # at which wrk stops, and says what it saw
        into.append(_found(process))
    finally:
        process.kill()
        process.wait()


def _start(request: Request, connections: int, seconds: int) -> subprocess.Popen[str]:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    for name, value in request.headers:
        command += ["-H", f"{name}: {value}"]
    command += ["-s", str(_SCRIPT), request.url, "--", str(request.body)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _found(process: subprocess.Popen[str]) -> Found:
    said, _ = process.communicate()
    for line in said.splitlines():
        if line.startswith("FOUND "):
            found = Found(**json.loads(line.removeprefix("FOUND ")))
            if not found.requests:
                raise NoLoad("wrk got no answer at all")
            return found
    raise NoLoad(f"wrk said: {said[-1000:]}")
