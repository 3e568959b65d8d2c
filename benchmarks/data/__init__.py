"""Rows into snapshots, in bounded memory, beside pyarrow and whylogs alone."""
