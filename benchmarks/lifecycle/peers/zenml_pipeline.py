"""The work as a pipeline of ZenML, run in this process; its store is SQLite in a folder."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated, Any

os.environ |= {
    "ZENML_CONFIG_PATH": sys.argv[1],
    "ZENML_ANALYTICS_OPT_IN": "false",
    "ZENML_LOGGING_VERBOSITY": "ERROR",
    "ZENML_ENABLE_RICH_TRACEBACK": "false",
    "ZENML_DISABLE_STEP_LOGS_STORAGE": "true",
    "ZENML_DISABLE_PIPELINE_LOGS_STORAGE": "true",
}
sys.path.append(sys.argv[2])  # our ML libraries, behind its own

from zenml import pipeline, step

from benchmarks.lifecycle import work
from benchmarks.orchestration.talk import answer


@step
def load() -> Annotated[work.Rows, "rows"]:
    """Rows."""
    return work.load()


@step
def train(rows: work.Rows, epochs: int) -> Annotated[work.Trained, "trained"]:
    """Train."""
    return work.train(rows, epochs)


@step
def evaluate(rows: work.Rows, trained: work.Trained) -> Annotated[dict[str, float], "metrics"]:
    """Measure."""
    return work.evaluate(rows, trained)


@step
def export(rows: work.Rows, trained: work.Trained) -> Annotated[bytes, "onnx"]:
    """Export."""
    return work.export(rows, trained)


@step
def register(
    rows: work.Rows, trained: work.Trained, metrics: dict[str, float], file: bytes
) -> Annotated[str, "version"]:
    """Register."""
    return work.register("digits-zenml", rows, trained, metrics, file)


@pipeline(enable_cache=False)
def lifecycle(epochs: int) -> None:
    """The whole life."""
    rows = load()
    trained = train(rows, epochs)
    metrics = evaluate(rows, trained)
    register(rows, trained, metrics, export(rows, trained))


async def main() -> None:
    """Serve jobs."""

    async def do(job: dict[str, Any]) -> None:
        lifecycle(job["epochs"])

    await answer(do)


if __name__ == "__main__":
    asyncio.run(main())
