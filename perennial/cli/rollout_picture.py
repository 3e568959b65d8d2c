"""Fetch what a picture of a run's rollouts is made of, and write it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from perennial.cli import exits
from perennial.cli.problems import Stop
from perennial.cli.watch import so_far
from perennial.client import Client
from perennial.picture import page, timelines


def write_picture(client: Client, run_id: str, file: Path) -> None:
    """Write the page to a file.

    Raises:
        Stop: the run has rolled nothing out, or the file cannot be written.
        ApiError: there is no such run.
    """
    events = so_far(client, run_id)
    run = client.run(run_id)
    asked = [event.data["decision_id"] for event in events if event.name == "decision"]
    now = datetime.now(UTC)
    found = timelines(run, events, [client.decision(each) for each in asked], now)
    if not found:
        raise Stop(
            f"run {run_id} has rolled nothing out",
            advice=f"`perennial rollout plan {run['model']}` says whether its model's spec has a "
            f"rollout; `perennial runs --model {run['model']}` lists its runs",
            code=exits.NOT_FOUND,
        )
    try:
        file.write_text(page(run, found, now), encoding="utf-8")
    except OSError as error:
        raise Stop(
            f"{file} cannot be written: {error.strerror}",
            advice="--out names a file in a folder that is there",
            code=exits.USAGE,
        ) from None
