"""`make setup`: the virtual environment and the tools, side by side. A moment when all is there.

Uses the standard library alone, and nothing newer than Python 3.8 until the version is checked:
a newcomer's Python runs this first, whichever it is.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WANTED = (3, 11)


def main() -> int:
    """Check the Python, then get everything at the same time, each with its own progress."""
    if sys.version_info[:2] != WANTED:
        return _hand_over()
    from infra import toolchain, venv

    if venv.is_current() and all(toolchain.find(name) for name in toolchain.tools()):
        return 0
    begin = time.monotonic()
    jobs: dict[str, Callable[[Callable[[str], None]], object]] = {"python": venv.install}
    jobs |= {name: partial(toolchain.ensure, name) for name in toolchain.tools()}
    print(f"setting up {', '.join(jobs)}, side by side (minutes the first time)", flush=True)
    failures: list[str] = []
    threads = [
        threading.Thread(target=_run, args=(name, work, begin, failures), daemon=True)
        for name, work in jobs.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        print("\nset-up is not complete:\n" + "\n".join(failures), file=sys.stderr)
        return 1
    print(f"set up, in {time.monotonic() - begin:.0f} s", flush=True)
    return 0


def _run(
    name: str,
    work: Callable[[Callable[[str], None]], object],
    begin: float,
    failures: list[str],
) -> None:
    from perennial.contracts.errors import PerennialError

    def report(line: str) -> None:
        print(f"{time.monotonic() - begin:4.0f} s  {name:8}  {line}", flush=True)

    try:
        work(report)
    except (PerennialError, OSError) as error:
        failures.append(f"{name}: {error}")
        report("failed; the others go on")


def _hand_over() -> int:
    """Start again under a Python of the wanted version, if there is one."""
    wanted = ".".join(map(str, WANTED))
    found = shutil.which(f"python{wanted}")
    # A version manager may keep a program of that name which only asks to choose a version.
    if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
        return subprocess.call([found, "-m", "infra.bootstrap"], cwd=str(ROOT))
    have = ".".join(map(str, sys.version_info[:2]))
    print(
        f"error: Perennial needs Python {wanted}, and {sys.executable} is {have}.\n"
        f"Install it (for example: apt install python{wanted} python{wanted}-venv, "
        f"brew install python@{wanted}, pyenv install {wanted}),\n"
        f"or say where it is: make setup PYTHON=/path/to/python{wanted}",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
