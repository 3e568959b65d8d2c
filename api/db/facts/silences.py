"""Silences: alerts that people do not want to be sent for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from sqlmodel import Session, col, or_, select

from api.db import journal
from api.db.alert_tables import AlertRow, SilenceRow
from api.db.facts.specs import get_model
from perennial.contracts.alerts import EndSilence, SetSilence, silence_id
from perennial.contracts.errors import BadInput, KeyReused, NotFound, Refused


def get_silence(session: Session, id_: str) -> SilenceRow:
    """The row of a silence. Raises NotFound."""
    row = session.get(SilenceRow, id_)
    if row is None:
        raise NotFound(f"there is no silence {id_!r}; `perennial alerts silences` lists them")
    return row


def set_silence(session: Session, input: SetSilence) -> str:
    """Keep a silence; returns its id. Raises NotFound, BadInput, KeyReused."""
    id_ = silence_id(input.effect)
    asked = input.model_dump(mode="json", include={"model", "pattern", "reason"})
    if body := journal.find(session, input.effect, "silence.set"):
        if {name: body[name] for name in asked} != asked:
            raise KeyReused("this key set another silence already; use another one")
        return id_
    if input.model is not None:
        get_model(session, input.model)
    if input.until <= input.at:
        raise BadInput("a silence ends after it begins")
    session.add(
        SilenceRow(
            silence_id=id_,
            model=input.model,
            pattern=input.pattern,
            actor=input.actor,
            reason=input.reason,
            since=input.at,
            until=input.until,
        )
    )
    session.flush()
    journal.append(
        session,
        at=input.at,
        actor=input.actor,
        kind="silence.set",
        model=input.model or "",
        subject=id_,
        body={**asked, "until": input.until.isoformat()},
        effect=input.effect,
    )
    return id_


def end_silence(session: Session, input: EndSilence) -> None:
    """End a silence before its time. Raises NotFound, Refused, KeyReused."""
    if body := journal.find(session, input.effect, "silence.ended"):
        if body["silence_id"] != input.silence_id:
            raise KeyReused("this key ended another silence already; use another one")
        return
    row = get_silence(session, input.silence_id)
    if row.until <= input.at:
        how = f"{row.ended_by} ended it" if row.ended_by else "it ended"
        raise Refused(f"silence {row.silence_id} is over: {how} {row.until:%Y-%m-%d %H:%M} UTC")
    row.until, row.ended_by = max(input.at, row.since), input.actor
    session.add(row)
    journal.append(
        session,
        at=input.at,
        actor=input.actor,
        kind="silence.ended",
        model=row.model or "",
        subject=row.silence_id,
        body={"silence_id": row.silence_id},
        effect=input.effect,
    )


def silences_of(session: Session, model: str, now: datetime) -> Sequence[SilenceRow]:
    """Those that hold for a model now."""
    return session.exec(
        select(SilenceRow).where(
            or_(col(SilenceRow.model).is_(None), col(SilenceRow.model) == model),
            col(SilenceRow.since) <= now,
            col(SilenceRow.until) > now,
        )
    ).all()


def is_silent(alert: AlertRow, silences: Sequence[SilenceRow]) -> bool:
    """Whether one of these silences is about this alert."""
    named = f"{alert.kind}/{alert.key}"
    return any(fnmatchcase(named, silence.pattern) for silence in silences)
