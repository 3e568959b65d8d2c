"""Where Feast's environment is."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from perennial.contracts.errors import SourceInvalid

LOCK = Path(__file__).with_name("requirements.lock")
PYTHON = "PERENNIAL_FEAST_PYTHON"
"""Names the interpreter of an environment that somebody else made."""


def folder() -> Path:
    """Where an environment of the lock belongs: another lock has another one."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return root / "perennial" / f"feast-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"


def done(place: Path) -> Path:
    """The mark in an environment that says it is complete."""
    return place / ".complete"


def interpreter(where: str) -> Path:
    """The Python that has Feast.

    Args:
        where: what a message calls the source that needs it.

    Raises:
        SourceInvalid: there is none on this machine.
    """
    named = os.environ.get(PYTHON)
    if named:
        if os.access(named, os.X_OK):
            return Path(named)
        raise SourceInvalid(
            f"{where} has feature_views, and {PYTHON} names {named}, where no program is; mend it, "
            f"or unset it and run `make feast` where the workers run"
        )
    place = folder()
    if done(place).exists():
        return place / "bin" / "python"
    raise SourceInvalid(
        f"{where} has feature_views, and Feast's environment is not on this machine (it needs "
        f"another pandas than the workers have); run `make feast` where the workers run, or name "
        f"the Python of one that has Feast in {PYTHON}, and run the model again"
    )
