"""Model projects of the tests: one that works, and one for each thing that goes wrong."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pandas as pd
import torch
from lightgbm import LGBMClassifier
from torch import Tensor, nn

from perennial.authoring import Features, ModelProject, Params, Shape, Source, TrainingContext


class Points(ModelProject):
    """On which side of a line is a point?"""

    def features(self) -> Features:
        return Features(target="label", numeric=["x", "y"], categorical=["kind"], key="key")

    def build(self, shape: Shape, params: Params) -> nn.Module:
        return Net(shape)


class Net(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed = nn.Embedding(shape.categories[0], 2)
        self.out = nn.Linear(shape.numbers + 2, shape.outputs)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        answer: Tensor = self.out(torch.cat([numbers, self.embed(codes[:, 0])], dim=1))
        return answer


class Boosted(Points):
    """The same, by LightGBM."""

    def build(self, shape: Shape, params: Params) -> LGBMClassifier:
        return LGBMClassifier()


class Slow(Points):
    """Adds a line to the file `log` after each epoch, and trains until the file `end` is there."""

    def train(self, context: TrainingContext) -> None:
        log, end = Path(str(context.params["log"])), Path(str(context.params["end"]))
        for epoch in range(1, context.epochs + 1):
            for batch in context.batches():
                loss = context.loss(context.model(*batch.inputs), batch.target)
            context.report(epoch, float(loss.detach()))
            with log.open("a") as file:
                file.write(f"{epoch} {os.getpid()}\n")
            if end.exists():
                return
            time.sleep(0.1)  # as a larger network would take


class UnknownColumn(Points):
    def features(self) -> Features:
        return Features(target="label", numeric=["x", "why"], categorical=["kind"], key="key")


class RaisesInLoad(Points):
    def load(self, source: Source) -> pd.DataFrame:
        raise RuntimeError("the warehouse is closed on Mondays")


class RaisesInBuild(Points):
    def build(self, shape: Shape, params: Params) -> nn.Module:
        raise KeyError("hidden")


class Unexportable(Points):
    """Its network uses an operator that has no ONNX form."""

    def build(self, shape: Shape, params: Params) -> nn.Module:
        return Bessel(shape)


class Bessel(Net):
    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        return super().forward(torch.special.bessel_j1(numbers), codes)
