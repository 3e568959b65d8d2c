"""The model that is drilled: quick at everything but, when asked to, its training."""

from __future__ import annotations

import time

import pandas as pd
import torch
from torch import nn

from perennial.authoring import Features, ModelProject, Params, Shape, Source, TrainingContext

_ROWS = 800


class Points(ModelProject):
    """On which side of a line is a point?"""

    def load(self, source: Source) -> pd.DataFrame:
        """The same rows each time, so that their digest is."""
        rows = range(_ROWS)
        x = [(i * 37 % 101) / 50 - 1 for i in rows]
        y = [(i * 53 % 89) / 44 - 1 for i in rows]
        noise = [(i * 17 % 23) / 23 - 0.5 for i in rows]
        label = [int(x[i] + y[i] + noise[i] > 0) for i in rows]
        return pd.DataFrame({"key": [f"k{i}" for i in rows], "x": x, "y": y, "label": label})

    def features(self) -> Features:
        """Two numbers."""
        return Features(target="label", numeric=["x", "y"], key="key")

    def build(self, shape: Shape, params: Params) -> nn.Module:
        """Logistic regression."""
        return nn.Linear(shape.numbers, shape.outputs)

    def train(self, context: TrainingContext) -> None:
        """Epochs that take `epoch_seconds`, so that there is a middle to be killed in."""
        pause = float(context.params.get("epoch_seconds", 0))
        optimizer = torch.optim.Adam(context.model.parameters(), lr=context.learning_rate)
        for epoch in range(1, context.epochs + 1):
            for batch in context.batches():
                optimizer.zero_grad()
                loss = context.loss(context.model(*batch.inputs), batch.target)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            time.sleep(pause)
            context.report(epoch, float(loss.detach()))
