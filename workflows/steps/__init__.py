"""Steps of a life: import these into a workflow of your own.

Each takes the `Run` of the workflow it works for; `scale_serving` works for all of them.
`docs/guides/own-workflow.md` has an example.
"""

from workflows.steps import options
from workflows.steps.data import end_if_learnt, profile_data, snapshot_data, validate_data
from workflows.steps.effects import Effect, all_or_none
from workflows.steps.ending import Ended
from workflows.steps.promotion import promote_through
from workflows.steps.run import Run
from workflows.steps.scaling import scale_serving
from workflows.steps.searching import search_parameters
from workflows.steps.training import evaluate, export, register, train

__all__ = [
    "Effect",
    "Ended",
    "Run",
    "all_or_none",
    "end_if_learnt",
    "evaluate",
    "export",
    "options",
    "profile_data",
    "promote_through",
    "register",
    "scale_serving",
    "search_parameters",
    "snapshot_data",
    "train",
    "validate_data",
]
