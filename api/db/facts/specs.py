"""Models and their specs."""

from __future__ import annotations

from sqlalchemy import and_, select
from sqlmodel import Session, col

from api.db import journal
from api.db.tables import ModelRow, SpecRow
from perennial.canonical import digest
from perennial.contracts.base import Json
from perennial.contracts.errors import ModelRetired, NotFound
from perennial.contracts.records import Done, RecordSpec, SetModelStatus, SpecRecorded
from perennial.contracts.schedules import Due, Timetable

_STATUS_KINDS: dict[str, journal.Kind] = {
    "active": "model.resumed",
    "paused": "model.paused",
    "retired": "model.retired",
}


def get_model(session: Session, name: str) -> ModelRow:
    """The row of a model. Raises NotFound."""
    model = session.get(ModelRow, name)
    if model is None:
        raise NotFound(f"there is no model {name!r}; apply its spec first", model=name)
    return model


def living_model(session: Session, name: str) -> ModelRow:
    """The row of a model that is not retired. Raises NotFound, ModelRetired."""
    model = get_model(session, name)
    if model.status == "retired":
        raise ModelRetired(
            f"model {name!r} is retired: its life has ended, and its records stay; "
            f"start another model under another name",
            model=name,
        )
    return model


def read_schedules(session: Session) -> dict[str, Timetable]:
    """When each living model is due whose spec names a time."""
    named = col(SpecRow.spec)[("retraining", "schedule")].as_string()
    rows = session.execute(
        select(col(ModelRow.name), named, col(SpecRow.spec))
        .join(
            SpecRow,
            and_(
                col(SpecRow.model) == col(ModelRow.name),
                col(SpecRow.version) == col(ModelRow.spec_version),
            ),
        )
        .where(col(ModelRow.status) != "retired", named.is_not(None))
    )
    return {
        name: Timetable(expression=expression, due=_due(name, spec))
        for name, expression, spec in rows
    }


def _due(model: str, spec: Json) -> Due:
    """As the spec was stored: one that asks for no rows is not read whole."""
    new_rows = spec["retraining"].get("new_rows")
    if new_rows is None:
        return Due(model=model)
    found = {"project": spec["project"], "source": spec["source"]}
    return Due.model_validate({"model": model, "new_rows": new_rows, **found})


def record_spec(session: Session, input: RecordSpec) -> SpecRecorded:
    """Keep a spec; the same one as before gets no new version, but who applied it is recorded."""
    name = input.spec.model
    if body := journal.find(session, input.effect, "spec.applied"):
        return SpecRecorded(model=name, spec_version=body["spec_version"], changed=body["changed"])
    spec_digest = digest(input.spec)
    changed = True
    model = session.get(ModelRow, name)
    if model is None:
        model = ModelRow(
            name=name, status="active", spec_version=0, created_at=input.at, updated_at=input.at
        )
    else:
        model = living_model(session, name)
        current = session.get_one(SpecRow, (name, model.spec_version))
        changed = current.digest != spec_digest
    if changed:
        model.spec_version += 1
        model.updated_at = input.at
        log = input.spec.request_log
        model.request_log = None if log is None else log.model_dump(mode="json")
        session.add(model)
        session.flush()
        session.add(
            SpecRow(
                model=name,
                version=model.spec_version,
                digest=spec_digest,
                spec=input.spec.model_dump(mode="json"),
                actor=input.actor,
                at=input.at,
            )
        )
    journal.append(
        session,
        at=input.at,
        actor=input.actor,
        kind="spec.applied",
        model=name,
        subject=f"{name}/spec/{model.spec_version}",
        body={"spec_version": model.spec_version, "changed": changed, "digest": spec_digest},
        effect=input.effect,
    )
    return SpecRecorded(model=name, spec_version=model.spec_version, changed=changed)


def set_model_status(session: Session, input: SetModelStatus) -> Done:
    """Keep that a model was paused, resumed or retired; retirement stands."""
    kind = _STATUS_KINDS[input.status]
    if journal.find(session, input.effect, kind) is not None:
        return Done(effect=input.effect)
    model = living_model(session, input.model)
    model.status = input.status
    model.updated_at = input.at
    session.add(model)
    journal.append(
        session,
        at=input.at,
        actor=input.actor,
        kind=kind,
        model=input.model,
        subject=input.model,
        body={"reason": input.reason},
        effect=input.effect,
    )
    return Done(effect=input.effect)
