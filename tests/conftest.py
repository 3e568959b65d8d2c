"""What every test shares."""

from __future__ import annotations

import os
import sys

import pytest

from perennial.quiet import quieten

quieten()

_STATUS = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once, with pytest's own status.

    A process that used Temporal's client can abort while the interpreter is finalized
    (temporalio/sdk-python#300); a green suite must not end in that.
    """
    if _STATUS in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_STATUS])
