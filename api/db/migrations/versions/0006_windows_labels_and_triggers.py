"""Windows of monitoring, labels, and what asks for a model to be trained again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "labels",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("entity", sa.String(), nullable=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=True),
        sa.Column("found_id", sa.String(), nullable=True),
        sa.Column("request_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('waiting', 'joined', 'given_up')", name=op.f("ck_labels_status")
        ),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name=op.f("fk_labels_model_models")),
        sa.PrimaryKeyConstraint("model", "request_id", "row", name=op.f("pk_labels")),
    )
    op.create_index(
        op.f("ix_labels_model_status_due_at"), "labels", ["model", "status", "due_at"], unique=False
    )
    op.create_index(
        op.f("ix_labels_model_environment_request_at"),
        "labels",
        ["model", "environment", "request_at"],
        unique=False,
    )
    op.create_table(
        "triggers",
        sa.Column("trigger_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.CheckConstraint(
            "cause IN ('drift', 'quality', 'data', 'schedule', 'policy', 'message', 'request')",
            name=op.f("ck_triggers_cause"),
        ),
        sa.CheckConstraint(
            "decision IN ('allow', 'wait', 'ask')", name=op.f("ck_triggers_decision")
        ),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name=op.f("fk_triggers_model_models")),
        sa.PrimaryKeyConstraint("trigger_id", name=op.f("pk_triggers")),
    )
    op.create_index(
        op.f("ix_triggers_at_trigger_id"), "triggers", ["at", "trigger_id"], unique=False
    )
    op.create_index(op.f("ix_triggers_model_at"), "triggers", ["model", "at"], unique=False)
    op.create_table(
        "windows",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", _BIG, nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("judged", sa.JSON(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("labelled", _BIG, nullable=False),
        sa.Column("quality_verdict", sa.String(), nullable=True),
        sa.Column("quality", sa.JSON(), nullable=True),
        sa.Column("quality_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("decision_id", sa.String(), nullable=True),
        sa.Column("followed", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "action IS NULL OR action IN ('ignore', 'alert', 'retrain', 'roll_back', "
            "'stop_serving')",
            name=op.f("ck_windows_action"),
        ),
        sa.CheckConstraint(
            "environment IN ('development', 'testing', 'staging', 'production')",
            name=op.f("ck_windows_environment"),
        ),
        sa.CheckConstraint(
            "quality_verdict IS NULL OR quality_verdict IN ('pass', 'fail', 'inconclusive', "
            "'error', 'no_data')",
            name=op.f("ck_windows_quality_verdict"),
        ),
        sa.CheckConstraint(
            "verdict IN ('pass', 'fail', 'inconclusive', 'error', 'no_data')",
            name=op.f("ck_windows_verdict"),
        ),
        sa.ForeignKeyConstraint(
            ["model", "version"],
            ["versions.model", "versions.version"],
            name=op.f("fk_windows_model_version_versions"),
        ),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name=op.f("fk_windows_model_models")),
        sa.PrimaryKeyConstraint(
            "model", "environment", "start", "version", name=op.f("pk_windows")
        ),
    )
    op.add_column("decisions", sa.Column("action", sa.String(), nullable=False, server_default=""))
