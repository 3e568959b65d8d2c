"""A worker that hangs ends all the same, and those who stop it are patient enough."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stack import Config, Ports
from infra.stack.programs import programs
from workers.stopping import DRAIN, LONGEST

# It gets through its clean stop, and then waits for a thread that does not end.
HANGS = """
import asyncio, datetime, threading, uvloop
from workers import stopping

stopping.LONGEST = datetime.timedelta(seconds={longest})

async def main():
    stop = stopping.asked_to_stop()
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    print("runs", flush=True)
    await stop.wait()
    print("stops", flush=True)

uvloop.run(main())
"""


@pytest.fixture
def hanging(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A process that has been asked to stop and does not."""
    code = HANGS.format(longest=request.param)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "runs\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "stops\n"
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("hanging", [600], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(
    hanging: subprocess.Popen[str], number: signal.Signals
) -> None:
    hanging.send_signal(number)
    assert hanging.wait(30) == -number


@pytest.mark.parametrize("hanging", [1], indirect=True)
def test_it_is_gone_in_the_end_also_when_nobody_asks_again(hanging: subprocess.Popen[str]) -> None:
    assert hanging.wait(30) == -signal.SIGALRM


def test_the_supervisor_waits_longer_than_a_worker_needs(tmp_path: Path) -> None:
    config = Config(tmp_path, Ports())
    workers = [program for program in programs(config) if "workers" in program.command]
    assert [program.name for program in workers] == ["control", "ml"]
    assert all(program.patience > LONGEST.total_seconds() for program in workers)
    assert LONGEST > DRAIN
