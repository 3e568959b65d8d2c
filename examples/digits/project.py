"""Which digit is on this picture of 8 by 8 pixels?"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from sklearn.datasets import load_digits
from torch import nn

from perennial.authoring import Features, ModelProject, Params, Shape, Source

PIXELS = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]


class Digits(ModelProject):
    """1,797 handwritten digits that come with scikit-learn."""

    def load(self, source: Source) -> pd.DataFrame:
        """One row a picture."""
        digits = load_digits()
        frame = pd.DataFrame(digits.data, columns=PIXELS)
        return frame.assign(digit=digits.target, picture=range(len(frame)))

    def schema(self) -> pa.DataFrameSchema:
        """Sixteen shades of grey, ten digits."""
        return pa.DataFrameSchema(
            {
                "digit": pa.Column(int, pa.Check.in_range(0, 9)),
                **{pixel: pa.Column(float, pa.Check.in_range(0, 16)) for pixel in PIXELS},
            }
        )

    def features(self) -> Features:
        """The pixels are one input of the exported model."""
        return Features(target="digit", vectors={"pixels": PIXELS}, key="picture")

    def build(self, shape: Shape, params: Params) -> nn.Module:
        """One hidden layer."""
        hidden = int(params.get("hidden", 64))
        return nn.Sequential(
            nn.Linear(shape.numbers, hidden), nn.ReLU(), nn.Linear(hidden, shape.outputs)
        )
