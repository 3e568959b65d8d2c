"""How far tables of labels are read: kept with the labels themselves, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from api.db.facts.labels import keep_labels
from api.db.facts.specs import get_model
from api.db.monitoring_tables import LabelSourceRow
from api.db.tables import SpecRow
from perennial.contracts.label_sources import LabelSource
from perennial.contracts.labels import Label


def read_source(session: Session, model: str) -> LabelSource | None:
    """How far the model's table is read; None where it never was."""
    row = session.get(LabelSourceRow, model)
    return LabelSource.model_validate(row.source) if row is not None else None


def source_in_use(session: Session, model: str) -> LabelSource | None:
    """The same, of a model whose spec has a table still. Raises NotFound."""
    spec = session.get(SpecRow, (model, get_model(session, model).spec_version))
    # as it was stored: to read a whole spec for one key of it would cost more than the counts
    monitoring = (spec.spec.get("monitoring") if spec is not None else None) or {}
    return read_source(session, model) if monitoring.get("labels") else None


def keep_source(
    session: Session, model: str, source: LabelSource, read: Sequence[Label], at: datetime
) -> None:
    """Keep labels that were read and how far that is. Raises NotFound."""
    keep_labels(session, model, read, at)
    said = source.model_dump(mode="json")
    row = session.get(LabelSourceRow, model)
    if row is None:
        session.add(LabelSourceRow(model=model, source=said))
    else:
        row.source = said
        session.add(row)
