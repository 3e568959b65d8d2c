"""Model projects for tests on a real Ray, which imports them in processes of its own."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightgbm import LGBMClassifier
from torch import nn

from perennial.authoring import (
    Features,
    ModelProject,
    Params,
    Shape,
    Source,
    Stateful,
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


class Drawing(Line):
    """Draws its first weights from the generators of Python and NumPy."""

    def build(self, shape: Shape, params: Params) -> nn.Module:
        network = nn.Linear(shape.numbers, shape.outputs)
        with torch.no_grad():
            network.weight[0, 0] = random.random()
            network.weight[0, 1] = np.random.normal()
        return network


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


class Boosted(Line):
    """Ten thousand rounds of LightGBM are long."""

    def build(self, shape: Shape, params: Params) -> LGBMClassifier:
        return LGBMClassifier()


class Slow(Line):
    """Writes each epoch it has trained into the file `log`.

    An epoch takes `pace` seconds, as a larger model's would, until the file `hurry` is there.
    """

    def build(self, shape: Shape, params: Params) -> nn.Module:
        hidden = 8
        return nn.Sequential(
            nn.Linear(shape.numbers, hidden),
            nn.Dropout(float(params.get("dropout", 0))),
            nn.Linear(hidden, shape.outputs),
        )

    def train(self, context: TrainingContext) -> None:
        params = context.params
        optimizer = torch.optim.Adam(context.model.parameters(), lr=context.learning_rate)
        for epoch in context.remaining(optimizer=optimizer, **self.kept(params)):
            if not Path(str(params.get("hurry", "nowhere"))).exists():
                time.sleep(float(params["pace"]))
            total = rows = 0.0
            for batch in context.batches():
                optimizer.zero_grad()
                loss = context.loss(context.model(*batch.inputs), batch.target)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                total += loss.item() * len(batch.target)
                rows += len(batch.target)
            context.report(epoch, total / rows, pid=float(os.getpid()))
            if "log" in params:
                with Path(str(params["log"])).open("a") as log:
                    log.write(f"{epoch} {os.getpid()}\n")

    def kept(self, params: Params) -> dict[str, Stateful]:
        return {}


class Stuck(Slow):
    """Hangs while its first checkpoint is made, and leaves the file `mark`."""

    def kept(self, params: Params) -> dict[str, Stateful]:
        return {"endless": Endless(Path(str(params["mark"])))}


class Endless:
    def __init__(self, mark: Path) -> None:
        self.mark = mark
        self.told = 0

    def state_dict(self) -> dict[str, int]:
        self.told += 1
        if self.told > 1:  # the first time it is only looked at
            self.mark.touch()
            threading.Event().wait()
        return {"told": self.told}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.told = state["told"]


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
