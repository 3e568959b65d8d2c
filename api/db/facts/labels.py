"""Labels: data that come by the thousand, so none of them has a row of the ledger.

A label is due while there is something to do about it: its request is to be found, or the window
that holds it is to be measured. What is due stays so until it is done, whoever dies meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlmodel import Session, col

from api.db.facts.specs import get_model
from api.db.monitoring_tables import LabelRow, WindowRow
from api.db.tables import ModelRow
from perennial.canonical import canonical
from perennial.contracts.labels import (
    FoundRequest,
    JoinedLabel,
    Label,
    LabelCounts,
    LabelsKept,
    LookedFor,
    WaitingLabel,
)
from perennial.windows import start_of

_LABELS: Table = LabelRow.__table__  # type: ignore[attr-defined]
_AT_ONCE = 5000
"""Request ids in one question: SQLite takes 32,766 parameters."""

Key = tuple[str, int]
Row = dict[str, Any]


def keep_labels(
    session: Session, model: str, labels: Sequence[Label], received_at: datetime
) -> LabelsKept:
    """Keep labels; of several values of one row that counts which became known last.

    Of two that became known at one moment it is the one that came last. One that is sent again
    after it was given up is looked for again.

    Raises:
        NotFound: there is no such model.
    """
    _alone(session, model)
    known = _known(session, model, labels)
    added: dict[Key, Row] = {}
    touched: dict[Key, Row] = {}
    counts = {"new": 0, "repeated": 0, "changed": 0}
    for label in labels:
        key = label.key, label.row
        if (row := known.get(key)) is None:
            known[key] = added[key] = _new(model, label, received_at)
            counts["new"] += 1
            continue
        counts[_again(row, label, received_at)] += 1
        if key not in added:
            touched[key] = row
    if added:
        session.execute(insert(_LABELS), list(added.values()))
    changed = ("value", "at", "received_at", "status", "due_at", "changes")
    _update(
        session, model, touched, [{name: r[name] for name in changed} for r in touched.values()]
    )
    return LabelsKept(**counts)


def waiting_labels(
    session: Session, model: str, environment: str, now: datetime, most: int
) -> list[WaitingLabel]:
    """Labels whose request is to be looked for in an environment, those due longest first."""
    row = _LABELS.c
    found = session.execute(
        select(row.request_id, row.row, row.entity, row.asked_at, row.received_at)
        .where(row.model == model, _to_look_for(environment, now))
        .order_by(row.due_at, row.request_id, row.row)
        .limit(most)
    )
    return [WaitingLabel(*each) for each in found]


def mark_labels(
    session: Session,
    model: str,
    environment: str,
    found: Sequence[FoundRequest],
    looked_for: Sequence[LookedFor],
    now: datetime,
) -> None:
    """Keep which requests were found, and when the others are looked for again."""
    _alone(session, model)
    waits = _LABELS.c.status == "waiting"
    joined = [
        {"found_id": f.request_id, "request_at": f.at, "due_at": now, "status": "joined"}
        for f in found
    ]
    others = [
        {"due_at": each.again, "status": "waiting" if each.again else "given_up"}
        for each in looked_for
    ]
    for keys, rows in (
        ([(f.key, f.row) for f in found], joined),
        ([(each.key, each.row) for each in looked_for], others),
    ):
        _update(session, model, keys, [row | {"environment": environment} for row in rows], waits)


def windows_to_measure(
    session: Session, model: str, environment: str, length: timedelta, until: datetime
) -> list[datetime]:
    """Starts of windows that end by then and have labels which they were not measured with."""
    row = _LABELS.c
    newest = start_of(until, length)
    fresh = select(func.min(row.request_at)).where(
        row.model == model,
        row.environment == environment,
        row.status == "joined",
        row.due_at.is_not(None),
        row.request_at < newest,
    )
    starts: list[datetime] = []
    at = session.scalar(fresh)
    while at is not None:
        starts.append(start_of(at, length))
        at = session.scalar(fresh.where(row.request_at >= starts[-1] + length))
    return starts


def labels_of(
    session: Session, model: str, environment: str, start: datetime, end: datetime
) -> list[JoinedLabel]:
    """The labels of a window's requests."""
    row = _LABELS.c
    found = session.execute(
        select(
            row.request_id,
            row.row,
            row.found_id,
            row.request_at,
            row.value,
            row.at,
            row.changes,
            row.due_at.is_(None),
        )
        .where(
            row.model == model,
            row.environment == environment,
            row.status == "joined",
            row.request_at >= start,
            row.request_at < end,
        )
        .order_by(row.request_at, row.request_id, row.row)
    )
    return [
        JoinedLabel(key, place, id_, at, json.loads(value), known, changes, bool(measured))
        for key, place, id_, at, value, known, changes, measured in found
    ]


