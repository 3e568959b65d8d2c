"""Runs that train a version again, how they end, and the stages of these and of a search."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_RUNS = {
    "ck_runs_kind": "kind IN ('lifecycle', 'promotion', 'reproduction')",
    "ck_runs_status": "status IN ('queued', 'running', 'waiting', 'finished')",
    "ck_runs_outcome": (
        "outcome IS NULL OR outcome IN ('promoted', 'denied', 'rejected', 'expired', 'failed', "
        "'cancelled', 'reproduced', 'differs')"
    ),
    "ck_runs_reached": (
        "reached IS NULL OR reached IN ('development', 'testing', 'staging', 'production')"
    ),
    "ck_runs_ended": "(status = 'finished') = (outcome IS NOT NULL)",
}
_STAGES = {
    "ck_stages_stage": (
        "stage IN ('snapshot', 'validate', 'profile', 'search', 'inputs', 'train', 'evaluate', "
        "'export', 'register', 'gate', 'approval', 'rollout', 'promote', 'compare')"
    ),
    "ck_stages_status": "status IN ('running', 'passed', 'failed')",
}


def upgrade() -> None:
    _change("runs", _RUNS, "ck_runs_kind", "ck_runs_outcome")
    _change("stages", _STAGES, "ck_stages_stage")


def _change(table: str, checks: dict[str, str], *changed: str) -> None:
    """SQLite copies the table for this, and a copy has only the CHECKs that are named here."""
    with op.batch_alter_table(
        table,
        table_args=[sa.CheckConstraint(text, name=op.f(name)) for name, text in checks.items()],
        recreate="auto",
    ) as batch:
        for name in changed:
            batch.drop_constraint(op.f(name), type_="check")
            batch.create_check_constraint(op.f(name), checks[name])
