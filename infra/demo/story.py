"""The story of the demo, scene by scene. Each number that it shows is measured as you watch."""

from __future__ import annotations

from pathlib import Path

from infra.demo.moves import MODEL, PRODUCTION, SPEC, approve, must_be, newest, promoted
from infra.demo.rollouts import better_model, faulty_model
from infra.demo.stage import SceneFailed, Stage
from perennial.cli import exits
from perennial.client import Client


def tell(stage: Stage, client: Client, serving: str, pictures: Path) -> None:
    """Play all scenes in order.

    Args:
        stage: where they are played.
        client: to look at what came of them.
        serving: address of the prediction service.
        pictures: folder for the pictures of rollouts.

    Raises:
        SceneFailed: one of them went otherwise.
    """
    _apply(stage, client)
    first = _first_model(stage, client)
    faulty_model(stage, client, serving, pictures, champion=first)
    better = better_model(stage, client, serving, pictures)
    _old_model(stage, client, old=first, champion=better)
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
    run_id = approve(stage, client, "good enough to begin with")
    stage.type("status", run_id, "--follow")
    return promoted(client, run_id)


def _old_model(stage: Stage, client: Client, *, old: int, champion: int) -> None:
    stage.scene(
        "What is worse on the same rows is denied",
        f"Version {old} wants everything back. It is above the bounds of its spec, and worse than "
        "the champion.",
    )
    stage.type("promote", MODEL, str(old), "--to", PRODUCTION, ends=exits.DENIED)
    stage.type("decisions", "--run", newest(client)["run_id"])
    must_be(client, champion)


def _roll_back(stage: Stage, client: Client, *, better: int, first: int) -> None:
    stage.scene(
        f"Version {first} is put back",
        "Somebody sees something odd. A rollback takes no training, no run and no queue.",
    )
    must_be(client, better)
    reason = "passengers complain"
    stage.type("rollback", MODEL, "--environment", PRODUCTION, "--reason", reason)
    must_be(client, first)


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
