"""Copies of requests, and the log of requests."""

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
    for name in ("refused", "compared", "disagreed", "missed", "logged", "lost"):
        op.add_column("tallies", sa.Column(name, _BIG, nullable=False, server_default="0"))
    op.add_column("models", sa.Column("request_log", sa.JSON(), nullable=True))
    op.add_column("data_planes", sa.Column("busy", sa.Float(), nullable=False, server_default="0"))
