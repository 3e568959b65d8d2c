"""Loaded by every process of Ray's before it is given work: what takes a training seconds to load.

The local stack names this module to Ray (`infra/stack/ray_head.py`). It loads libraries alone and
no project, so nothing of one run can reach another.
"""

from __future__ import annotations

import importlib

for _module in (
    # what a project's own module loads, most likely
    "pandera.pandas",
    "sklearn.datasets",
    "sklearn.metrics",
    # what a training loads
    "ray.train.torch",
    "activities.ray_tasks.train_function",
    "activities.ray_tasks.training_job",
):
    importlib.import_module(_module)


def _rehearse() -> None:
    """One step: torch loads its compiler when a process makes its first optimizer."""
    import torch

    network = torch.nn.Linear(1, 1)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.zeros(1, 1)).sum().backward()
    optimizer.step()


_rehearse()
