"""Errors of a window, for the windows after it; what processes of the data plane cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("windows", sa.Column("errors", sa.JSON(), nullable=True))
    for name, kind in (("memory_bytes", _BIG), ("cpu_seconds", sa.Float())):
        op.add_column("data_planes", sa.Column(name, kind, nullable=False, server_default="0"))
