"""What scenes have in common: the model, its newest run, a yes to it, and who is champion."""

from __future__ import annotations

from infra.demo.stage import SceneFailed, Stage
from perennial.client import Client
from perennial.documents import Run

MODEL = "flights"
SPEC = "examples/flights/model.yaml"
PRODUCTION = "production"


def newest(client: Client) -> Run:
    """The run that was started last."""
    return client.run(client.runs(model=MODEL, limit=1)[0]["run_id"])


def approve(stage: Stage, client: Client, comment: str) -> str:
    """Say yes to the newest run as another person. Returns the run's id."""
    run_id = newest(client)["run_id"]
    stage.type("--as", "approver", "approve", run_id, "--yes", "--comment", comment)
    return run_id


def promoted(client: Client, run_id: str) -> int:
    """The version that a run has made champion of production.

    Raises:
        SceneFailed: it has not.
    """
    version = client.run(run_id)["version"]
    if version is None:
        raise SceneFailed(f"run {run_id} was promoted without a version")
    must_be(client, version)
    return version


def must_be(client: Client, version: int) -> None:
    """Check who is champion of production.

    Raises:
        SceneFailed: it is another version.
    """
    for champion in client.champions(MODEL):
        if champion["environment"] == PRODUCTION and champion["version"] == version:
            return
    raise SceneFailed(
        f"version {version} of {MODEL} should be champion of {PRODUCTION}, and is not"
    )
