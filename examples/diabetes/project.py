"""Will this patient's diabetes progress more than most within a year?"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from sklearn.datasets import load_diabetes
from torch import nn

from perennial.authoring import Features, ModelProject, Params, Shape, Source

MEASURED = ["age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
MOST = 140  # the measure of progression that half of the patients exceed


class Progression(ModelProject):
    """442 patients that come with scikit-learn (Efron et al., "Least angle regression", 2004)."""

    def load(self, source: Source) -> pd.DataFrame:
        """One row a patient. The sex is kept to measure by it; features() does not name it."""
        rows: pd.DataFrame = load_diabetes(as_frame=True, scaled=False).frame
        # the data set calls them 1 and 2 and does not say which is which
        sex = rows["sex"].map({1.0: "one", 2.0: "two"})
        return rows[MEASURED].assign(
            patient=range(len(rows)), sex=sex, progresses=rows["target"] > MOST
        )

    def schema(self) -> pa.DataFrameSchema:
        """Ages and body mass indices of people."""
        return pa.DataFrameSchema(
            {
                "age": pa.Column(float, pa.Check.in_range(0, 120)),
                "bmi": pa.Column(float, pa.Check.in_range(10, 80)),
                "sex": pa.Column(str, pa.Check.isin(["one", "two"])),
            }
        )

    def features(self) -> Features:
        """What was measured."""
        return Features(target="progresses", numeric=MEASURED, key="patient")

    def build(self, shape: Shape, params: Params) -> nn.Module:
        """A logistic regression."""
        return nn.Sequential(nn.Linear(shape.numbers, shape.outputs))
