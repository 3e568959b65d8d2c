"""`make feast`: Feast in an environment of its own, from its lock, kept in the user's cache.

It stays out of ours, with which it agrees on no version of pandas (ADR 28).
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from perennial.contracts.errors import PerennialError
from perennial.feast.environment import LOCK, done, folder


class FeastMissing(PerennialError):
    """The environment could not be made; the message ends with what the command said."""


def install() -> Path:
    """The interpreter of the environment, which is made first where it has to be.

    Raises:
        FeastMissing: a step did not work.
    """
    place = folder()
    python = place / "bin" / "python"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # a second set-up waits, and finds it made
        if not done(place).exists():
            uv = [sys.executable, "-m", "uv"]
            _run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)])
            into = ["--python", str(python), "--require-hashes", "-r", str(LOCK)]
            _run([*uv, "pip", "install", "--quiet", *into])
            done(place).touch()
    return python


def _run(command: list[str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if ran.returncode:
        raise FeastMissing(
            f"Feast could not be installed (`{' '.join(command)}`): {ran.stderr[-2000:].strip()}"
        )


def main() -> int:
    """Make it, and say where its interpreter is."""
    try:
        print(install())
    except FeastMissing as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
