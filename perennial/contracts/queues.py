"""Task queues, one for each class of resource."""

from __future__ import annotations

CONTROL = "perennial-control"
"""Workflows and the short activities: records and policy."""

ML = "perennial-ml"
"""Activities that load torch, pandas, whylogs, MLflow, or drive Ray."""
