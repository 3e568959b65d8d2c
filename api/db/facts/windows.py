"""Windows: what was found in each, and what was done about it. Views, but for the action."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from api.db import journal
from api.db.facts.notes import note_of
from api.db.facts.versions import get_version, newest_evidence
from api.db.monitoring_tables import WindowRow
from perennial.analysis.promising import promised_by
from perennial.contracts.concept import WindowErrors, WindowKey
from perennial.contracts.errors import NotFound
from perennial.contracts.monitoring import (
    MeasuredWindow,
    MeasuredWindows,
    ReadMeasured,
    RecordAction,
    RecordQuality,
    RecordWindow,
)
from perennial.contracts.policy import Evidence
from perennial.contracts.records import Done


def record_window(session: Session, input: RecordWindow) -> Done:
    """Keep what a window showed; one that is judged again keeps what it showed first."""
    done = Done(effect=input.effect)
    get_version(session, input.model, input.version)
    if _find(session, input.model, input.environment, input.start, input.version) is not None:
        return done
    drift = input.judged.drift
    session.add(
        WindowRow(
            model=input.model,
            environment=input.environment,
            start=input.start,
            version=input.version,
            end=input.end,
            rows=input.judged.rows,
            verdict=drift.verdict,
            reason=drift.reason,
            judged=input.judged.model_dump(mode="json"),
            judged_at=input.at,
        )
    )
    return done


def read_measured(session: Session, input: ReadMeasured) -> MeasuredWindows:
    """Windows by their starts, with what was promised of their versions."""
    rows = session.exec(
        select(WindowRow)
        .where(
            WindowRow.model == input.model,
            WindowRow.environment == input.environment,
            col(WindowRow.start).in_(input.starts),
        )
        .order_by(col(WindowRow.start), col(WindowRow.version))
    ).all()
    promised = {
        version: promised_by(Evidence.model_validate(found.evidence))
        for version in {row.version for row in rows}
        if (found := newest_evidence(session, input.model, version)) is not None
    }
    return MeasuredWindows(
        windows=tuple(
            MeasuredWindow(
                start=row.start,
                end=row.end,
                version=row.version,
                promised=promised.get(row.version, {}),
            )
            for row in rows
        )
    )


def record_quality(session: Session, input: RecordQuality) -> Done:
    """Keep what labels say of a window; the newest word counts. Raises NotFound."""
    row = _get(session, input.model, input.environment, input.start, input.version)
    if row.quality_at is None or input.at >= row.quality_at:
        row.labelled = input.judged.labelled
        row.quality_verdict = input.judged.verdict
        row.quality = input.judged.model_dump(mode="json")
        row.quality_at = input.at
        session.add(row)
    return Done(effect=input.effect)


def errors_before(
    session: Session, window: WindowKey, since: datetime | None, most: int
) -> list[WindowErrors]:
    """Errors of the version's newest windows before one, oldest first.

    Args:
        session: to read with.
        window: before it.
        since: when the version became champion: what was judged before is of another time that it
            was; None: all.
        most: no more than the newest so many.
    """
    query = select(WindowRow.errors).where(
        WindowRow.model == window.model,
        WindowRow.environment == window.environment,
        WindowRow.version == window.version,
        WindowRow.start < window.start,
        col(WindowRow.errors).is_not(None),
    )
    if since is not None:
        query = query.where(WindowRow.judged_at >= since)
    newest = session.exec(query.order_by(col(WindowRow.start).desc()).limit(most)).all()
    return [WindowErrors.model_validate(kept) for kept in reversed(newest)]


def keep_errors(session: Session, window: WindowKey, kept: WindowErrors) -> None:
    """Keep a window's errors, in the place of what they were; none of one that was not judged."""
    row = _find(session, window.model, window.environment, window.start, window.version)
    if row is not None:
        row.errors = kept.model_dump(mode="json")
        session.add(row)


def record_action(session: Session, input: RecordAction) -> Done:
    """Keep what was done about a window, in the ledger too unless it was nothing.

    Raises:
        NotFound: no such window was judged.
    """
    done = Done(effect=input.effect)
    row = _get(session, input.model, input.environment, input.start, input.version)
    followed = note_of(session, input)
    row.action, row.decision_id, row.followed = input.action, input.decision_id, followed
    session.add(row)
    if input.action == "ignore" or journal.find(session, input.effect, "window.answered"):
        return done
    journal.append(
        session,
        at=input.at,
        actor="policy",
        kind="window.answered",
        model=input.model,
        subject=f"{input.model}/{input.environment}/{input.start.isoformat()}",
        body={
            "environment": input.environment,
            "version": input.version,
            "start": input.start.isoformat(),
            "action": input.action,
            "decision_id": input.decision_id,
            "followed": followed,
        },
        effect=input.effect,
    )
    return done


def _find(
    session: Session, model: str, environment: str, start: datetime, version: int
) -> WindowRow | None:
    return session.get(WindowRow, (model, environment, start, version))


def _get(
    session: Session, model: str, environment: str, start: datetime, version: int
) -> WindowRow:
    row = _find(session, model, environment, start, version)
    if row is None:
        raise NotFound(
            f"no window of version {version} of {model} in {environment} begins at "
            f"{start.isoformat()}; list the model's windows to see which there are"
        )
    return row
