"""Which tests stay together when two processes share the suite (`make test`).

Tests of one group run in one process, so that a server which they share is started once. Groups
with servers come first: what is short fills up the end.
"""

from __future__ import annotations

from pathlib import PurePath

_WITH_SERVERS = (
    "tests/e2e",
    "tests/integration/ml",
    "tests/workflows",
    "tests/workers/test_rolling_restart.py",
    "tests/workers/test_versioning.py",
    "tests/integration/api",
    "tests/integration/policy",
    "tests/chaos",
    "tests/integration/test_stack.py",
)
_TOGETHER = {"tests/chaos": "tests/e2e"}
"""Folders whose tests use one whole stack."""


def group_of(test: str) -> str:
    """The group of a test, by its node id: a folder with servers, else its file."""
    file = PurePath(test.partition("::")[0])
    for place in (file, *file.parents):
        if str(place) in _WITH_SERVERS:
            return _TOGETHER.get(str(place), str(place))
    return str(file)


def rank_of(group: str) -> int:
    """Its turn: those with servers first."""
    return _WITH_SERVERS.index(group) if group in _WITH_SERVERS else len(_WITH_SERVERS)
