"""What a monitor watches: the champion, its references, and the plan that counts now."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from api.db.facts.specs import get_model
from api.db.facts.versions import as_champion, get_version, newest_evidence
from api.db.monitoring_tables import WindowRow
from api.db.tables import (
    ChampionHistoryRow,
    ChampionRow,
    DecisionRow,
    ModelRow,
    SnapshotRow,
    SpecRow,
    VersionRow,
)
from perennial.analysis.promising import promised_by
from perennial.contracts.base import BlobRef
from perennial.contracts.causes import Upstream
from perennial.contracts.data import DatasetSnapshot, ReferenceProfile
from perennial.contracts.drift import EarlierWindow
from perennial.contracts.monitoring import Monitored, ReadMonitored
from perennial.contracts.monitoring_plan import MonitoringPlan
from perennial.contracts.policy import Evidence
from perennial.contracts.request_log import WRITTEN_SECONDS
from perennial.contracts.spec import ModelSpec, duration


def read_monitored(session: Session, input: ReadMonitored) -> Monitored:
    """All that a monitor needs to know; without a plan there is nothing to watch.

    Raises:
        NotFound: there is no such model.
    """
    model = get_model(session, input.model)
    nothing = Monitored(model=input.model, environment=input.environment)
    champion = session.get(ChampionRow, (input.model, input.environment))
    spec_row = session.get(SpecRow, (input.model, model.spec_version))
    if model.status == "retired" or champion is None or champion.version is None:
        return nothing
    spec = ModelSpec.model_validate(spec_row.spec if spec_row is not None else {})
    plan = spec.monitoring_in(input.environment)
    if plan is None:
        return nothing
    version = get_version(session, input.model, champion.version)
    evidence = newest_evidence(session, input.model, version.version)
    known = Evidence.model_validate(evidence.evidence) if evidence is not None else None
    rollout = spec.rollout_in(input.environment)
    armed = plan.armed or (rollout.guard if rollout is not None else None)
    back_to = _before(session, champion)
    newest = _newest(session, input)
    return Monitored(
        model=input.model,
        environment=input.environment,
        plan=_late_enough(plan),
        retraining=spec.retraining,
        risk_tier=spec.risk_tier,
        task=spec.task,
        project=spec.project,
        primary=spec.metrics.primary,
        goal=spec.metrics.goal,
        version=version.version,
        epoch=champion.epoch,
        since=champion.since,
        run_id=version.run_id,
        back_to=back_to,
        guard_seconds=duration(armed).total_seconds() if armed is not None else 0.0,
        reference=_profile(session, version),
        answers=known.answers if known is not None else None,
        promised=promised_by(known) if known is not None else {},
        judged_until=newest.end if newest is not None else None,
        rolling=_rolling(session, input, version.version, plan),
        now=Upstream(version=version.version, **_made_of(version)),
        before=_upstream(session, newest) if newest is not None else None,
        snapshot=DatasetSnapshot.model_validate(version.snapshot).data,
        onnx=as_champion(version).onnx,
    )


def champions_with_specs() -> Select[ChampionRow, SpecRow]:
    """Every champion of a model that is not retired, with the spec that counts, in their order."""
    return (
        select(ChampionRow, SpecRow)
        .join(ModelRow, col(ModelRow.name) == col(ChampionRow.model))
        .join(
            SpecRow,
            and_(
                col(SpecRow.model) == col(ModelRow.name),
                col(SpecRow.version) == col(ModelRow.spec_version),
            ),
        )
        .where(ModelRow.status != "retired", col(ChampionRow.version).is_not(None))
        .order_by(col(ChampionRow.model), col(ChampionRow.environment))
    )


def read_watched(session: Session) -> tuple[ReadMonitored, ...]:
    """Every environment that has a champion which is to be watched."""
    rows = session.exec(champions_with_specs())
    return tuple(
        ReadMonitored.model_validate({"model": champion.model, "environment": champion.environment})
        for champion, spec in rows
        # as it was stored, since a spec of thousands of models would take a second to read
        if champion.environment in (spec.spec.get("monitoring") or {}).get("environments", ())
    )


def newest_with_requests(
    session: Session, model: str, environment: str, version: int, most: int
) -> Sequence[WindowRow]:
    """A version's newest windows that a rolling reference is made of, oldest first.

    A window in `error` is none of them: what a broken source sends must not become the usual.
    """
    rows = session.exec(
        select(WindowRow)
        .where(
            WindowRow.model == model,
            WindowRow.environment == environment,
            WindowRow.version == version,
            WindowRow.rows > 0,
            WindowRow.verdict != "error",
            col(WindowRow.swept_at).is_(None),
        )
        .order_by(col(WindowRow.start).desc())
        .limit(most)
    ).all()
    return [row for row in reversed(rows) if row.judged.get("profile")]


def _late_enough(plan: MonitoringPlan) -> MonitoringPlan:
    """With time for the last requests of a window to be written to the log."""
    if plan.clock == "events" or duration(plan.lateness).total_seconds() >= WRITTEN_SECONDS:
        return plan
    return plan.model_copy(update={"lateness": f"{WRITTEN_SECONDS:.0f}s"})


def _rolling(
    session: Session, input: ReadMonitored, version: int, plan: MonitoringPlan
) -> tuple[EarlierWindow, ...]:
    if plan.reference != "rolling":
        return ()
    rows = newest_with_requests(
        session, input.model, input.environment, version, plan.reference_windows
    )
    return tuple(
        EarlierWindow(
            start=row.start, end=row.end, profile=BlobRef.model_validate(row.judged["profile"])
        )
        for row in rows
    )


def _newest(session: Session, input: ReadMonitored) -> WindowRow | None:
    return session.exec(
        select(WindowRow)
        .where(WindowRow.model == input.model, WindowRow.environment == input.environment)
        .order_by(col(WindowRow.end).desc(), col(WindowRow.judged_at).desc())
        .limit(1)
    ).first()


def _upstream(session: Session, window: WindowRow) -> Upstream:
    decision = session.get(DecisionRow, window.decision_id) if window.decision_id else None
    return Upstream(
        start=window.start,
        version=window.version,
        policy=decision.policy_digest if decision is not None else "",
        traffic=window.judged.get("traffic") or {},
        **_made_of(get_version(session, window.model, window.version)),
    )


def _made_of(version: VersionRow) -> dict[str, str]:
    """Digests of the rows that a version learnt from, and of its project's source."""
    code = version.trained.get("code") or {}
    return {"snapshot": version.snapshot_digest, "code": code.get("source_digest") or ""}


def _before(session: Session, champion: ChampionRow) -> int | None:
    """The champion that a promotion has put this one in the place of.

    None after a rollback: the one before it was worse, and two must not take turns for ever.
    """
    now = session.get(ChampionHistoryRow, (champion.model, champion.environment, champion.epoch))
    if now is None or now.cause != "promotion":
        return None
    return session.exec(
        select(ChampionHistoryRow.version)
        .where(
            ChampionHistoryRow.model == champion.model,
            ChampionHistoryRow.environment == champion.environment,
            col(ChampionHistoryRow.version).is_not(None),
            ChampionHistoryRow.version != champion.version,
        )
        .order_by(col(ChampionHistoryRow.epoch).desc())
        .limit(1)
    ).first()


def _profile(session: Session, version: VersionRow) -> BlobRef | None:
    row = session.get(SnapshotRow, (version.model, version.snapshot_digest))
    return ReferenceProfile.model_validate(row.profile).blob if row is not None else None
