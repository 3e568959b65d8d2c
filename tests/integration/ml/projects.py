"""Model projects for tests on a real Ray, which imports them in processes of its own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor, nn

from perennial.authoring import (
    Features,
    ModelProject,
    Params,
    Shape,
    Source,
    TrainingContext,
)


class Line(ModelProject):
    """Two hundred points on either side of a line."""

    def load(self, source: Source) -> pd.DataFrame:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(200, 2))
        return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "above": (x.sum(axis=1) > 0).astype(int)})

    def features(self) -> Features:
        return Features(target="above", numeric=["a", "b"])

    def build(self, shape: Shape, params: Params) -> nn.Module:
        return nn.Linear(shape.numbers, shape.outputs)


class Telling(Line):
    """Says in every epoch which process it trains in; ends early once the file `until` is there."""

    def train(self, context: TrainingContext) -> None:
        until = Path(str(context.params.get("until", "nowhere")))
        for epoch in range(1, context.epochs + 1):
            loss = 0.0
            for batch in context.batches():
                loss = float(context.loss(context.model(*batch.inputs), batch.target).detach())
            context.report(epoch, loss, pid=float(os.getpid()))
            if until.exists():
                return


class Raising(Line):
    """Raises in the middle of its training."""

    def train(self, context: TrainingContext) -> None:
        context.report(1, 0.5)
        raise KeyError("no such thing")


class Exploding(Line):
    """Its loss is no number from the second epoch on."""

    def train(self, context: TrainingContext) -> None:
        for epoch in range(1, context.epochs + 1):
            context.report(epoch, 0.5 if epoch == 1 else float("nan"))


class DyingOnce(Line):
    """Ends its process like a crash would, the first time only (params: `mark`, a path)."""

    def build(self, shape: Shape, params: Params) -> nn.Module:
        return Dying(shape, Path(str(params["mark"])))


class Dying(nn.Module):
    def __init__(self, shape: Shape, mark: Path) -> None:
        super().__init__()
        self.line = nn.Linear(shape.numbers, shape.outputs)
        self.mark = mark

    def forward(self, numbers: Tensor) -> Tensor:
        if self.training and not self.mark.exists():
            self.mark.touch()
            os._exit(1)
        answer: Tensor = self.line(numbers)
        return answer
