"""What the note of a window says of its wish, should that find no room after all.

A monitor notes "run X" before the model's workflow has taken the run, since it keeps its wish
itself. Where that finds the queue full, there is no run X, and the note is put right: by whichever
of the two is kept last.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from api.db.monitoring_tables import TriggerRow, WindowRow
from perennial.contracts import ids
from perennial.contracts.monitoring import RecordAction


def note_of(session: Session, input: RecordAction) -> str:
    """What came of an action, as it is known now."""
    if input.action != "retrain":
        return input.followed
    request = ids.window_wish(input.environment, input.start, input.decision_id)
    trigger_id = ids.trigger_id(input.model, request)
    wish = session.get(TriggerRow, trigger_id)
    if wish is None or wish.rule != "room":
        return input.followed
    return _without_run(input.followed, ids.run_id(input.model, trigger_id), wish.why)


def correct_notes(session: Session, model: str, run_id: str, why: str) -> None:
    """Take back what was noted of a run that does not come."""
    noted = select(WindowRow).where(
        WindowRow.model == model,
        WindowRow.action == "retrain",
        col(WindowRow.followed).startswith(_promise(run_id), autoescape=True),
    )
    for row in session.exec(noted):
        row.followed = _without_run(row.followed, run_id, why)
        session.add(row)


def _promise(run_id: str) -> str:
    return f"run {run_id}: "


def _without_run(note: str, run_id: str, why: str) -> str:
    """The note with the wish's answer of now in the place of its run; what else it says stays."""
    if not note.startswith(_promise(run_id)):
        return note
    _, mark, rest = note.partition("; ")
    return f"wait: {why}{mark}{rest}"
