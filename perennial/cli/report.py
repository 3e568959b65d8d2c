"""Fetch what a report of a model is made of, and write it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from perennial.cli import exits
from perennial.cli.problems import Stop
from perennial.client import Client
from perennial.picture.report import report
from perennial.picture.watched import Watched

_REIGNS = 50


def write_report(client: Client, model: str, environment: str, file: Path, windows: int) -> None:
    """Write the page to a file.

    Args:
        client: of the interface.
        model: that is watched.
        environment: where.
        file: is written over.
        windows: the newest ones, this many.

    Raises:
        Stop: the file cannot be written.
        ApiError: there is no such model.
    """
    page = report(watched(client, model, environment, windows))
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Stop(
            f"{file} cannot be written: {error.strerror}",
            advice="--out names a file in a folder that is there",
            code=exits.USAGE,
        ) from None


def watched(client: Client, model: str, environment: str, windows: int) -> Watched:
    """All that the interface knows of a model that is watched. Raises ApiError."""
    spec = client.spec(model)["spec"]
    listed = client.windows(model, environment=environment, limit=windows)
    # of one start, the list may hold several versions; the page shows the last word on it
    starts = sorted({window["start"] for window in listed})
    found = [client.window(model, environment, start) for start in starts]
    decided = [w["decision_id"] for w in found if w["decision_id"] is not None]
    triggers = client.triggers(model, limit=windows)
    asked = {each["run_id"] for each in triggers if each["run_id"] is not None}
    return Watched(
        model=model,
        environment=environment,
        spec=spec,
        windows=found,
        reigns=client.history(model, environment=environment, limit=_REIGNS),
        now=datetime.now(UTC),
        triggers=triggers,
        decisions={each: client.decision(each) for each in decided},
        versions={v: client.version(model, v) for v in {w["version"] for w in found}},
        runs={each: client.run(each) for each in asked},
        url=client.url,
    )
