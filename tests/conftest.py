"""What every test shares."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from infra.stack import Stack
from perennial.quiet import quieten
from tests.groups import group_of, rank_of
from tests.people import People
from tests.servers import local_stack

quieten()
gc.disable()  # until all tests are collected: what is imported is no garbage
# two processes share the cores, and each would have a thread for every core
os.environ.setdefault("OMP_NUM_THREADS", "1")

_STATUS = pytest.StashKey[int]()


class _ByGroup(LoadScopeScheduling):
    """Deals out whole groups. (xdist's own mark for that does nothing with pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank_of(group_of(item.nodeid)))


def pytest_collection_finish() -> None:
    """Collect garbage from here on, and never look through what has been imported."""
    gc.freeze()
    gc.enable()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once, with pytest's own status.

    A process that used Temporal's client can abort while the interpreter is finalized
    (temporalio/sdk-python#300); a green suite must not end in that. One of several test processes
    says good-bye to the first before it comes here.
    """
    if _STATUS in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_STATUS])


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole local stack on free ports, as `make up` starts it; gone with this process."""
    with local_stack(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture(scope="session")
def people(stack: Stack) -> People:
    """A client for each role."""
    return People(stack)
