"""The rows that a candidate is measured on, with what is true of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.projects import Project
from perennial.contracts.spec import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class HeldOut:
    """Held-out rows.

    Attributes:
        task: what is predicted of them.
        project: of the model, for its columns and its own metrics.
        frame: the rows with all their columns.
        classes: the texts of the classes by number; empty for a regression.
        truth: class numbers or values `[rows]`.
    """

    task: Task
    project: Project
    frame: pd.DataFrame
    classes: tuple[str, ...]
    truth: NDArray[np.generic]
