"""Which code it was: a digest of a project's sources, its commit, and its locked environment."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from activities.modelling.installed import installed
from perennial.contracts.training import CodeIdentity

_LOCK = "requirements.lock"
_GIT_SECONDS = 10
_PLATFORM = ("activities/modelling", "activities/ray_tasks", "perennial/authoring")


def sources(file: Path) -> list[Path]:
    """The Python files that belong to the project in `file`, in a fixed order.

    A package's files, folders below included; for a module that is in no package, the module.
    """
    if not (file.parent / "__init__.py").exists():
        return [file]
    found = file.parent.rglob("*.py")
    return sorted(path for path in found if "__pycache__" not in path.parts)


def source_digest(file: Path) -> str:
    """SHA-256 over the names and bytes of the project's sources."""
    return _digest(sources(file), file.parent)


@cache
def platform_digest() -> str:
    """SHA-256 over what of the platform decides how a model comes out, as this process found it.

    That is how rows are read, split and prepared, how the loop goes and how metrics are measured.
    """
    root = Path(__file__).parents[2]
    found = [path for place in _PLATFORM for path in (root / place).rglob("*.py")]
    return _digest(sorted(found), root)


def _digest(paths: Iterable[Path], root: Path) -> str:
    hasher = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        name = path.relative_to(root).as_posix()
        hasher.update(f"{name}\n{len(content)}\n".encode())
        hasher.update(content)
    return hasher.hexdigest()


def identify(project: str, file: Path, digest: str) -> CodeIdentity:
    """All that is known of the code of a project.

    Args:
        project: its name, `module:Class`.
        file: the module's file.
        digest: of its sources, as they were loaded.
    """
    commit = _git(file.parent, "rev-parse", "HEAD")
    changes = _git(file.parent, "status", "--porcelain") if commit else None
    return CodeIdentity(
        project=project,
        source_digest=digest,
        git_commit=commit,
        dirty=None if changes is None else bool(changes),
        lock_digest=_lock_digest(file),
        platform_digest=platform_digest(),
        installed=installed(),
    )


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None  # no git here, or no repository: the digest of the sources still says which
    return answer.stdout.strip()


def lock_of(file: Path) -> Path | None:
    """The lock file of a project's environment: beside the module `file`, or above it."""
    for folder in file.resolve().parents:
        lock = folder / _LOCK
        if lock.is_file():
            return lock
    return None


def _lock_digest(file: Path) -> str | None:
    lock = lock_of(file)
    return None if lock is None else hashlib.sha256(lock.read_bytes()).hexdigest()
