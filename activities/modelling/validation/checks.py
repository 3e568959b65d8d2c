"""Judge the rows of a snapshot: the project's schema, and what every task needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from activities.modelling.data.moments import MISSING, moments_of
from activities.modelling.data.parted import Parted
from activities.modelling.data.split import both_sides, held_out
from activities.modelling.projects import Project
from activities.modelling.validation import learnt, standing
from activities.modelling.validation.alike import rows_alike
from activities.modelling.validation.labels_told import warnings as label_warnings
from activities.modelling.validation.leaks import TellingColumns
from activities.modelling.validation.targets import Target
from activities.modelling.validation.violations import Broken, violation
from perennial.authoring import Features
from perennial.contracts.data import DataValidation, ProfileSummary, Violation
from perennial.contracts.data_plan import DataPlan
from perennial.contracts.spec import Split, Task

if TYPE_CHECKING:
    from activities.modelling.data.split import HeldOut
    from activities.modelling.validation.schema_checks import SchemaChecks

_VIOLATIONS = 50


def validate(
    rows: Parted,
    project: Project,
    task: Task,
    plan: DataPlan = DataPlan(),
    split: Split | None = None,
    seed: int = 0,
    reference: ProfileSummary | None = None,
) -> DataValidation:
    """Every broken rule at once, and what people should know of the rows.

    What is said does not depend on the parts that they come in.

    Args:
        rows: to be judged.
        project: whose they are.
        task: that they are for.
        plan: what the spec asks of them.
        split: how rows will be held out; without it nothing is said of that.
        seed: of the split.
        reference: of the rows before, if there were any.

    Raises:
        ProjectInvalid: schema() or one of its checks raised.
        SpecInvalid: the split is by a time that the project does not name.
        SourceInvalid: there are too few rows to hold some out.
        Unavailable: there is no room to order what does not fit in memory.
    """
    features = project.features()
    own = _schema_checks(rows, project, features)
    target = Target(rows, features, task)
    always = standing.Standing(rows, features)
    telling = TellingColumns(rows, features, task, target, plan.may_tell_target)
    before = None
    if plan.learnt is not None and reference is not None:
        before = learnt.Learnt(rows, features, reference, plan.learnt)
    for part in rows.parts():
        always.add(part)
        telling.add(part)
        if own is not None:
            with project.calling("schema"):
                own.add(part)
        if before is not None:
            before.add(part)
    violations = [*target.broken(rows, features), *always.broken(), *telling.broken()]
    if own is not None:
        with project.calling("schema"):
            violations += own.broken()
    violations += [] if before is None else before.broken()
    told = _Told() if violations else _tell(rows, features, task, target, plan, split, seed)
    violations += told.violations
    return DataValidation(
        passed=not violations,
        rows=rows.count,
        checks=standing.CHECKS
        + (0 if before is None else 1 + learnt.CHECKS * (len(features.inputs) + 1))
        + (2 if split is not None else 0)
        + (0 if own is None else own.count),
        violations=tuple(violations[:_VIOLATIONS]),
        warnings=tuple(told.warnings),
        classes=target.class_counts(),
        contradictions=told.contradictions,
        shared_rows=told.shared,
    )


def _schema_checks(rows: Parted, project: Project, features: Features) -> SchemaChecks | None:
    with project.calling("schema"):
        schema = project.own.schema()
        if schema is None:
            return None
        # the project has loaded pandera, where it has a schema
        from activities.modelling.validation.schema_checks import SchemaChecks

        return SchemaChecks(rows, features, schema)


@dataclass
class _Told:
    """What is looked at where nothing else is wrong."""

    violations: list[Violation] = field(default_factory=list)
    warnings: list[Violation] = field(default_factory=list)
    contradictions: float | None = None
    shared: float | None = None


def _tell(
    rows: Parted,
    features: Features,
    task: Task,
    target: Target,
    plan: DataPlan,
    split: Split | None,
    seed: int,
) -> _Told:
    told = _Told()
    sides = None if split is None else held_out(rows, features, split, seed)
    if task == "regression" and sides is None:
        return told
    found = rows_alike(rows, features, task, target, sides)
    if task != "regression":
        told.contradictions = found.contradicting.count / rows.count
        counts = target.class_counts()
        told.warnings += label_warnings(rows, features, counts, found.contradicting)
    if split is None or sides is None:
        return told
    both_sides(found.train, found.test, split)
    late = _out_of_order(rows, features, sides, split)
    if late is not None:
        (told.violations if split.by == "time" else told.warnings).append(late)
    told.shared = found.shared.count / found.test
    if found.shared.count:
        what = f"of held-out rows are equal to rows that are trained on ({told.shared:.1%})"
        shared = violation("no_shared_rows", None, found.shared, what, rows, features)
        refused = plan.shared_rows is not None and told.shared > plan.shared_rows
        (told.violations if refused else told.warnings).append(shared)
    return told


def _out_of_order(
    rows: Parted, features: Features, sides: HeldOut, plan: Split
) -> Violation | None:
    """Rows that are trained on and later than the first one that is held out."""
    time = features.time
    if time is None:
        return None
    wanted = [name for name in (time, features.key) if name is not None]
    first = np.iinfo(np.int64).max
    for part in rows.parts(wanted):
        moments = moments_of(part.frame[time])[sides(part)]
        first = min(first, moments[moments != MISSING].min(initial=first))
    late = Broken()
    for part in rows.parts(wanted):
        late.add(part.start, (moments_of(part.frame[time]) >= first) & ~sides(part))
    if not late.count:
        return None
    what = f"of rows that are trained on is after the first held-out one (split by {plan.by})"
    return violation("time_order", time, late, what, rows, features, named=0)
