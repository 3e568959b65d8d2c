"""What the data plane says of itself: a view of the present, not facts of the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from api.db.facts.deployments import as_deployment
from api.db.facts.labelled import read_labelled
from api.db.facts.platform import held
from api.db.facts.specs import get_model
from api.db.tables import ChampionRow, DataPlaneRow, DeploymentRow, ModelRow, TallyRow
from perennial.contracts.deployments import ReadServing
from perennial.contracts.serving import ALIVE_SECONDS, Deployment, Met, Report, Serving, Tally
from perennial.contracts.spec_part import Environment

_ALIVE = timedelta(seconds=ALIVE_SECONDS)
KEPT = timedelta(days=60)
"""How long the counts of a process that is gone are kept: longer than any rollout."""


def record_report(
    session: Session, environment: Environment, process: str, report: Report, at: datetime
) -> None:
    """Keep what a process says. What it says of a model that is not known is passed over."""
    plane = session.get(DataPlaneRow, process)
    if plane is None:
        _forget(session, at - KEPT)
        plane = DataPlaneRow(process=process, environment=environment, seen_at=at)
    plane.environment, plane.busy = environment, report.busy
    plane.memory_bytes, plane.cpu_seconds = report.memory_bytes, report.cpu_seconds
    plane.seen_at = at - 2 * _ALIVE if report.leaving else max(at, plane.seen_at)
    session.add(plane)
    session.flush()
    known: set[str] = set()
    if names := {tally.model for tally in report.tallies}:
        known = set(session.exec(select(ModelRow.name).where(col(ModelRow.name).in_(names))))
    for tally in report.tallies:
        if tally.model in known:
            session.merge(
                TallyRow(
                    **tally.model_dump(exclude={"answers", "latencies"}),
                    answers=list(tally.answers),
                    latencies=list(tally.latencies),
                    environment=environment,
                    process=process,
                )
            )


def read_serving(session: Session, input: ReadServing, now: datetime) -> Serving:
    """What is to be served, by whom it is, and the counts of these epochs. Raises NotFound."""
    model, environment = input.model, input.environment
    pausable = get_model(session, model)
    row = session.get(DeploymentRow, (model, environment))
    champion = session.get(ChampionRow, (model, environment))
    deployment = as_deployment(session, row) if row is not None and row.shares else None
    planes = session.exec(
        select(DataPlaneRow).where(
            DataPlaneRow.environment == environment,
            col(DataPlaneRow.seen_at) >= now - _ALIVE,
        )
    ).all()
    alive = {plane.process for plane in planes}
    files, met = _told(session, deployment) if deployment is not None else (set(), ())
    return Serving(
        deployment=deployment,
        run_id=None if row is None else row.run_id,
        champion_epoch=0 if champion is None else champion.epoch,
        held=held(session, pausable),
        tallies=() if input.since_epoch is None else _sums(session, input, input.since_epoch),
        met=met,
        labelled=() if input.since_epoch is None else read_labelled(session, input),
        processes=len(alive),
        busy=max((plane.busy for plane in planes), default=0.0),
        behind=tuple(sorted(alive - files) if deployment is not None else ()),
    )


def _sums(session: Session, input: ReadServing, since: int) -> tuple[Tally, ...]:
    rows = session.exec(
        select(TallyRow)
        .where(
            TallyRow.model == input.model,
            TallyRow.environment == input.environment,
            col(TallyRow.epoch) >= since,
        )
        .order_by(col(TallyRow.epoch), col(TallyRow.variant))
    )
    sums: dict[tuple[int, str], Tally] = {}
    for row in rows:
        # nothing is judged by latencies, and what is read here goes into histories; of entities
        # there is no sum
        tally = Tally.model_validate(row.model_dump(exclude={"latencies", "entities"}))
        before = sums.get((row.epoch, row.variant))
        sums[row.epoch, row.variant] = tally if before is None else before + tally
    return tuple(sums.values())


def _told(session: Session, deployment: Deployment) -> tuple[set[str], tuple[Met, ...]]:
    """Processes that serve every variant of a deployment from the right file; and whom each of all
    that ever did has met."""
    wanted = {variant.name: variant.onnx.sha256 for variant in deployment.variants}
    rows = session.execute(
        select(TallyRow.process, TallyRow.variant, TallyRow.sha256, TallyRow.entities).where(
            TallyRow.model == deployment.model,
            TallyRow.environment == deployment.environment,
            TallyRow.epoch == deployment.epoch,
        )
    )
    found: dict[str, dict[str, str]] = {}
    met: dict[str, dict[str, int]] = {}
    for process, variant, sha256, entities in rows:
        found.setdefault(process, {})[variant] = sha256
        if entities:
            met.setdefault(process, {})[variant] = entities
    serve = {process for process, files in found.items() if files == wanted}
    return serve, tuple(Met(process=each, entities=met[each]) for each in sorted(met))


def _forget(session: Session, before: datetime) -> None:
    gone = select(DataPlaneRow.process).where(col(DataPlaneRow.seen_at) < before)
    session.execute(delete(TallyRow).where(col(TallyRow.process).in_(gone)))
    session.execute(delete(DataPlaneRow).where(col(DataPlaneRow.seen_at) < before))
