"""Whether a version has learnt already what a training would learn."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from api.db.tables import RunRow, SpecRow, VersionRow
from perennial.contracts.arrivals import FindLearnt
from perennial.contracts.spec import ModelSpec

_LOOKED_AT = 100


def find_learnt(session: Session, input: FindLearnt, source_digest: str) -> int | None:
    """The newest version that learnt from the same rows, by this code and the same plan.

    Versions of runs that were given parameters of their own, and of other specs, are others.
    """
    rows = session.exec(
        select(VersionRow, RunRow, SpecRow)
        .join(RunRow, col(RunRow.run_id) == col(VersionRow.run_id))
        .join(
            SpecRow,
            (col(SpecRow.model) == col(RunRow.model))
            & (col(SpecRow.version) == col(RunRow.spec_version)),
        )
        .where(VersionRow.model == input.model, VersionRow.snapshot_digest == input.snapshot)
        .order_by(col(VersionRow.version).desc())
        .limit(_LOOKED_AT)
    )
    wanted = _plan(input.spec)
    for version, run, spec in rows:
        code = (version.trained.get("code") or {}).get("source_digest")
        if run.overrides or code != source_digest:
            continue
        if _plan(ModelSpec.model_validate(spec.spec)) == wanted:
            return version.version
    return None


def _plan(spec: ModelSpec) -> tuple[Any, ...]:
    """All of a spec that its weights follow from, beside the rows."""
    metric = (spec.metrics.primary, spec.metrics.goal)  # by which a search chooses
    return (spec.project, spec.task, spec.training, spec.search, metric)