def mark_measured(session: Session, model: str, labels: Sequence[JoinedLabel]) -> None:
    """Keep that windows were measured with these values; one that has changed since stays due."""
    _alone(session, model)
    keys = [(each.key, each.row) for each in labels]
    seen: list[Row] = [{"b_changes": each.changes, "due_at": None} for each in labels]
    _update(session, model, keys, seen, _LABELS.c.changes == bindparam("b_changes"))


def count_labels(session: Session, model: str) -> LabelCounts:
    """What became of the model's labels. Raises NotFound."""
    get_model(session, model)
    row = _LABELS.c
    found = session.execute(
        select(
            row.status,
            func.count(),
            func.sum(case((row.changes > 0, 1), else_=0)),
            func.max(row.received_at),
        )
        .where(row.model == model)
        .group_by(row.status)
    ).all()
    by_status = {status: number for status, number, _, _ in found}
    return LabelCounts(
        **by_status,
        changed=sum(changed for _, _, changed, _ in found),
        newest=max((newest for *_, newest in found), default=None),
    )


def count_due(session: Session, model: str, environment: str, now: datetime) -> int:
    """Labels that a monitor has something to do about: requests to find, windows to measure."""
    row = _LABELS.c
    recorded = exists().where(
        col(WindowRow.model) == row.model,
        col(WindowRow.environment) == environment,
        col(WindowRow.start) <= row.request_at,
        col(WindowRow.end) > row.request_at,
    )
    to_measure = and_(
        row.status == "joined",
        row.due_at.is_not(None),
        row.environment == environment,
        recorded,
    )
    counted = session.scalar(
        select(func.count())
        .select_from(_LABELS)
        .where(row.model == model, or_(_to_look_for(environment, now), to_measure))
    )
    return counted or 0


def _to_look_for(environment: str, now: datetime) -> ColumnElement[bool]:
    row = _LABELS.c
    # what another environment's log does not hold may be in this one's
    return and_(row.status == "waiting", or_(row.due_at <= now, row.environment != environment))


def _alone(session: Session, model: str) -> None:
    """One writer of a model's labels at a time: what is known decides what is counted.

    Two that change the same rows in another order would also wait for each other for ever.
    """
    get_model(session, model)
    mine = col(ModelRow.name) == model
    session.execute(select(col(ModelRow.name)).where(mine).with_for_update(key_share=True))


def _known(session: Session, model: str, labels: Sequence[Label]) -> dict[Key, Row]:
    wanted = {(label.key, label.row) for label in labels}
    ids = sorted({key for key, _ in wanted})
    known: dict[Key, Row] = {}
    for first in range(0, len(ids), _AT_ONCE):
        some = ids[first : first + _AT_ONCE]
        rows = session.execute(
            _LABELS.select().where(_LABELS.c.model == model, _LABELS.c.request_id.in_(some))
        )
        for row in rows.mappings():
            if (key := (row["request_id"], row["row"])) in wanted:
                known[key] = dict(row)
    return known


def _new(model: str, label: Label, at: datetime) -> Row:
    return {
        "model": model,
        "request_id": label.key,
        "row": label.row,
        "entity": label.entity,
        "value": _written(label),
        "at": label.at,
        "asked_at": label.asked_at,
        "received_at": at,
        "status": "waiting",
        "due_at": at,
        "changes": 0,
    }


def _again(row: Row, label: Label, at: datetime) -> str:
    """Put what a label says into the row of one that is known. Returns what it counts as."""
    older = label.at < row["at"]
    row["at"] = max(row["at"], label.at)
    if row["status"] == "given_up":
        row |= {"status": "waiting", "received_at": at, "due_at": at}
    if older or (value := _written(label)) == row["value"]:
        return "repeated"
    row |= {"value": value, "received_at": at, "changes": row["changes"] + 1}
    if row["status"] == "joined":
        row["due_at"] = at
    return "changed"


def _written(label: Label) -> str:
    return canonical(label.value).decode()


def _update(
    session: Session,
    model: str,
    keys: Sequence[Key] | dict[Key, Row],
    rows: Sequence[Row],
    only: ColumnElement[bool] | None = None,
) -> None:
    """Change rows by their keys: one statement, prepared once."""
    if not rows:
        return
    row = _LABELS.c
    statement = update(_LABELS).where(
        row.model == bindparam("b_model"),
        row.request_id == bindparam("b_request_id"),
        row.row == bindparam("b_row"),
    )
    if only is not None:
        statement = statement.where(only)
    columns: Row = {name: bindparam(name) for name in rows[0] if not name.startswith("b_")}
    session.connection().execute(
        statement.values(columns),
        [
            {**values, "b_model": model, "b_request_id": key, "b_row": place}
            for (key, place), values in zip(keys, rows, strict=True)
        ],
    )
