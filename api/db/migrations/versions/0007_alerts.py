"""Alerts, whom they go to, and what is not to be sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ENVIRONMENTS = "environment IN ('development', 'testing', 'staging', 'production')"


def _at(name: str, *, optional: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=optional)


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=True),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("raised", sa.Integer(), nullable=False),
        _at("first_at"),
        _at("last_at"),
        _at("sent_at", optional=True),
        sa.Column("muted", sa.Boolean(), nullable=False),
        _at("escalate_at", optional=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        _at("acknowledged_at", optional=True),
        sa.Column("comment", sa.Text(), nullable=False),
        _at("closed_at", optional=True),
        sa.Column("closed_because", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('open', 'acknowledged', 'closed')", name=op.f("ck_alerts_status")
        ),
        sa.CheckConstraint(
            "severity IN ('low', 'high', 'critical')", name=op.f("ck_alerts_severity")
        ),
        sa.CheckConstraint(
            f"environment IS NULL OR {_ENVIRONMENTS}", name=op.f("ck_alerts_environment")
        ),
        sa.CheckConstraint(
            "(status = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_alerts_closed")
        ),
        sa.CheckConstraint("raised > 0", name=op.f("ck_alerts_raised")),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name=op.f("fk_alerts_model_models")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_first_at_alert_id"), "alerts", ["first_at", "alert_id"])
    op.create_index(op.f("ix_alerts_escalate_at"), "alerts", ["escalate_at"])
    op.create_index(
        "uq_alerts_living",
        "alerts",
        ["identity"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "alert_raises",
        sa.Column("effect", sa.String(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        _at("at"),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_raises_alert_id_alerts")
        ),
        sa.PrimaryKeyConstraint("effect", name=op.f("pk_alert_raises")),
    )
    op.create_index(op.f("ix_alert_raises_alert_id"), "alert_raises", ["alert_id"])
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _at("next_at"),
        sa.Column("last_error", sa.Text(), nullable=False),
        _at("created_at"),
        _at("sent_at", optional=True),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'failed', 'suppressed')",
            name=op.f("ck_deliveries_status"),
        ),
        sa.CheckConstraint(
            "cause IN ('raised', 'worse', 'repeated', 'escalated')",
            name=op.f("ck_deliveries_cause"),
        ),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_deliveries_alert_id_alerts")
        ),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_status_next_at"), "deliveries", ["status", "next_at"])
    op.create_index(op.f("ix_deliveries_alert_id"), "deliveries", ["alert_id"])
    op.create_index(op.f("ix_deliveries_message"), "deliveries", ["message"])
    op.create_table(
        "silences",
        sa.Column("silence_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _at("since"),
        _at("until"),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.CheckConstraint("until >= since", name=op.f("ck_silences_period")),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name=op.f("fk_silences_model_models")),
        sa.PrimaryKeyConstraint("silence_id", name=op.f("pk_silences")),
    )
    op.create_index(op.f("ix_silences_since_silence_id"), "silences", ["since", "silence_id"])
