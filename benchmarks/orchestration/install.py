"""The peers' environments: made from the locks in `peers/`, kept in the user's cache.

They stay out of ours, whose libraries they would change.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from infra.toolchain import cache
from perennial.contracts.errors import PerennialError

_PEERS = Path(__file__).parent / "peers"
_NODE_AT_LEAST = 20


class PeerMissing(PerennialError):
    """A peer could not be installed, so that there is nothing to compare with."""


def python_peer(name: str, peers: Path = _PEERS) -> Path:
    """The interpreter of the environment that `NAME.lock` in the folder `peers` describes.

    Raises:
        PeerMissing: it could not be installed.
    """
    lock = peers / f"{name}.lock"
    folder, done = _place(name, lock)
    python = folder / "bin" / "python"
    if not done.exists():
        uv = [sys.executable, "-m", "uv"]
        _run(name, [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        install = [*uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes"]
        _run(name, [*install, "-r", str(lock)])
        done.touch()
    return python


def node_peer(name: str) -> Path:
    """The folder with the `node_modules` that `peers/NAME/package-lock.json` describes.

    Raises:
        PeerMissing: there is no Node.js, or it could not be installed.
    """
    source = _PEERS / name
    folder, done = _place(name, source / "package-lock.json")
    version = _run(name, ["node", "--version"])
    if int(version.lstrip("v").split(".")[0]) < _NODE_AT_LEAST:
        raise PeerMissing(f"{name} needs Node.js {_NODE_AT_LEAST} or later, this is {version}")
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, folder)
        # No scripts: one of them reports the installation to somebody.
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _run(name, ["npm", "ci", *quiet, "--prefix", str(folder)])
        done.touch()
    return folder


def _place(name: str, lock: Path) -> tuple[Path, Path]:
    """A folder for each content of the lock, and the mark in it that says it is complete."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = cache().parent / "bench" / f"{name}-{digest}"
    return folder, folder / ".complete"


def _run(name: str, command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise PeerMissing(f"{name} needs {command[0]}, which is not on PATH") from error
    except subprocess.CalledProcessError as error:
        raise PeerMissing(
            f"{name} could not be installed (`{' '.join(command)}`): {error.stderr[-2000:]}"
        ) from error
    return done.stdout.strip()
