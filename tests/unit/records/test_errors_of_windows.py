"""Errors of windows, which stand before those of later ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from api.db.store import Store
from perennial.contracts import records
from perennial.contracts.concept import WindowErrors, WindowKey
from tests.samples import at, move, record_run, record_version, record_window, spec


@pytest.fixture
def ready(store: Store) -> Iterator[Store]:
    """Two versions; five windows of the first, an hour each, and one of the second."""
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="ada", at=at()))
    for run_id in ("r1", "r2"):
        store.record_run(record_run(run_id))
        store.record_version(record_version(run_id))
    store.move_champion(move(1, 0))
    for hour in range(5):
        store.record_window(record_window(60 * hour))
    store.record_window(record_window(60, effect="other", version=2))
    yield store


def window(hour: int, version: int = 1) -> WindowKey:
    return WindowKey("flights", "production", version, at(60 * hour))


def errors(hour: int, mean: float = 0.5) -> WindowErrors:
    return WindowErrors(start=at(60 * hour), rows=3, each=2, seconds=(0, 90), means=(mean, 1.0))


def starts(store: Store, before: int, since: datetime | None = None, most: int = 9) -> list[int]:
    found = store.errors_before(window(before), since, most)
    return [round((each.start - at()).total_seconds() / 3600) for each in found]


def test_those_before_a_window_are_read_oldest_first(ready: Store) -> None:
    for hour in (3, 0, 2, 4):
        ready.keep_errors(window(hour), errors(hour))
    ready.keep_errors(window(1, version=2), errors(1))
    assert ready.errors_before(window(3), None, 9) == [errors(0), errors(2)]
    assert starts(ready, before=9) == [0, 2, 3, 4], "the first window has none yet"
    assert starts(ready, before=9, most=2) == [3, 4], "the newest ones"
    assert starts(ready, before=0) == []


def test_an_earlier_time_as_champion_does_not_count(ready: Store) -> None:
    for hour in range(5):
        ready.keep_errors(window(hour), errors(hour))
    judged = record_window(120).at
    assert starts(ready, before=9, since=judged) == [2, 3, 4]


def test_the_newest_word_of_labels_counts(ready: Store) -> None:
    for mean in (0.1, 0.2):
        ready.keep_errors(window(1), errors(1, mean))
    assert ready.errors_before(window(2), None, 9) == [errors(1, 0.2)]


def test_of_a_window_that_was_never_judged_nothing_is_kept(ready: Store) -> None:
    ready.keep_errors(window(7), errors(7))
    assert starts(ready, before=9) == []
