"""`python -m infra.stack.guard PID`: take the stack down when that process is gone.

For stacks that belong to a test session: a session that is killed outright cannot clean up.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

import psutil

from infra.stack.programs import Program

NAME = "guard"


def program(pid: int) -> Program:
    """The guard as one of the supervised programs."""
    return Program(NAME, (sys.executable, "-m", "infra.stack.guard", str(pid)))


def main() -> None:
    """Wait for the end of the process, then end the supervisor, our parent."""
    supervisor = os.getppid()
    with contextlib.suppress(psutil.NoSuchProcess):
        owner = psutil.Process(int(sys.argv[1]))
        while owner.is_running() and owner.status() != psutil.STATUS_ZOMBIE:
            time.sleep(1)
    os.kill(supervisor, signal.SIGTERM)
    signal.pause()  # or the supervisor would start another one


if __name__ == "__main__":
    main()
