"""The work as a flow of Prefect, called in this process; the server is its own, on SQLite."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.orchestration.peers.prefect_steps import serve_with_server
from benchmarks.orchestration.talk import answer

sys.path.append(sys.argv[2])  # our ML libraries, behind its own


async def _flows() -> None:
    from prefect import flow, task  # reads its settings when it is loaded

    from benchmarks.lifecycle import work

    load, train, evaluate, export, register = (
        task(step) for step in (work.load, work.train, work.evaluate, work.export, work.register)
    )

    @flow
    def lifecycle(epochs: int) -> str:
        rows = load()
        trained = train(rows, epochs)
        metrics = evaluate(rows, trained)
        return register("digits-prefect", rows, trained, metrics, export(rows, trained))

    async def do(job: dict[str, Any]) -> None:
        lifecycle(job["epochs"])

    await answer(do)


if __name__ == "__main__":
    serve_with_server(_flows, folder=sys.argv[1])
