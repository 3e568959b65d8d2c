"""What the records say of champions that are watched: windows, labels, wishes and alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import and_, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from api.db.alert_tables import AlertRow
from api.db.monitoring_tables import LabelRow, TriggerRow, WindowRow

_FAILING = ("fail", "error")


def windows(session: Session, now: datetime) -> Iterator[Metric]:
    """The newest window of each watched environment."""
    where = ("model", "environment")
    failing = GaugeMetricFamily(
        "perennial_window_failing",
        "1 where the newest window fails or cannot be judged, by what is judged.",
        labels=(*where, "of"),
    )
    excess = GaugeMetricFamily(
        "perennial_window_excess_ratio",
        "How many times its alert limit the worst measure of the newest window is.",
        labels=(*where, "of"),
    )
    rows = GaugeMetricFamily("perennial_window_rows", "Rows of the newest window.", labels=where)
    ended = GaugeMetricFamily(
        "perennial_window_end_timestamp_seconds", "When the newest window ended.", labels=where
    )
    for window in session.exec(_newest()):
        place = (window.model, window.environment)
        rows.add_metric(place, window.rows)
        ended.add_metric(place, window.end.timestamp())
        failing.add_metric((*place, "drift"), int(window.verdict in _FAILING))
        excess.add_metric((*place, "drift"), window.judged["drift"]["excess"])
        if window.quality is not None:
            failing.add_metric((*place, "quality"), int(window.quality_verdict in _FAILING))
            excess.add_metric((*place, "quality"), window.quality["excess"])
    yield from (failing, excess, rows, ended)


def labels(session: Session, now: datetime) -> Iterator[Metric]:
    """Labels by whether they have found their request."""
    family = GaugeMetricFamily(
        "perennial_labels", "Labels by what became of them.", labels=("model", "status")
    )
    by = (col(LabelRow.model), col(LabelRow.status))
    for *place, count in session.execute(select(*by, func.count()).group_by(*by)):
        family.add_metric(place, count)
    yield family


def triggers(session: Session, now: datetime) -> Iterator[Metric]:
    """What asked for models to be trained again, and what became of it."""
    family = CounterMetricFamily(
        "perennial_triggers",
        "Wishes to train a model again, by what asked and what became of it.",
        labels=("model", "cause", "decision"),
    )
    by = (col(TriggerRow.model), col(TriggerRow.cause), col(TriggerRow.decision))
    for *place, count in session.execute(select(*by, func.count()).group_by(*by)):
        family.add_metric(place, count)
    yield family


def alerts(session: Session, now: datetime) -> Iterator[Metric]:
    """Alerts that nobody has taken care of."""
    family = GaugeMetricFamily(
        "perennial_alerts_open", "Alerts that are open.", labels=("model", "severity")
    )
    by = (col(AlertRow.model), col(AlertRow.severity))
    query = select(*by, func.count()).where(AlertRow.status == "open").group_by(*by)
    for *place, count in session.execute(query):
        family.add_metric(place, count)
    yield family


def _newest() -> SelectOfScalar[WindowRow]:
    newest = (
        select(WindowRow.model, WindowRow.environment, func.max(WindowRow.start).label("start"))
        .group_by(col(WindowRow.model), col(WindowRow.environment))
        .subquery()
    )
    return select(WindowRow).join(
        newest,
        and_(
            col(WindowRow.model) == newest.c.model,
            col(WindowRow.environment) == newest.c.environment,
            col(WindowRow.start) == newest.c.start,
        ),
    )
