"""Migrations of the records, oldest first in `versions/`."""

HEAD = "0013"
"""The newest revision: a database that has it needs no alembic to be loaded."""
