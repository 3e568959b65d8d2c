"""Copies of requests: what is counted of them, and what counts as agreement."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "deployments", sa.Column("tolerance", sa.Float(), nullable=False, server_default="0.1")
    )
    for name in ("refused", "compared", "disagreed", "missed"):
        op.add_column("tallies", sa.Column(name, _BIG, nullable=False, server_default="0"))
