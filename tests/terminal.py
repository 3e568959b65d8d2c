"""The command line at a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence


def on_a_terminal(
    arguments: Sequence[str], environment: Mapping[str, str], typed: bytes = b""
) -> tuple[int, str]:
    """Run the command line at a terminal, at which something is typed.

    Returns:
        The exit code, and all that the terminal was sent.
    """
    mine, theirs = pty.openpty()
    os.write(mine, typed)
    process = subprocess.Popen(
        [sys.executable, "-m", "perennial.cli", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    output = b""
    while select.select([mine], [], [], 30)[0]:
        try:
            output += os.read(mine, 65536)
        except OSError:  # the other side is closed
            break
    os.close(mine)
    return process.wait(timeout=30), output.decode(errors="replace")
