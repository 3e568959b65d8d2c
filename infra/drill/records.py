"""The records of a stack as its database file has them, whatever of the stack lives."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

_BUSY_SECONDS = 20.0


@dataclass(frozen=True)
class StageSeen:
    """A stage of a run, as it stands."""

    status: str
    progress: dict[str, Any]


@dataclass(frozen=True)
class OpenQuestion:
    """What a run waits for people to answer."""

    approval_id: str
    evidence_digest: str


class Records:
    """Reads a database file directly. Not to be shared between threads.

    All of it is asked by the model's name, and is of the run that is drilled: its first one, or the
    one that `look_at` names.
    """

    def __init__(self, file: Path) -> None:
        # not opened read-only: `holding` takes the lock of writers, and writes nothing
        self._connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)
        self._connection.row_factory = sqlite3.Row

        self._runs: dict[str, int] = {}

    def look_at(self, model: str, run: int) -> None:
        """Look at another run of a model than its first one; `run` counts from 1."""
        self._runs[model] = run

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Keep everyone else from writing for a moment: what stands now stands until the end."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def stage(self, model: str, stage: str, environment: str) -> StageSeen | None:
        """A stage of the model's run; None before it has begun."""
        row = self._one(
            "SELECT status, progress FROM stages WHERE run_id=? AND stage=? AND environment=?",
            (self._run_id(model), stage, environment),
        )
        return StageSeen(row["status"], json.loads(row["progress"])) if row else None

    def is_finished(self, model: str) -> bool:
        """Whether the model's run has ended."""
        row = self._one("SELECT status FROM runs WHERE run_id=?", (self._run_id(model),))
        return row is not None and row["status"] == "finished"

    def waits_for_people(self, model: str) -> OpenQuestion | None:
        """The question that the model's run has put, once it waits for the answer."""
        row = self._one(
            "SELECT approval_id, evidence_digest FROM approvals JOIN runs USING (run_id) "
            "WHERE run_id=? AND approvals.status='open' AND runs.status='waiting'",
            (self._run_id(model),),
        )
        return OpenQuestion(row["approval_id"], row["evidence_digest"]) if row else None

    def run(self, model: str) -> dict[str, Any]:
        """How the model's run stands."""
        row = self._one(
            "SELECT run_id, outcome, reason, error_type FROM runs WHERE run_id=?",
            (self._run_id(model),),
        )
        return dict(row) if row else {}

    def stages(self, model: str) -> list[dict[str, Any]]:
        """All stages of the model's run in their order, with the seconds each took."""
        rows = self._all(
            "SELECT * FROM stages WHERE run_id=? ORDER BY position", (self._run_id(model),)
        )
        return [{**row, "seconds": _seconds(row)} for row in map(dict, rows)]

    def ledger(self) -> Iterator[dict[str, Any]]:
        """Every row of the ledger, as it is verified."""
        with closing(self._connection.execute("SELECT * FROM ledger ORDER BY seq")) as rows:
            for row in rows:
                yield {**dict(row), "body": json.loads(row["body"])}

    def promotions(self, model: str) -> list[str]:
        """The environment of each move of a champion of the model."""
        rows = self._all("SELECT environment FROM champion_history WHERE model=?", (model,))
        return [row["environment"] for row in rows]

    def versions(self, model: str) -> int:
        """How many versions the model has."""
        return int(self._all("SELECT count(*) FROM versions WHERE model=?", (model,))[0][0])

    def windows(self, model: str) -> list[dict[str, Any]]:
        """Windows of the model's requests, oldest first."""
        return self._of(model, "windows", "start")

    def labels(self, model: str) -> list[dict[str, Any]]:
        """Labels of the model's rows."""
        return self._of(model, "labels", "request_id")

    def alerts(self, model: str) -> list[dict[str, Any]]:
        """Alerts of the model, oldest first."""
        return self._of(model, "alerts", "first_at")

    def deliveries(self, model: str) -> list[dict[str, Any]]:
        """What is to be told, or was, oldest first."""
        return self._of(model, "deliveries", "created_at")

    def _of(self, model: str, table: str, order: str) -> list[dict[str, Any]]:
        rows = self._all(f"SELECT * FROM {table} WHERE model=? ORDER BY {order}", (model,))
        return [dict(row) for row in rows]

    def _run_id(self, model: str) -> str:
        """Of the run that is looked at; empty before there is one."""
        row = self._one(
            "SELECT run_id FROM runs WHERE model=? ORDER BY created_at, run_id LIMIT 1 OFFSET ?",
            (model, self._runs.get(model, 1) - 1),
        )
        return row["run_id"] if row else ""

    def _one(self, query: str, values: tuple[str | int, ...]) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return found

    def _all(self, query: str, values: tuple[str, ...]) -> list[sqlite3.Row]:
        return self._connection.execute(query, values).fetchall()


def _seconds(row: dict[str, Any]) -> float:
    if not row["finished_at"]:
        return 0.0
    began, ended = (datetime.fromisoformat(row[name]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds()
