"""A real Feast repository for a check: a registry in a file, Parquet behind it, SQLite in front."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

NOW = datetime.now(UTC).replace(microsecond=0)

_SETTINGS = """\
project: shop
provider: local
registry: registry.db
online_store: {type: sqlite, path: online.db}
entity_key_serialization_version: 3
"""
_DEFINITIONS = """\
from datetime import timedelta

import pandas as pd
from feast import Entity, FeatureService, FeatureView, Field, FileSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float32, Float64, Int64, String
from feast.value_type import ValueType

buyer = Entity(name="buyer", join_keys=["buyer"], value_type=ValueType.INT64)
product = Entity(name="product", join_keys=["product"], value_type=ValueType.STRING)


def rows(name):
    return FileSource(name=name, path=f"{name}.parquet", timestamp_field="at")


buyers = FeatureView(
    name="buyers",
    entities=[buyer],
    ttl=timedelta(days=30),
    schema=[Field(name="buyer", dtype=Int64), Field(name="orders", dtype=Int64),
            Field(name="spent", dtype=Float32)],
    source=rows("buyers"),
    description="DESCRIPTION",
)
products = FeatureView(
    name="products",
    entities=[product],
    schema=[Field(name="product", dtype=String), Field(name="rate", dtype=Float64),
            Field(name="orders", dtype=Int64)],
    source=rows("products"),
)
weather = FeatureView(
    name="weather",
    schema=[Field(name="rain", dtype=Float64)],
    source=rows("weather"),
)


@on_demand_feature_view(sources=[buyers], schema=[Field(name="twice", dtype=Int64)])
def doubled(frame: pd.DataFrame, seen: object = __import__("pathlib").Path("MARK").touch()):
    return pd.DataFrame({"twice": frame["orders"] * 2})


returns = FeatureService(
    name="returns", features=[buyers, products[["rate"]], weather]
)
pairs = FeatureService(
    name="pairs",
    # both have names: Feast cannot compare a service with one of None when it is applied again
    features=[buyers[["orders"]].with_name("own"),
              buyers[["orders"]].with_name("friend").with_join_key_map({"buyer": "friend"})],
)
"""


def days(count: float) -> datetime:
    """So many days ago."""
    return NOW - timedelta(days=count)


class Repository:
    """A folder that `feast apply` has been run in."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder = folder
        self.python = python
        self.mark = folder / "code-has-run"
        """There when the registry's code has been run."""
        folder.mkdir()
        (folder / "feature_store.yaml").write_text(_SETTINGS)
        buyers = {
            "buyer": [1, 1, 2, 4],
            "orders": [1, 5, 7, 2**53 + 1],
            "spent": [10.5, 50.25, 20.0, 0.0],
            "at": [days(40), days(1), days(40), days(1)],
        }
        products = {
            "product": ["a", "b"],
            "rate": [0.25, 0.75],
            "orders": [100, 200],
            "at": [days(50), days(50)],
        }
        weather = {"rain": [1.0, 2.0], "at": [days(45), days(3)]}
        for name, table in {"buyers": buyers, "products": products, "weather": weather}.items():
            pq.write_table(pa.table(table), folder / f"{name}.parquet")
        self.apply()

    def apply(self, description: str = "what buyers did") -> None:
        """Put the definitions into the registry."""
        path = self.folder / "definitions.py"
        text = _DEFINITIONS.replace("DESCRIPTION", description)
        path.write_text(text.replace("MARK", str(self.mark)))
        self.feast("apply")
        self.mark.unlink()

    def materialize(self) -> None:
        """Fill the online store with what is known now."""
        self.feast("materialize", days(90).isoformat(), NOW.isoformat())

    def feast(self, *command: str) -> None:
        """Run Feast's own command."""
        done = subprocess.run(
            [str(self.python.with_name("feast")), *command],
            cwd=self.folder,
            env=os.environ | {"FEAST_USAGE": "False"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
