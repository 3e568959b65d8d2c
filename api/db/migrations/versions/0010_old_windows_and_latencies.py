"""When the blobs of a window were removed, being old; and how long requests took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("windows", sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_windows_swept_at_judged_at", "windows", ["swept_at", "judged_at"])
    op.add_column("tallies", sa.Column("latencies", sa.JSON(), nullable=False, server_default="[]"))
