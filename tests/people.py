"""The people who use a stack, each with a client of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.stack import Stack
from perennial.client import Client
from perennial.documents import Run
from perennial.settings import Settings


class People:
    """Clients by the name of their principal, and what tests ask for again and again."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.url = stack.urls["api"]
        tokens = Settings(state_dir=stack.config.layout.state_dir).tokens
        self._tokens = {
            entry["name"]: entry["token"] for entry in json.loads(tokens.read_text())["tokens"]
        }
        self._clients: dict[str, Client] = {}

    def client(self, name: str) -> Client:
        if name not in self._clients:
            self._clients[name] = Client(self.url, self._tokens[name])
        return self._clients[name]

    @property
    def engineer(self) -> Client:
        return self.client("engineer")

    @property
    def approver(self) -> Client:
        return self.client("approver")

    @property
    def admin(self) -> Client:
        return self.client("admin")

    @property
    def viewer(self) -> Client:
        return self.client("viewer")

    def token(self, name: str) -> str:
        return self._tokens[name]

    def apply(self, spec: dict[str, Any]) -> Any:
        return self.engineer.apply(json.dumps(spec).encode())

    def follow(self, run_id: str, until: Callable[[Run], bool]) -> Run:
        """The run's detail once it is as wanted; events say when to look again."""
        run = self.engineer.run(run_id)
        if until(run) or run["status"] == "finished":
            return run
        for event in self.engineer.events(run_id):
            if event.name in ("run", "approval", "end"):
                run = self.engineer.run(run_id)
                if until(run) or run["status"] == "finished":
                    return run
        return self.engineer.run(run_id)

    def finished(self, run_id: str) -> Run:
        return self.follow(run_id, lambda run: run["status"] == "finished")

    def run(self, model: str, **overrides: Any) -> Run:
        """Start a run and see it to its end."""
        accepted = self.engineer.start_run(model, **overrides)
        return self.finished(accepted["run_id"])


def write_points(folder: Path, rows: list[str], name: str = "points.csv") -> Path:
    """A CSV of points with a header."""
    path = folder / name
    path.write_text("\n".join(["key,x,y,kind,label", *rows]) + "\n")
    return path


def good_rows(count: int = 400) -> list[str]:
    """Two classes that a line separates but for some noise."""
    rows = []
    for i in range(count):
        x, y = (i * 37 % 101) / 50 - 1, (i * 53 % 89) / 44 - 1
        label = int(x + y + ((i * 17 % 23) / 23 - 0.5) > 0)
        rows.append(f"k{i},{x:.3f},{y:.3f},{'ab'[i % 2]},{label}")
    return rows
