"""The story of the demo, scene by scene. Each number that it shows is measured as you watch."""

from __future__ import annotations

from infra.demo.stage import SceneFailed, Stage
from perennial.cli import exits
from perennial.client import Client
from perennial.documents import Run

MODEL = "flights"
SPEC = "examples/flights/model.yaml"
PRODUCTION = "production"

# What makes a run worse or better than the page of YAML; examples/flights/README.md says why.
WORSE = ("--epochs", "1")
BETTER = ("--epochs", "6", "--param", "layers=1", "--param", "hidden=64")


def tell(stage: Stage, client: Client) -> None:
    """Play all scenes in order.

    Raises:
        SceneFailed: one of them went otherwise.
    """
    _apply(stage, client)
    first = _first_model(stage, client)
    _worse_model(stage, client, champion=first)
    better = _better_model(stage, client)
    _roll_back(stage, client, better=better, first=first)
    _records(stage)
    _history(stage)


def _apply(stage: Stage, client: Client) -> None:
    stage.scene(
        "A page of YAML",
        "What the model is, how it is trained, what it must show, and who owns it.",
    )
    stage.type("apply", "-f", SPEC)
    start_over(stage, client)


def start_over(stage: Stage, client: Client) -> None:
    """Bring a model that has been through the demo before back to its first version."""
    model = client.model(MODEL)
    if model["status"] == "retired":
        raise SceneFailed(f"{MODEL} is retired, and for good: `make clean-state` forgets it")
    if model["status"] == "paused":
        stage.say(f"\n{MODEL} is paused: it goes on.")
        stage.type("--as", "admin", "resume", MODEL, "--reason", "the demo")
    for run_id in model["runs_under_way"]:
        stage.say("\nA run of before is still under way: it makes room.")
        stage.type("cancel", run_id, "--reason", "makes room for the demo")
        # The run's end is awaited, so that the next one does not queue behind it.
        stage.type("status", run_id, "--follow", "--wait", ends=exits.CANCELLED)
    history = client.history(MODEL, environment=PRODUCTION, limit=10_000)
    if not history:
        return
    first = history[-1]["version"]
    moved = [c for c in client.champions(MODEL) if c["version"] != first]
    if moved:
        stage.say(f"\nThis stack has seen the demo before: back to version {first} everywhere.")
    for champion in moved:
        where = champion["environment"]
        reason = "the demo begins anew"
        stage.type("rollback", MODEL, "-e", where, "--to", str(first), "--reason", reason)


def _first_model(stage: Stage, client: Client) -> int:
    stage.scene(
        "A first model",
        "Logistic regression on three months of flights. The policy lets it into production only "
        "with the yes of somebody who is not its author.",
    )
    stage.type("run", MODEL, "--reason", "a first model", ends=exits.WAITING)
    return _approve(stage, client, "good enough to begin with")


def _worse_model(stage: Stage, client: Client, *, champion: int) -> None:
    stage.scene(
        "A worse model is denied",
        "One epoch. It is above the bounds of its spec, and still worse than the champion.",
    )
    stage.type("run", MODEL, *WORSE, "--reason", "can it be cheaper?", ends=exits.DENIED)
    stage.type("decisions", "--run", _newest(client)["run_id"])
    _must_be(client, champion)


def _better_model(stage: Stage, client: Client) -> int:
    stage.scene(
        "A better model takes over",
        "A hidden layer. It is measured beside the champion on the very same rows.",
    )
    stage.type("run", MODEL, *BETTER, "--reason", "a hidden layer", ends=exits.WAITING)
    return _approve(stage, client, "better on the same rows")


def _roll_back(stage: Stage, client: Client, *, better: int, first: int) -> None:
    stage.scene(
        f"Version {first} is put back",
        "Somebody sees something odd. A rollback takes no training, no run and no queue.",
    )
    _must_be(client, better)
    reason = "passengers complain"
    stage.type("rollback", MODEL, "--environment", PRODUCTION, "--reason", reason)
    _must_be(client, first)


def _records(stage: Stage) -> None:
    stage.scene(
        "Everything can be proved",
        "The ledger is a chain of hashes. Every decision is asked again, under the very policy "
        "that made it.",
    )
    stage.type("ledger", "verify")
    stage.type("decisions", "replay")


def _history(stage: Stage) -> None:
    stage.scene("What was in production, when, why, and who wanted it")
    stage.type("champions", MODEL)
    stage.type("champions", MODEL, "--history", "--environment", PRODUCTION)


def _approve(stage: Stage, client: Client, comment: str) -> int:
    """Say yes as another person, watch the run to its end, and check what it led to.

    Returns:
        The version that is champion of production now.
    """
    run_id = _newest(client)["run_id"]
    stage.type("--as", "approver", "approve", run_id, "--yes", "--comment", comment)
    stage.type("status", run_id, "--follow")
    version = client.run(run_id)["version"]
    if version is None:
        raise SceneFailed(f"run {run_id} was promoted without a version")
    _must_be(client, version)
    return version


def _newest(client: Client) -> Run:
    return client.run(client.runs(model=MODEL, limit=1)[0]["run_id"])


def _must_be(client: Client, version: int) -> None:
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
