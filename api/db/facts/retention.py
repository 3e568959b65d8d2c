"""What was kept for long enough: which it is, and that it is gone.

Nothing goes that somebody may still ask for: profiles of a champion that is under guard, labels of
windows that may be measured again, what a rollout under way has counted, deliveries of alerts that
live.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Table, and_, delete, func, not_, tuple_
from sqlmodel import Session, col, select

from api.db import journal
from api.db.alert_tables import AlertRow, DeliveryRow
from api.db.facts.monitored import champions_with_specs, newest_with_requests
from api.db.monitoring_tables import LabelledRow, LabelRow, WindowRow
from api.db.tables import ChampionRow, DeploymentRow, ModelRow
from perennial.contracts.base import BlobRef
from perennial.contracts.records import Done
from perennial.contracts.request_log import RequestLog
from perennial.contracts.retention import LoggedModel, Measurable, OldWindow, RecordSweep
from perennial.contracts.spec import Environment, ModelSpec, duration

_LABELS: Table = LabelRow.__table__  # type: ignore[attr-defined]
_LABELLED: Table = LabelledRow.__table__  # type: ignore[attr-defined]
_REFS = ("profile", "details")


def profiles_before(session: Session, before: datetime, now: datetime) -> datetime:
    """Before when windows must have been judged for their blobs to go.

    Earlier than asked where a champion is under guard for longer than profiles are kept: then all
    stay that were judged since the oldest such one became champion. And where windows are compared
    with earlier ones: then all stay that were judged since the oldest of these.
    """
    needed = [before]
    for champion, spec in _champions(session):
        if now < champion.since + _guard(spec, champion.environment):
            needed.append(champion.since)
        plan = spec.monitoring_in(champion.environment)
        if plan is not None and plan.reference == "rolling" and champion.version is not None:
            whose = champion.model, champion.environment, champion.version
            rolling = newest_with_requests(session, *whose, plan.reference_windows)
            needed += [row.judged_at for row in rolling]
    return min(needed)


def old_windows(session: Session, before: datetime, most: int) -> tuple[OldWindow, ...]:
    """Windows that were judged before then, and have their blobs; the oldest first."""
    rows = session.exec(
        select(WindowRow)
        .where(col(WindowRow.swept_at).is_(None), col(WindowRow.judged_at) < before)
        .order_by(col(WindowRow.judged_at))
        .limit(most)
    )
    return tuple(
        OldWindow(
            row.model,
            row.environment,  # type: ignore[arg-type]
            row.version,
            row.start,
            tuple(BlobRef.model_validate(ref) for name in _REFS if (ref := row.judged.get(name))),
        )
        for row in rows
    )


def mark_swept(session: Session, windows: Sequence[OldWindow], at: datetime) -> None:
    """Keep that their blobs are gone. What they were stays in the row, by its digest. Their errors
    go with them: too old to be beside a window of today."""
    for each in windows:
        key = each.model, each.environment, each.start, each.version
        row = session.get_one(WindowRow, key)
        row.swept_at, row.errors = at, None
        session.add(row)


def read_measurable(session: Session, now: datetime) -> tuple[Measurable, ...]:
    """Every model, with the labels that its windows may still be measured by.

    A window is measured again from all of its labels: so they stay for as long as new ones may come
    (`monitoring.quality.within`), and while its champion is under guard.
    """
    found: dict[str, dict[Environment, datetime | None]] = {
        name: {} for name in session.exec(select(ModelRow.name).order_by(ModelRow.name))
    }
    for champion, spec in _champions(session):
        plan = spec.monitoring_in(champion.environment)
        if plan is None or plan.quality is None:
            continue
        since = _judged_until(session, champion)
        if since is not None:
            since -= duration(plan.quality.within) + duration(plan.window)
            if now < champion.since + _guard(spec, champion.environment):
                since = min(since, champion.since)
        found[champion.model][champion.environment] = since  # type: ignore[index]
    return tuple(Measurable(model, since) for model, since in found.items())


def remove_labels(session: Session, of: Measurable, before: datetime, most: int) -> int:
    """Remove labels of a model that came before then, but for those that may be measured by.

    Returns:
        How many were removed.
    """
    if None in of.since.values():  # a monitor that has not begun
        return 0
    row = _LABELS.c
    keys = (row.model, row.request_id, row.row)
    still = [
        and_(row.status == "joined", row.environment == environment, row.request_at >= since)
        for environment, since in of.since.items()
    ]
    chosen = (
        select(*keys)
        .where(row.model == of.model, row.received_at < before, *(not_(each) for each in still))
        .limit(most)
    )
    return session.connection().execute(delete(_LABELS).where(tuple_(*keys).in_(chosen))).rowcount


def remove_labelled(session: Session, before: datetime, now: datetime, most: int) -> int:
    """Remove what rollouts have counted by labels of requests from before then.

    A guard counts on by what its rollout has counted: until it is over, nothing of that goes, nor
    of a rollout that is under way.

    Returns:
        How many rows were removed.
    """
    row = _LABELLED.c
    old, place, keys = (
        row.hour < before,
        tuple_(row.model, row.environment),
        [*_LABELLED.primary_key],
    )
    asked = select(row.model, row.environment).where(old).distinct()
    found = {(model, where) for model, where in session.execute(asked)}
    divided = select(DeploymentRow.model, DeploymentRow.environment).where(
        col(DeploymentRow.run_id).is_not(None)
    )
    watched = {
        (champion.model, champion.environment)
        for champion, row in (session.exec(champions_with_specs()) if found else ())
        if now < champion.since + _guard(ModelSpec.model_validate(row.spec), champion.environment)
    }
    free = found - watched - {(model, where) for model, where in session.execute(divided)}
    if not free:
        return 0
    chosen = select(*keys).where(old, place.in_(sorted(free))).limit(most)
    return session.connection().execute(delete(_LABELLED).where(tuple_(*keys).in_(chosen))).rowcount


def remove_deliveries(session: Session, before: datetime, most: int) -> int:
    """Remove deliveries of closed alerts that ended before then; how many those were."""
    ended = func.coalesce(col(DeliveryRow.sent_at), col(DeliveryRow.created_at))
    chosen = (
        select(DeliveryRow.delivery_id)
        .join(AlertRow, col(AlertRow.alert_id) == col(DeliveryRow.alert_id))
        .where(
            col(DeliveryRow.status) != "pending",
            ended < before,
            col(AlertRow.closed_at) < before,
        )
        .limit(most)
    )
    statement = delete(DeliveryRow).where(col(DeliveryRow.delivery_id).in_(chosen))
    return session.connection().execute(statement).rowcount


def read_logged(session: Session) -> tuple[LoggedModel, ...]:
    """Every model, with how long its requests are kept; where its spec keeps none any more, what
    is left of them goes after the usual time."""
    rows = session.exec(select(ModelRow.name, ModelRow.request_log).order_by(ModelRow.name))
    return tuple(LoggedModel(name, RequestLog.model_validate(log or {})) for name, log in rows)


def record_sweep(session: Session, input: RecordSweep) -> Done:
    """Keep in the ledger what a sweep has removed."""
    done = Done(effect=input.effect)
    if journal.find(session, input.effect, "retention.swept") is None:
        journal.append(
            session,
            at=input.at,
            actor=journal.PLATFORM,
            kind="retention.swept",
            model="",
            subject="retention",
            body={
                "removed": input.swept.model_dump(mode="json"),
                "keep": input.keep.model_dump(mode="json"),
            },
            effect=input.effect,
        )
    return done


def _champions(session: Session) -> Iterator[tuple[ChampionRow, ModelSpec]]:
    """Champions that are watched, with the spec that counts."""
    rows = session.exec(champions_with_specs()).all()
    for champion, row in rows:
        spec = ModelSpec.model_validate(row.spec)
        if spec.monitoring_in(champion.environment) is not None:
            yield champion, spec


def _guard(spec: ModelSpec, environment: str) -> timedelta:
    rollout = spec.rollout_in(environment)
    return duration(rollout.guard) if rollout is not None else timedelta(0)


def _judged_until(session: Session, champion: ChampionRow) -> datetime | None:
    return session.exec(
        select(func.max(WindowRow.end)).where(
            WindowRow.model == champion.model, WindowRow.environment == champion.environment
        )
    ).one()
