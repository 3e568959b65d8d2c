"""Whether a run went before others as a hotfix, and the group that it moved with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "runs", sa.Column("hotfix", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("runs", sa.Column("group_id", sa.String(), nullable=True))
    op.create_index(op.f("ix_runs_group_id"), "runs", ["group_id"])
