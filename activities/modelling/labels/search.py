"""From labels to the requests that they are of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from activities.modelling.requests.answers_log import HOUR, PLACE, AnswersLog
from perennial.contracts.labels import FoundRequest, WaitingLabel

_SKEW = timedelta(minutes=10)
"""By so much a caller's clock may differ from that of the data plane."""
_DAY = timedelta(days=1)
"""So long before `asked_at` an entity's request may be."""


def find_requests(
    log: AnswersLog, labels: Sequence[WaitingLabel], since: datetime, broken: list[str]
) -> list[FoundRequest]:
    """Look for the requests of labels in the log.

    Where a label says when its request was made, that hour is read first. What is not found so is
    looked for in every hour, the newest first, until all are found. Of several requests with one id
    (a caller sent it twice) it is the newest.

    Args:
        log: of the model.
        labels: whose requests are wanted.
        since: hours before this one are not looked into.
        broken: is told of files that are none. The others are looked into: one file must not keep
            all labels from their requests.

    Returns:
        A request for each label that has one.

    Raises:
        OSError: the log cannot be reached.
    """
    hours = log.hours(since)
    by_id = [label for label in labels if label.entity is None]
    found = _by_hour(log, hours, by_id, broken)
    left = {(label.key, label.row) for label in by_id} - set(found)
    for hour in hours:
        if not left:
            break
        here = _ids_in(log, hour, left, broken)
        found |= here
        left -= set(here)
    entities = [label for label in labels if label.entity is not None]
    found |= _by_entity(log, hours, entities, broken)
    return list(found.values())


Found = dict[tuple[str, int], FoundRequest]


def _by_hour(
    log: AnswersLog,
    hours: Sequence[datetime],
    labels: Iterable[WaitingLabel],
    broken: list[str],
) -> Found:
    wanted: dict[datetime, set[tuple[str, int]]] = defaultdict(set)
    for label in labels:
        if label.asked_at is not None:
            for at in {_hour(label.asked_at - _SKEW), _hour(label.asked_at + _SKEW)}:
                wanted[at].add((label.key, label.row))
    found: Found = {}
    for hour in hours:
        if left := wanted[hour] - set(found):
            found |= _ids_in(log, hour, left, broken)
    return found


def _ids_in(
    log: AnswersLog, hour: datetime, wanted: set[tuple[str, int]], broken: list[str]
) -> Found:
    ids = pa.array({key for key, _ in wanted}, pa.string())
    found: Found = {}
    for table in log.tables(hour, PLACE, broken=broken):
        some = table.filter(pc.is_in(table["request_id"], ids))
        for each in some.select(PLACE).to_pylist():
            key, at = (each["request_id"], each["row"]), each["at"]
            if key in wanted and (key not in found or found[key].at < at):
                found[key] = FoundRequest(*key, request_id=key[0], at=at)
    return found


def _by_entity(
    log: AnswersLog,
    hours: Sequence[datetime],
    labels: Sequence[WaitingLabel],
    broken: list[str],
) -> Found:
    """The newest request of an entity at a time, or within the day before."""
    of_entity: dict[str, list[WaitingLabel]] = defaultdict(list)
    for label in labels:
        if label.entity is not None:
            of_entity[label.entity].append(label)
    found: Found = {}
    for hour in hours:
        open_ = {
            entity
            for entity, its in of_entity.items()
            if any((each.key, each.row) not in found and _may_be_in(each, hour) for each in its)
        }
        if not open_:
            continue
        entities, before = pa.array(open_, pa.string()), dict(found)
        for table in log.tables(hour, [*PLACE, "entity"], broken=broken):
            some = table.filter(pc.is_in(table["entity"], entities))
            for each in some.select([*PLACE, "entity"]).to_pylist():
                for label in of_entity[each["entity"]]:
                    key = label.key, label.row
                    if each["row"] != label.row or key in before or not _is_of(label, each["at"]):
                        continue
                    if key not in found or found[key].at < each["at"]:
                        found[key] = FoundRequest(*key, each["request_id"], each["at"])
    return found


def _may_be_in(label: WaitingLabel, hour: datetime) -> bool:
    assert label.asked_at is not None
    return label.asked_at - _DAY < hour + HOUR and hour <= label.asked_at


def _is_of(label: WaitingLabel, at: datetime) -> bool:
    assert label.asked_at is not None
    return label.asked_at - _DAY <= at <= label.asked_at


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
