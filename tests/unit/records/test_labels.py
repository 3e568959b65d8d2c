"""Labels come late, twice, changed and in any order; what is due stays so until it is done."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from api.db.monitoring_tables import LabelRow, WindowRow
from api.db.store import Store
from perennial.contracts import records
from perennial.contracts.deployments import ReadServing
from perennial.contracts.errors import NotFound
from perennial.contracts.labelling import CountLabelled, LabelledHour
from perennial.contracts.labels import (
    FoundRequest,
    JoinedLabel,
    Label,
    LabelsKept,
    LookedFor,
    WaitingLabel,
)
from perennial.contracts.serving import Labelled
from tests.samples import at, move, record_run, record_version, spec
from tests.unit.records.reading import kinds, row

HOUR = timedelta(hours=1)


@pytest.fixture
def ready(store: Store) -> Iterator[Store]:
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="ada", at=at()))
    yield store


def label(request_id: str = "a", value: Any = True, minutes: float = 0, **more: Any) -> Label:
    return Label(request_id=request_id, value=value, at=at(minutes), **more)


def keep(store: Store, *labels: Label, minutes: float = 100) -> tuple[int, int, int]:
    kept = store.keep_labels("flights", labels, at(minutes))
    return kept.new, kept.repeated, kept.changed


def join(store: Store, request_id: str, minutes: float, now: float = 110) -> None:
    found = FoundRequest(request_id, 0, request_id, at(minutes))
    store.mark_labels("flights", "production", [found], [], at(now))


def of_hour(store: Store, minutes: float = 0) -> list[JoinedLabel]:
    return store.labels_of("flights", "production", at(minutes), at(minutes + 60))


def to_measure(store: Store, until: float = 600) -> list[float]:
    found = store.windows_to_measure("flights", "production", HOUR, at(until))
    return [(start - at()).total_seconds() / 60 for start in found]


def test_sent_twice_changed_and_in_any_order(ready: Store) -> None:
    ledger = kinds(ready)
    assert keep(ready, label(), label("b", 1), label(), label("b", 1.0)) == (2, 2, 0)
    assert keep(ready, label()) == (0, 1, 0)
    assert keep(ready, label("a", False, 5), label("a", True, 4)) == (0, 1, 1)
    assert keep(ready, label("a", True, 5)) == (0, 0, 1), "of one moment, the last one sent"
    kept = row(ready, LabelRow, ("flights", "a", 0))
    assert (kept.value, kept.at, kept.changes) == ("true", at(5), 2)
    counts = ready.count_labels("flights")
    assert (counts.waiting, counts.joined, counts.changed, counts.newest) == (2, 0, 1, at(100))
    assert kinds(ready) == ledger, "labels are data"


def test_what_becomes_known_last_counts_whatever_the_order(ready: Store) -> None:
    said = [("early", 1), ("late", 3), ("early", 2)]
    for number, order in enumerate(itertools.permutations(said)):
        for value, minutes in order:
            keep(ready, label(f"r{number}", value, minutes))
        assert row(ready, LabelRow, ("flights", f"r{number}", 0)).value == '"late"'


def test_of_a_model_that_is_none(ready: Store) -> None:
    with pytest.raises(NotFound, match="no model 'digits'"):
        ready.keep_labels("digits", [label()], at())
    with pytest.raises(NotFound, match="no model 'digits'"):
        ready.count_labels("digits")
    assert ready.count_labels("flights").newest is None
    assert ready.keep_labels("flights", [], at()) == LabelsKept()


def test_a_label_is_due_until_its_window_was_measured(ready: Store) -> None:
    keep(ready, label("a"), label("b"), label("c"))
    join(ready, "a", 10)
    join(ready, "b", 59)
    join(ready, "c", 70)
    assert to_measure(ready) == [0, 60], "found, and nobody has measured yet"
    assert to_measure(ready, until=119) == [0], "a window that has not ended is not measured"
    first = of_hour(ready)
    assert [(each.key, each.value, each.measured) for each in first] == [
        ("a", True, False),
        ("b", True, False),
    ]
    # another value comes while the window is being measured
    assert keep(ready, label("b", False, 5)) == (0, 0, 1)
    ready.mark_measured("flights", first)
    assert to_measure(ready) == [0, 60]
    again = of_hour(ready)
    assert [(each.key, each.value, each.measured) for each in again] == [
        ("a", True, True),
        ("b", False, False),
    ]
    ready.mark_measured("flights", again)
    assert to_measure(ready) == [60]
    assert keep(ready, label("a", True, 9)) == (0, 1, 0) and to_measure(ready) == [60]
    assert ready.count_labels("flights").joined == 3


def test_a_request_is_found_once(ready: Store) -> None:
    keep(ready, label("a"))
    join(ready, "a", 10)
    join(ready, "a", 200)
    ready.mark_labels("flights", "production", [], [LookedFor("a", 0, None)], at(300))
    assert [each.request_at for each in of_hour(ready)] == [at(10)]


def test_what_is_looked_for_in_vain(ready: Store) -> None:
    def waiting(now: float, environment: Any = "production", most: int = 10) -> list[str]:
        return [w.key for w in ready.waiting_labels("flights", environment, at(now), most)]

    keep(ready, label("b"), minutes=101)
    keep(ready, label("a", asked_at=at(-5)))
    assert waiting(102) == ["a", "b"] and waiting(102, most=1) == ["a"]
    assert ready.waiting_labels("flights", "production", at(102), 1) == [
        WaitingLabel("a", 0, None, at(-5), at(100))
    ]
    looked = [LookedFor("a", 0, at(110)), LookedFor("b", 0, None)]
    ready.mark_labels("flights", "production", [], looked, at(102))
    assert waiting(109) == [] and waiting(110) == ["a"]
    assert waiting(103, "staging") == ["a"], "it may be in another log"
    counts = ready.count_labels("flights")
    assert (counts.waiting, counts.given_up) == (1, 1)
    # one that is given up and sent again is looked for again
    assert keep(ready, label("b"), minutes=200) == (0, 1, 0)
    assert waiting(200) == ["a", "b"]


def test_what_a_monitor_has_to_do(ready: Store) -> None:
    def due(now: float = 120) -> int:
        return ready.count_due_labels("flights", "production", at(now))

    ready.record_run(record_run("r1"))
    ready.record_version(record_version("r1"))
    ready.move_champion(move(1, 0))
    keep(ready, label("a"), label("b"), label("c"))
    assert due() == 3 and due(99) == 0
    join(ready, "a", 10)
    join(ready, "b", 70)
    looked = [LookedFor("c", 0, at(130))]
    ready.mark_labels("flights", "production", [], looked, at(110))
    assert due() == 0, "no window of these requests was judged yet"
    window = WindowRow(
        model="flights",
        environment="production",
        start=at(0),
        end=at(60),
        version=1,
        rows=1,
        verdict="pass",
        judged={},
        judged_at=at(65),
    )
    with ready.database.writing() as session:
        session.add(window)
    assert due() == 1 and due(130) == 2
    ready.mark_measured("flights", of_hour(ready))
    assert due() == 0


def test_by_entity_and_time(ready: Store) -> None:
    one = Label(entity="c 1", value=1, at=at(9), asked_at=at(5))
    assert keep(ready, one, one.model_copy(update={"asked_at": at(6)}), one) == (2, 1, 0)
    (first, _) = ready.waiting_labels("flights", "production", at(120), 10)
    assert (first.entity, first.asked_at) == ("c 1", at(5))
    ready.mark_labels(
        "flights", "production", [FoundRequest(first.key, 0, "r-7", at(4))], [], at(120)
    )
    assert [(each.request_id, each.key) for each in of_hour(ready)] == [("r-7", first.key)]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({}, "one of both"),
        ({"request_id": "a", "entity": "b"}, "one of both"),
        ({"entity": "b"}, "asked_at"),
        ({"request_id": " a"}, "pattern"),
        ({"request_id": ""}, "at least 1"),
        ({"request_id": "a", "row": True}, "valid integer"),
        ({"request_id": "a", "value": float("nan")}, "finite"),
        ({"request_id": "a", "value": None}, "valid"),
        ({"request_id": "a", "value": "x" * 201}, "at most 200"),
        ({"request_id": "a", "value": "1" * 201}, "at most 200"),
    ],
)
def test_what_is_no_label(names: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Label.model_validate({"value": 1, "at": at()} | names)


@pytest.mark.parametrize("value", [True, 1, 0.5, "1", "late", ""])
def test_a_value_stays_what_it_is(ready: Store, value: Any) -> None:
    keep(ready, label(value=value))
    join(ready, "a", 1)
    (found,) = of_hour(ready)
    assert found.value == value and type(found.value) is type(value)


def test_ten_thousand_at_once(ready: Store) -> None:
    many = [label(f"r-{number:06}", number % 2 == 0) for number in range(10_000)]
    began = time.perf_counter()
    assert keep(ready, *many) == (10_000, 0, 0)
    assert keep(ready, *many) == (0, 10_000, 0)
    others = [label(f"r-{number:06}", number % 2 == 1, 1) for number in range(10_000)]
    assert keep(ready, *others) == (0, 0, 10_000)
    assert time.perf_counter() - began < 20, "a bound that a loop of single statements breaks"


def test_labelled_requests_are_counted_by_the_hour_and_told_by_variant(ready: Store) -> None:
    keep(ready, label("a"), label("b"), minutes=100)
    keep(ready, label("c"), label("d"), minutes=200)
    for request_id, minutes in (("a", 10), ("b", 70), ("c", 80), ("d", 130)):
        join(ready, request_id, minutes, now=300)
    keep(ready, label("d", value=False, minutes=5), minutes=400)
    hours = ready.labelled_hours("flights", "production", at(150))
    assert hours == [LabelledHour(at(60), 1, 0), LabelledHour(at(120), 1, 1)]
    assert ready.labelled_hours("flights", "staging", at(0)) == []

    count = CountLabelled(model="flights", environment="production", since_epoch=2, since=at(60))

    def counted(minutes: float, *sums: tuple[str, int, int]) -> None:
        found = [
            Labelled(variant=variant, version=1, requests=requests, wrong=wrong)
            for variant, requests, wrong in sums
        ]
        ready.record_labelled(count, at(minutes), found)

    counted(60, ("control", 10, 1))
    counted(120, ("control", 7, 2), ("challenger", 4, 4))
    counted(60 + 8 * 60, ("control", 5, 5))
    counted(60, ("control", 20, 2))
    asked = ReadServing(model="flights", environment="production", since_epoch=2)
    told = [(x.variant, x.requests, x.wrong) for x in ready.read_serving(asked).labelled]
    # hours of one part of the day are one sum
    assert sorted(told) == [("challenger", 4, 4), ("control", 7, 2), ("control", 25, 7)]
    for other in (None, 3):  # of another rollout, and where nobody asks for counts
        asked = asked.model_copy(update={"since_epoch": other})
        assert ready.read_serving(asked).labelled == ()
