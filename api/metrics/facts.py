"""What the records say of models at this moment. Each function of `FACTS` is one question to them.

Whoever adds a figure adds a function, and its name to `FACTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import func
from sqlmodel import Session, col, select

from api.db.facts.platform import read_platform
from api.db.tables import ApprovalRow, ChampionRow, DeploymentRow, ModelRow, ModelStatus, RunRow
from api.metrics import watched
from perennial.contracts.deployments import Share
from perennial.contracts.records import Outcome, RunKind, RunStatus
from perennial.contracts.serving import WHOLE

Fact = Callable[[Session, datetime], Iterable[Metric]]

_COMPARED = ("reproduced", "differs")
_TRAINED = tuple(each for each in get_args(Outcome) if each not in _COMPARED)
_ENDS: dict[RunKind, tuple[str, ...]] = {
    "lifecycle": _TRAINED,
    "promotion": _TRAINED,
    "reproduction": (*_COMPARED, "failed", "cancelled"),
}
"""How a run of each kind may end."""


def models(session: Session, now: datetime) -> Iterator[Metric]:
    """How many there are, and whether any of them may move."""
    of_status = dict.fromkeys(get_args(ModelStatus), 0)
    of_status |= dict(
        session.execute(select(ModelRow.status, func.count()).group_by(ModelRow.status)).all()
    )
    family = GaugeMetricFamily("perennial_models", "Models by their status.", labels=("status",))
    for status, count in of_status.items():
        family.add_metric((status,), count)
    yield family
    yield GaugeMetricFamily(
        "perennial_platform_paused",
        "1 while nothing starts and nothing is promoted, in any model.",
        value=int(read_platform(session).paused),
    )


def champions(session: Session, now: datetime) -> Iterator[Metric]:
    """Which version each environment has, and how often that changed."""
    where = ("model", "environment")
    version = GaugeMetricFamily(
        "perennial_champion_version", "The version that is champion.", labels=where
    )
    epoch = GaugeMetricFamily(
        "perennial_champion_epoch", "Grows by one with each move of the champion.", labels=where
    )
    for row in session.exec(select(ChampionRow)):
        place = (row.model, row.environment)
        epoch.add_metric(place, row.epoch)
        if row.version is not None:
            version.add_metric(place, row.version)
    yield version
    yield epoch


def deployments(session: Session, now: datetime) -> Iterator[Metric]:
    """Which part of a model's requests each variant is to answer."""
    weight = GaugeMetricFamily(
        "perennial_deployment_weight_ratio",
        "The part of the requests that a variant is to answer, from 0 to 1.",
        labels=("model", "environment", "variant", "version"),
    )
    slow = GaugeMetricFamily(
        "perennial_deployment_slow_limit_seconds",
        "Requests that take longer count as slow.",
        labels=("model", "environment"),
    )
    for row in session.exec(select(DeploymentRow)):
        for share in map(Share.model_validate, row.shares):
            weight.add_metric(
                (row.model, row.environment, share.name, str(share.version)), share.weight / WHOLE
            )
        if row.shares:
            slow.add_metric((row.model, row.environment), row.slow_seconds)
    yield weight
    yield slow


def approvals(session: Session, now: datetime) -> Iterator[Metric]:
    """Questions that wait for people."""
    where = ("model", "environment")
    waiting = GaugeMetricFamily(
        "perennial_approvals_open", "Questions that wait for people.", labels=where
    )
    expires = GaugeMetricFamily(
        "perennial_approval_expiry_timestamp_seconds",
        "When the first of the open questions expires.",
        labels=where,
    )
    model, environment = col(ApprovalRow.model), col(ApprovalRow.environment)
    rows = session.execute(
        select(model, environment, func.count(), func.min(ApprovalRow.expires_at))
        .where(ApprovalRow.status == "open")
        .group_by(model, environment)
    )
    for name, place, count, first in rows:
        waiting.add_metric((name, place), count)
        expires.add_metric((name, place), first.timestamp())
    yield waiting
    yield expires


def runs(session: Session, now: datetime) -> Iterator[Metric]:
    """What runs do, and how they ended.

    Each model that may still run has a count of every end from its beginning: of a series that
    first appears with a 1, Prometheus does not see that it grew.
    """
    under_way = GaugeMetricFamily(
        "perennial_runs", "Runs that have not ended, by their status.", labels=("model", "status")
    )
    ended = CounterMetricFamily(
        "perennial_runs_finished", "Runs that have ended.", labels=("model", "kind", "outcome")
    )
    open_runs: dict[tuple[str, str], int] = {}
    model, status = col(RunRow.model), col(RunRow.status)
    kind, outcome = col(RunRow.kind), col(RunRow.outcome)
    may_run = session.exec(select(ModelRow.name).where(ModelRow.status != "retired"))
    ends = {(name, of, end): 0 for name in may_run for of, each in _ENDS.items() for end in each}
    for name, state, what, end, count in session.execute(
        select(model, status, kind, outcome, func.count()).group_by(model, status, kind, outcome)  # type: ignore[call-overload]
    ):
        for each in get_args(RunStatus):
            if each != "finished":
                open_runs.setdefault((name, each), 0)
        if end is None:
            open_runs[name, state] += count
        else:
            ends[name, what, end] = ends.get((name, what, end), 0) + count
    for place, count in open_runs.items():
        under_way.add_metric(place, count)
    for which, count in ends.items():
        ended.add_metric(which, count)
    yield under_way
    yield ended


FACTS: tuple[Fact, ...] = (
    models,
    champions,
    deployments,
    approvals,
    runs,
    watched.windows,
    watched.labels,
    watched.triggers,
    watched.alerts,
    watched.deliveries,
)
