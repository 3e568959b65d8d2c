"""How far tables of labels are read, and which deliveries of webhooks were taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "label_sources",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model"], ["models.name"], name=op.f("fk_label_sources_model_models")
        ),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_label_sources")),
    )
    op.create_table(
        "hook_deliveries",
        sa.Column("delivery", sa.String(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("delivery", name=op.f("pk_hook_deliveries")),
    )
    op.create_index(op.f("ix_hook_deliveries_taken_at"), "hook_deliveries", ["taken_at"])
