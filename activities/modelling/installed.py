"""What is installed where a model is trained: a lock file says what should be."""

from __future__ import annotations

import hashlib
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from perennial.contracts.training import Installed

_INFO = ".dist-info"
_COMPUTING = (
    "torch",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "lightgbm",
    "ray",
)
"""Those whose versions a person wants to read; the digest has all others."""


@cache
def installed() -> Installed:
    """Interpreter, machine and packages of this process; they stay as they are while it lives."""
    # the folders' names say it: reading what is in each of hundreds takes a fifth of a second
    found = {
        info.name.removesuffix(_INFO).lower()
        for place in sys.path
        for info in Path(place).glob(f"*{_INFO}")
    }
    return Installed(
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        libraries={name: known for name in _COMPUTING if (known := _version(name))},
        digest=hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest(),
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
