"""Labelled requests of a rollout, by the variant that answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ENVIRONMENTS = "environment IN ('development', 'testing', 'staging', 'production')"


def upgrade() -> None:
    op.create_table(
        "labelled_requests",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("since_epoch", sa.Integer(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("variant", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.CheckConstraint(_ENVIRONMENTS, name=op.f("ck_labelled_requests_environment")),
        sa.CheckConstraint(
            "wrong >= 0 AND wrong <= requests", name=op.f("ck_labelled_requests_wrong")
        ),
        sa.ForeignKeyConstraint(
            ["model"], ["models.name"], name=op.f("fk_labelled_requests_model_models")
        ),
        sa.PrimaryKeyConstraint(
            "model",
            "environment",
            "since_epoch",
            "hour",
            "variant",
            "version",
            name=op.f("pk_labelled_requests"),
        ),
    )
    op.create_index(
        op.f("ix_labels_model_environment_received_at"),
        "labels",
        ["model", "environment", "received_at"],
    )
