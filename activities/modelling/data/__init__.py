"""Rows: brought by a project, kept as a snapshot, profiled and divided."""
