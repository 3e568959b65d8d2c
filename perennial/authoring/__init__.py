"""What an ML engineer imports to write a model. `docs/guides/first-model.md` goes through one."""

from perennial.authoring.context import Batch, Stateful, TrainingContext
from perennial.authoring.features import Features, Shape
from perennial.authoring.project import ModelProject, Params
from perennial.authoring.reading import read_batches, read_table
from perennial.contracts.spec import Source

__all__ = [
    "Batch",
    "Features",
    "ModelProject",
    "Params",
    "Shape",
    "Source",
    "Stateful",
    "TrainingContext",
    "read_batches",
    "read_table",
]
