"""Whether there is anything new to learn: what a source has, and what versions learnt from."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from temporalio import activity

from activities.data import KnownSnapshots
from activities.work import in_thread, loading
from perennial.contracts.arrivals import FindLearnt, FindNewRows, Learnt, NewRows


class KnownTrainings(KnownSnapshots, Protocol):
    """What is asked of the records about earlier runs."""

    def find_learnt(self, input: FindLearnt, source_digest: str) -> int | None:
        """The newest version that learnt from the same rows, by this code and the same plan."""


class ArrivalActivities:
    """Reads what a run would read, from where the newest snapshot ends."""

    def __init__(self, known: KnownTrainings) -> None:
        self._known = known

    @activity.defn(name="find_new_rows")
    async def find_new_rows(self, input: FindNewRows) -> NewRows:
        """Count them."""
        return await in_thread(self._find, input)

    @activity.defn(name="find_learnt")
    async def find_learnt(self, input: FindLearnt) -> Learnt:
        """Look for the version that it would be."""
        return await in_thread(self._find_learnt, input)

    def _find_learnt(self, input: FindLearnt) -> Learnt:
        with loading():
            from activities.modelling.projects import digest_of

        code = digest_of(input.spec.project)
        return Learnt(version=self._known.find_learnt(input, code))

    def _find(self, input: FindNewRows) -> NewRows:
        with loading():
            import pyarrow.compute as pc

            from activities.modelling.data import arriving, increments
            from activities.modelling.projects import load_project

            project = load_project(input.project)
        source, mark = input.source, input.source.watermark
        assert mark is not None, "the spec's own check"
        known = self._known.newest_snapshot(input.model)
        later = increments.goes_on_from(source, known[0]) if known is not None else None
        coming = arriving.rows_of(project, later or source, project.features())
        least = None
        if later is not None and later.since is not None:
            least = arriving.scalar(later.since, coming.schema.field(mark).type)
        rows, newest = 0, None
        for table in coming.tables:
            # a source may send again what is of the mark itself
            marks = (
                table[mark] if least is None else table[mark].filter(pc.greater(table[mark], least))
            )
            if len(marks):
                rows += len(marks)
                largest = pc.max(marks).as_py()
                newest = largest if newest is None else max(newest, largest)
        return NewRows(rows=rows, since=_told(later.since if later else None), newest=_told(newest))


def _told(mark: Any) -> str:
    if mark is None:
        return ""
    return mark.isoformat() if isinstance(mark, datetime) else str(mark)
