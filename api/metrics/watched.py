"""What the records say of champions that are watched, and of alerts and who was told of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from api.db.alert_tables import AlertRow, DeliveryRow
from api.db.facts.monitored import champions_with_specs
from api.db.facts.triggers import was_promised
from api.db.monitoring_tables import LabelRow, TriggerRow, WindowRow
from api.db.tables import ChampionRow
from perennial.contracts.alerts import DeliveryStatus
from perennial.contracts.base import Json

_FAILING = ("fail", "error")
_MEASURED = col(WindowRow.quality_verdict).not_in(["no_data"])
"""None, which is null, is in no list either."""


def windows(session: Session, now: datetime) -> Iterator[Metric]:
    """The newest window of each champion that is watched; by labels, the newest that has them.

    Labels come later than windows do, and those of another champion say nothing of this one. What
    nobody watches any more is left out: its last window would be failing for ever.
    """
    where = ("model", "environment")
    failing = GaugeMetricFamily(
        "perennial_window_failing",
        "1 where the newest window that was judged by it fails or cannot be.",
        labels=(*where, "of"),
    )
    excess = GaugeMetricFamily(
        "perennial_window_excess_ratio",
        "How many times its alert limit the worst measure of that window is.",
        labels=(*where, "of"),
    )
    rows = GaugeMetricFamily("perennial_window_rows", "Rows of the newest window.", labels=where)
    ended = GaugeMetricFamily(
        "perennial_window_end_timestamp_seconds", "When the newest window ended.", labels=where
    )
    for champion, plan in _watched(session):
        place = (champion.model, champion.environment)
        if window := _newest(session, champion):
            rows.add_metric(place, window.rows)
            ended.add_metric(place, window.end.timestamp())
            failing.add_metric((*place, "drift"), int(window.verdict in _FAILING))
            excess.add_metric((*place, "drift"), window.judged["drift"]["excess"])
        if plan.get("quality") is None:
            continue
        window = _newest(session, champion, WindowRow.version == champion.version, _MEASURED)
        if window is None or window.quality is None:
            continue
        judged = {"quality": window.quality, "concept": window.quality.get("concept")}
        for what, found in judged.items():
            if found is not None and found.get("verdict", "no_data") != "no_data":
                failing.add_metric((*place, what), int(found["verdict"] in _FAILING))
                excess.add_metric((*place, what), found["excess"])
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
    """What asked for models to be trained again, and what became of it.

    One that was promised a run and found no room is counted as both: a counter does not go down.
    """
    family = CounterMetricFamily(
        "perennial_triggers",
        "Wishes to train a model again, by what asked and what became of it.",
        labels=("model", "cause", "decision"),
    )
    by = (col(TriggerRow.model), col(TriggerRow.cause), col(TriggerRow.decision))
    counted: Counter[tuple[str, str, str]] = Counter()
    for model, cause, decision, count in session.execute(select(*by, func.count()).group_by(*by)):
        counted[model, cause, decision] += count
    promised = select(*by[:2], func.count()).where(TriggerRow.rule == "room", was_promised())
    for model, cause, count in session.execute(promised.group_by(*by[:2])):
        counted[model, cause, "allow"] += count
    for place, count in sorted(counted.items()):
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


def deliveries(session: Session, now: datetime) -> Iterator[Metric]:
    """What became of telling channels of alerts."""
    of_status = dict.fromkeys(get_args(DeliveryStatus), 0)
    status = col(DeliveryRow.status)
    of_status |= dict(session.execute(select(status, func.count()).group_by(status)).all())
    family = GaugeMetricFamily(
        "perennial_deliveries",
        "Tellings of alerts to channels by what became of them, until they are old.",
        labels=("status",),
    )
    for each, count in of_status.items():
        family.add_metric((each,), count)
    yield family


def _watched(session: Session) -> Iterator[tuple[ChampionRow, Json]]:
    """Champions that are watched, each with the plan of its model's spec.

    The plan is as it was stored: to read the specs of thousands of models would take a second.
    """
    for champion, spec in session.exec(champions_with_specs()).all():
        plan: Json = spec.spec.get("monitoring") or {}
        if champion.environment in plan.get("environments", ()):
            yield champion, plan


def _newest(
    session: Session, champion: ChampionRow, *of: ColumnElement[bool] | bool
) -> WindowRow | None:
    """The newest window of a champion's environment: the primary key ends with its order."""
    return session.exec(
        select(WindowRow)
        .where(
            WindowRow.model == champion.model, WindowRow.environment == champion.environment, *of
        )
        .order_by(col(WindowRow.start).desc(), col(WindowRow.version).desc())
        .limit(1)
    ).first()
