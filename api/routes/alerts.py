"""Alerts: read them, take care of one, have some not sent for a while."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import Engineer, Insider, Someone
from api.bodies import json_only
from api.context import Context, Ctx
from api.documented import LISTS, READS, WRITES
from api.queries import alerts as queries
from api.requests import Key
from api.schemas.alerts import (
    AcknowledgeRequest,
    AlertDetail,
    AlertSummary,
    EndRequest,
    Silence,
    SilenceRequest,
)
from api.schemas.base import (
    AlertId,
    Cursor,
    EnvironmentFilter,
    Limit,
    ModelFilter,
    Page,
    SilenceId,
)
from perennial.contracts import ids
from perennial.contracts.alert_plan import Severity
from perennial.contracts.alerts import Acknowledge, AlertStatus, EndSilence, SetSilence
from perennial.contracts.spec import duration

router = APIRouter(prefix="/v1", tags=["alerts"])


@router.get("/alerts", operation_id="list_alerts", responses=LISTS)
def list_all(
    context: Ctx,
    principal: Someone,
    status: AlertStatus | None = None,
    model: ModelFilter = None,
    environment: EnvironmentFilter = None,
    severity: Severity | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AlertSummary]:
    """What people are to know of, newest first."""
    with context.store.database.reading() as session:
        return queries.list_alerts(
            session,
            cursor,
            limit,
            status=status,
            model=model,
            environment=environment,
            severity=severity,
        )


@router.get("/alerts/{alert_id}", operation_id="read_alert", responses=READS)
def read(context: Ctx, principal: Someone, alert_id: AlertId) -> AlertDetail:
    """An alert with its details, and what became of each message about it."""
    return _alert(context, alert_id)


@router.post(
    "/alerts/{alert_id}/acknowledge",
    operation_id="acknowledge_alert",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
def acknowledge(
    context: Ctx, principal: Insider, key: Key, alert_id: AlertId, body: AcknowledgeRequest
) -> AlertDetail:
    """Take care of an alert: it is not sent again, nor escalated, unless it becomes worse."""
    context.store.acknowledge(
        Acknowledge(
            effect=ids.effect("alert", "acknowledged", key),
            alert_id=alert_id,
            actor=principal.name,
            comment=body.comment,
            at=datetime.now(UTC),
        )
    )
    return _alert(context, alert_id)


@router.get("/silences", operation_id="list_silences", responses=LISTS)
def list_silences(
    context: Ctx,
    principal: Someone,
    over: Annotated[bool, Query(description="Also those that are over.")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Silence]:
    """What is not sent at present, newest first."""
    with context.store.database.reading() as session:
        return queries.list_silences(
            session, cursor, limit, now=None if over else datetime.now(UTC)
        )


@router.post(
    "/silences",
    operation_id="set_silence",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
def silence(context: Ctx, principal: Engineer, key: Key, body: SilenceRequest) -> Silence:
    """Send nothing of certain alerts for a while; they are kept and listed all the same."""
    now = datetime.now(UTC)
    id_ = context.store.set_silence(
        SetSilence(
            effect=ids.effect("silence", "set", key),
            model=body.model,
            pattern=body.pattern,
            until=now + duration(body.duration),
            actor=principal.name,
            reason=body.reason,
            at=now,
        )
    )
    return _silence(context, id_)


@router.post(
    "/silences/{silence_id}/end",
    operation_id="end_silence",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
def end(
    context: Ctx, principal: Engineer, key: Key, silence_id: SilenceId, body: EndRequest
) -> Silence:
    """Send again before the silence's time is over."""
    context.store.end_silence(
        EndSilence(
            effect=ids.effect("silence", "ended", key),
            silence_id=silence_id,
            actor=principal.name,
            at=datetime.now(UTC),
        )
    )
    return _silence(context, silence_id)


def _alert(context: Context, alert_id: str) -> AlertDetail:
    with context.store.database.reading() as session:
        return queries.read_alert(session, alert_id)


def _silence(context: Context, silence_id: str) -> Silence:
    with context.store.database.reading() as session:
        return queries.read_silence(session, silence_id)
