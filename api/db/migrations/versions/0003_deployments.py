"""Deployments, who serves them, what was answered; the stage that rolls a version out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ENVIRONMENTS = "environment IN ('development', 'testing', 'staging', 'production')"
_STAGES = (
    "stage IN ('snapshot', 'validate', 'profile', 'train', 'evaluate', 'export', 'register', "
    "'gate', 'approval', 'rollout', 'promote')"
)
_EVENTS = "event IN ('run', 'stage', 'progress', 'decision', 'approval', 'champion', 'deployment')"


def upgrade() -> None:
    op.create_table(
        "deployments",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("entity", sa.String(), nullable=True),
        sa.Column("slow_seconds", sa.Float(), nullable=False),
        sa.Column("shares", sa.JSON(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("epoch > 0", name=op.f("ck_deployments_epoch")),
        sa.CheckConstraint(_ENVIRONMENTS, name=op.f("ck_deployments_environment")),
        sa.ForeignKeyConstraint(
            ["model"], ["models.name"], name=op.f("fk_deployments_model_models")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_deployments_run_id_runs")
        ),
        sa.PrimaryKeyConstraint("model", "environment", name=op.f("pk_deployments")),
    )
    op.create_table(
        "data_planes",
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_ENVIRONMENTS, name=op.f("ck_data_planes_environment")),
        sa.PrimaryKeyConstraint("process", name=op.f("pk_data_planes")),
    )
    op.create_table(
        "tallies",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("variant", sa.String(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("requests", _BIG, nullable=False),
        sa.Column("errors", _BIG, nullable=False),
        sa.Column("slow", _BIG, nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.CheckConstraint(_ENVIRONMENTS, name=op.f("ck_tallies_environment")),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name=op.f("fk_tallies_model_models")),
        sa.ForeignKeyConstraint(
            ["process"], ["data_planes.process"], name=op.f("fk_tallies_process_data_planes")
        ),
        sa.PrimaryKeyConstraint(
            "model", "environment", "epoch", "variant", "process", name=op.f("pk_tallies")
        ),
    )
    # SQLite copies the table for this, and a copy has only the CHECKs that are named here
    with op.batch_alter_table(
        "stages",
        table_args=[
            sa.CheckConstraint(_STAGES, name=op.f("ck_stages_stage")),
            sa.CheckConstraint(
                "status IN ('running', 'passed', 'failed')", name=op.f("ck_stages_status")
            ),
        ],
        recreate="auto",
    ) as batch:
        batch.drop_constraint(op.f("ck_stages_stage"), type_="check")
        batch.create_check_constraint(op.f("ck_stages_stage"), _STAGES)
    with op.batch_alter_table(
        "run_events",
        table_args=[sa.CheckConstraint(_EVENTS, name=op.f("ck_run_events_event"))],
        recreate="auto",
    ) as batch:
        batch.drop_constraint(op.f("ck_run_events_event"), type_="check")
        batch.create_check_constraint(op.f("ck_run_events_event"), _EVENTS)
    # what is champion answers everything, as it did before there were deployments
    champions = sa.table(
        "champions",
        *(sa.column(name) for name in ("model", "environment", "version", "epoch", "since")),
    )
    deployments = sa.table(
        "deployments",
        *(sa.column(name) for name in ("model", "environment", "epoch", "slow_seconds", "since")),
        sa.column("shares", sa.JSON()),
    )
    for row in op.get_bind().execute(sa.select(champions)).mappings().all():
        shares = [{"name": "champion", "version": row["version"], "weight": 10_000}]
        op.execute(
            deployments.insert().values(
                model=row["model"],
                environment=row["environment"],
                epoch=row["epoch"],
                slow_seconds=0.1,
                shares=shares if row["version"] is not None else [],
                since=row["since"],
            )
        )
