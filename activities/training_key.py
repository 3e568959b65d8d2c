"""What a training follows from, as one digest. Loads no torch: a search asks for it too."""

from __future__ import annotations

from importlib.metadata import version

from perennial.canonical import digest
from perennial.contracts.training import TrainModel


def key_of(asked: TrainModel, source_digest: str) -> str:
    """A digest of all that a training follows from.

    Changed code, rows or plan never go on from a checkpoint that another training left.
    """
    return digest(
        {
            "project": asked.project,
            "source": source_digest,
            "task": asked.task,
            "snapshot": asked.snapshot.digest,
            "training": asked.training.model_dump(mode="json"),
            "torch": version("torch"),
        }
    )
