"""Pauses of the platform, what MLflow's aliases were put to, and moves that were taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ENVIRONMENTS = "environment IN ('development', 'testing', 'staging', 'production')"
_CAUSES = "cause IN ('promotion', 'rollback', 'retirement', 'compensation')"


def upgrade() -> None:
    op.create_table(
        "platform",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("told_epoch", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_platform_only")),
        sa.CheckConstraint("told_epoch <= epoch", name=op.f("ck_platform_told")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform")),
    )
    op.create_table(
        "projections",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("found", sa.String(), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(found IS NULL) = (found_at IS NULL)", name=op.f("ck_projections_found")
        ),
        sa.CheckConstraint("epoch >= 0", name=op.f("ck_projections_epoch")),
        sa.CheckConstraint(_ENVIRONMENTS, name=op.f("ck_projections_environment")),
        sa.ForeignKeyConstraint(
            ["model"], ["models.name"], name=op.f("fk_projections_model_models")
        ),
        sa.PrimaryKeyConstraint("model", "environment", name=op.f("pk_projections")),
    )
    # SQLite copies the table for this, and a copy has only the CHECKs that are named here
    with op.batch_alter_table(
        "champion_history",
        table_args=[
            sa.CheckConstraint(_CAUSES, name=op.f("ck_champion_history_cause")),
            sa.CheckConstraint(_ENVIRONMENTS, name=op.f("ck_champion_history_environment")),
            sa.CheckConstraint(
                "until IS NULL OR until >= since", name=op.f("ck_champion_history_period")
            ),
        ],
        recreate="auto",
    ) as batch:
        batch.drop_constraint(op.f("ck_champion_history_cause"), type_="check")
        batch.create_check_constraint(op.f("ck_champion_history_cause"), _CAUSES)
