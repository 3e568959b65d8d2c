"""The virtual environment: pinned uv, the locked packages with their hashes, this project.

Uses the standard library alone, since it runs before the environment is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import sysconfig
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from perennial.contracts.errors import PerennialError

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
UV_LOCK = ROOT / "infra" / "uv.lock"
TORCH_INDEX = "PERENNIAL_TORCH_INDEX"

# What the CUDA build of torch brings along and a CPU build does without.
_CUDA = re.compile(r"^(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)==")
_STAMP = VENV / ".perennial.json"
_IN_C = "serving/_pieces.c", "serving/_records.c"
_BUILT_FROM = "pyproject.toml", "hatch_build.py", *_IN_C
_SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
_PROGRESS_SECONDS = 8.0

Report = Callable[[str], None]


class SetupFailed(PerennialError):
    """The virtual environment could not be made; the message ends with what the command said."""


def is_current() -> bool:
    """Whether the environment is what the lock asks for."""
    try:
        return PYTHON.exists() and json.loads(_STAMP.read_text()) == _wanted()
    except (OSError, ValueError):
        return False


def install(report: Report) -> None:
    """Make the environment what the lock asks for.

    Raises:
        SetupFailed: a step did not work.
    """
    if is_current():
        report(f"{VENV} is up to date")
        return
    begin = time.monotonic()
    _STAMP.unlink(missing_ok=True)
    if not _usable():
        _run("making .venv", [sys.executable, "-m", "venv", "--clear", str(VENV)], report)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _run("installing uv", [*pip, "--require-hashes", "-r", str(UV_LOCK)], report)
    uv = [str(PYTHON), "-m", "uv", "pip"]
    index = os.environ.get(TORCH_INDEX)
    lock = LOCK
    if index:
        lock = VENV / "requirements-cpu.lock"
        lock.write_text("\n".join(without_cuda(LOCK.read_text())) + "\n")
    _run(
        f"installing {count(lock.read_text())} packages, each checked against its hash",
        [*uv, "sync", "--require-hashes", str(lock)],
        report,
    )
    if index:
        torch = f"torch=={locked_version(LOCK.read_text(), 'torch')}"
        _run(
            f"installing {torch} from the index in {TORCH_INDEX}",
            [*uv, "install", "--no-deps", "--index-url", index, torch],
            report,
        )
    _run(
        "installing this project, editable",
        [*uv, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
        report,
    )
    if not all((ROOT / f"{name[:-2]}{_SUFFIX}").exists() for name in _IN_C):
        report(
            "what is in C was not built, so that predictions pay more for being logged; it is with "
            "a C compiler and Python's headers (Debian: apt install gcc python3.11-dev)"
        )
    _STAMP.write_text(json.dumps(_wanted(), indent=2) + "\n")
    report(f"{VENV} is ready, in {time.monotonic() - begin:.0f} s")


def without_cuda(lock: str) -> list[str]:
    """The lock's lines without torch and the packages that only its CUDA build needs."""
    return [line for block in _blocks(lock) if not _CUDA.match(block[0]) for line in block]


def locked_version(lock: str, package: str) -> str:
    """The version at which a package is locked."""
    found = re.search(rf"^{re.escape(package)}==(\S+)", lock, re.MULTILINE)
    if not found:
        raise SetupFailed(f"{LOCK} holds no version of {package}; lock again")
    return found.group(1)


def count(lock: str) -> int:
    """How many packages a lock holds."""
    return len(re.findall(r"^[a-zA-Z0-9]\S*==", lock, re.MULTILINE))


def _blocks(lock: str) -> Iterator[list[str]]:
    """Each package with its hashes and remarks."""
    block: list[str] = []
    for line in lock.splitlines():
        if block and not line.startswith((" ", "\t")):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _wanted() -> dict[str, str]:
    """What the environment is made from; a change of any of it calls for an update."""
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (LOCK, UV_LOCK, *(ROOT / name for name in _BUILT_FROM))
    }
    python = ".".join(map(str, sys.version_info[:2]))
    return digests | {"python": python, TORCH_INDEX: os.environ.get(TORCH_INDEX, "")}


def _usable() -> bool:
    """Whether there is an environment of this Python version that runs and has pip."""
    if not PYTHON.exists():
        return False
    check = f"import sys, pip; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    return subprocess.run([str(PYTHON), "-c", check], capture_output=True).returncode == 0


def _run(what: str, command: list[str], report: Report) -> None:
    report(what)
    begin = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"VIRTUAL_ENV": str(VENV)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    said: deque[str] = deque(maxlen=25)
    reader = threading.Thread(target=_read, args=(process, said), daemon=True)
    reader.start()
    try:
        while reader.is_alive():
            reader.join(_PROGRESS_SECONDS)
            if reader.is_alive():
                last = f": {said[-1].strip()}" if said else ""
                report(f"{what}, {time.monotonic() - begin:.0f} s{last}")
        status = process.wait()
    finally:
        process.kill()  # does nothing unless this was interrupted
    if status != 0:
        hint = ""
        if "ensurepip" in "\n".join(said):
            hint = "\nInstall the venv module of your Python (Debian: apt install python3.11-venv)."
        raise SetupFailed(
            f"{what} failed (`{' '.join(command)}`):\n    " + "    ".join(said).rstrip() + hint
        )


def _read(process: subprocess.Popen[str], said: deque[str]) -> None:
    assert process.stdout is not None
    said.extend(line for line in process.stdout if line.strip())
