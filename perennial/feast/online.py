"""Ask a model about entities, with what the online store knows of them. Runs where Feast does.

A caller in Python imports this file (it needs Feast and nothing of ours):

    from online import Asker

    asker = Asker("features", "returns", service="returns")
    asker.predict([{"buyer": 7, "price": 9.5}])

or asks by hand, a row of JSON each: `online.py --repo features --service returns returns ROW...`
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_SECONDS = 10.0
_NOBODY = "__dummy_id"
"""Feast's own name for the key of a view that has none."""


class Asker:
    """Puts features beside what a caller knows, and asks a model of the prediction service."""

    def __init__(
        self,
        repo: str,
        model: str,
        *,
        service: str | None = None,
        features: Sequence[str] = (),
        full_names: bool = False,
        serving: str = "http://127.0.0.1:8080",
    ) -> None:
        """`service`, `features` and `full_names`: as in the spec's `source.feature_views`."""
        from feast import FeatureStore

        self._store = FeatureStore(repo_path=repo)
        self._full = full_names
        self._url = f"{serving.rstrip('/')}/v1/models/{model}:predict"
        self._wanted: Any = self._store.get_feature_service(service) if service else [*features]
        self._keys: set[str] = set()
        self._longest: dict[str, float] = {}
        """Seconds that a feature counts, by its column; those without a limit are not here."""
        for view, name, columns in self._views():
            renamed = view.projection.join_key_map
            self._keys |= {renamed.get(key, key) for key in view.join_keys if key != _NOBODY}
            if view.ttl:
                prefix = f"{name}__" if full_names else ""
                self._longest |= {f"{prefix}{c}": view.ttl.total_seconds() for c in columns}

    def _views(self) -> list[tuple[Any, str, list[str]]]:
        if not isinstance(self._wanted, list):
            return [
                (
                    self._store.get_feature_view(each.name).with_projection(each),
                    each.name_to_use(),
                    [feature.name for feature in each.features],
                )
                for each in self._wanted.feature_view_projections
            ]
        split = [reference.split(":", 1) for reference in self._wanted]
        return [(self._store.get_feature_view(name), name, [feature]) for name, feature in split]

    def rows(self, asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Each row with its features. One that is not known, or that is older than its view lets
        it be, is None: training has it missing then, too.

        Args:
            asked: keys of entities, and what else the model reads of its caller.

        Raises:
            ValueError: a row lacks a key.
        """
        for n, row in enumerate(asked):
            if lacking := self._keys - set(row):
                raise ValueError(f"row {n} has no {min(lacking)!r}, by which features are found")
        keys = [{name: row[name] for name in self._keys} for row in asked]
        found = self._store.get_online_features(
            features=self._wanted, entity_rows=keys, full_feature_names=self._full
        ).to_dict(include_event_timestamps=True)
        now = time.time()
        columns = {
            name: [
                None if self._is_old(name, now - found[f"{name}__ts"][n]) else _plain(value)
                for n, value in enumerate(values)
            ]
            for name, values in found.items()
            if f"{name}__ts" in found and name not in self._keys
        }
        return [
            {**{name: values[n] for name, values in columns.items()}, **row}
            for n, row in enumerate(asked)
        ]

    def _is_old(self, column: str, age: float) -> bool:
        return age > self._longest.get(column, math.inf)

    def predict(self, asked: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The model's answers, in the order of the rows.

        Raises:
            RuntimeError: the service refused; the message is its own.
        """
        body = json.dumps({"instances": self.rows(asked)}, default=str).encode()
        request = Request(self._url, body, {"content-type": "application/json"})
        try:
            with urlopen(request, timeout=_SECONDS) as answer:
                told: list[Any] = json.loads(answer.read())["predictions"]
        except HTTPError as error:
            raise RuntimeError(f"{self._url}: {error.code} {error.read()[:600]!r}") from error
        return told


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main() -> None:
    """Print the answers to rows that are given as JSON."""
    parser = argparse.ArgumentParser(description="Ask a model with features of the online store.")
    parser.add_argument("--repo", required=True, help="the folder with feature_store.yaml")
    parser.add_argument("--service", help="a feature service")
    parser.add_argument("--feature", action="append", default=[], help="view:feature, repeated")
    parser.add_argument("--full-names", action="store_true", help="columns are view__feature")
    parser.add_argument("--serving", default="http://127.0.0.1:8080", help="the service's address")
    parser.add_argument("model")
    parser.add_argument("rows", nargs="+", help='such as \'{"buyer": 7, "price": 9.5}\'')
    given = parser.parse_args()
    asker = Asker(
        given.repo,
        given.model,
        service=given.service,
        features=given.feature,
        full_names=given.full_names,
        serving=given.serving,
    )
    for answer in asker.predict([json.loads(row) for row in given.rows]):
        print(json.dumps(answer))  # noqa: T201


if __name__ == "__main__":
    main()
