"""The files of a batch: written beside the log first, and moved into it hour by hour."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, cast

from perennial.contracts.base import Json
from perennial.storage import filesystem

if TYPE_CHECKING:
    import pyarrow as pa


class BatchFiles:
    """One batch. Its files have names of its own, so that a second try writes the same ones."""

    def __init__(self, url: str, environment: str, model: str, batch: str) -> None:
        self._fs, root = filesystem(url)
        where = f"environment={environment}/model={model}"
        root = root.rstrip("/")
        self._log = f"{root}/{where}"
        self._name = f"batch-{hashlib.sha256(batch.encode()).hexdigest()[:24]}"
        # apart from the log: whoever waits for later hours looks at the names of its folders
        self._beside = f"{root}/batches/{where}"
        self._staged = f"{self._beside}/{self._name}"
        self._moves: list[tuple[str, str]] = []

    def known(self) -> Json | None:
        """What was said of the batch before."""
        try:
            return cast(Json, json.loads(self._fs.cat_file(f"{self._staged}.json")))
        except FileNotFoundError:
            return None

    def begin(self, said: Json) -> None:
        """Say that it is being logged; what a try before has left is removed."""
        if self._fs.exists(self._staged):
            self._fs.rm(self._staged, recursive=True)
        for path in self._fs.glob(f"{self._log}/date=*/hour=*/{self._name}-*.parquet"):
            self._fs.rm(path)
        self._fs.makedirs(self._staged, exist_ok=True)
        self._say(said)

    def stage(self, hour: datetime, number: int, table: pa.Table) -> None:
        """Write rows of an hour, the oldest hour first."""
        import pyarrow.parquet as pq

        staged = f"{self._staged}/{hour:%Y-%m-%d-%H}-{number:06}.parquet"
        with self._fs.open(staged, "wb") as file:
            pq.write_table(table, file, compression="snappy", use_dictionary=["variant", "entity"])
        folder = f"{self._log}/date={hour:%Y-%m-%d}/hour={hour:%H}"
        self._moves.append((staged, f"{folder}/{self._name}-{number:06}.parquet"))

    def publish(self) -> None:
        """Move them in the order of their hours: a later one says that earlier ones are over."""
        for staged, path in self._moves:
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._fs.mv(staged, path)
        if self._fs.exists(self._staged):  # in S3 an empty folder is none
            self._fs.rm(self._staged, recursive=True)

    def end(self, said: Json) -> None:
        """Say that all of it is there."""
        self._say(said)

    def _say(self, said: Json) -> None:
        partial = f"{self._staged}.json.partial"
        self._fs.pipe_file(partial, json.dumps(said).encode())
        self._fs.mv(partial, f"{self._staged}.json")
