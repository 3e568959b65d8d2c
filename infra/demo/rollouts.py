"""The scenes with requests in them: a version that earns its traffic, and one that does not."""

from __future__ import annotations

from pathlib import Path

from infra.demo.callers import Callers
from infra.demo.moves import MODEL, PRODUCTION, SPEC, approve, must_be, newest, promoted
from infra.demo.stage import SceneFailed, Stage
from perennial.cli import exits
from perennial.client import Client

CANARY = "examples/flights/canary.yaml"
FAULTY = "examples/flights/faulty.yaml"

# What makes a run better than the page of YAML; examples/flights/README.md says why.
BETTER = ("--epochs", "6", "--param", "layers=1", "--param", "hidden=64")


def faulty_model(
    stage: Stage, client: Client, serving: str, pictures: Path, *, champion: int
) -> None:
    """A version that is better on held-out rows, and has two faults: slow, and then wrong."""
    stage.scene(
        "A better model with a fault is rolled back by itself",
        "A hidden layer, and two faults that were planted: no held-out row shows them. It gets a "
        "part of the requests, beside a control.",
    )
    stage.type("apply", "-f", FAULTY)
    stage.type("rollout", "plan", MODEL)
    stage.type("run", MODEL, "--reason", "a hidden layer", ends=exits.WAITING)
    first = _roll_out(stage, client, serving, "better on the same rows", ends=exits.DENIED)
    version = _must_be_off(client, first, "slower than")
    stage.say("\nIt was slow. Again, with a wider limit on that, and with its answers watched too.")
    stage.type("apply", "-f", CANARY)
    stage.type("promote", MODEL, str(version), "--to", PRODUCTION, ends=exits.WAITING)
    again = _roll_out(stage, client, serving, "slow, but better", ends=exits.DENIED)
    _must_be_off(client, again, "answers")
    must_be(client, champion)
    _draw(stage, again, pictures)


def better_model(stage: Stage, client: Client, serving: str, pictures: Path) -> int:
    """The same without its faults, promoted by steps. Returns its version."""
    stage.scene(
        "Without its faults it earns its traffic",
        "It was wrong, on days as warm as none that it was trained on. Now without the faults, "
        "step by step.",
    )
    stage.type("run", MODEL, *BETTER, "--reason", "without the faults", ends=exits.WAITING)
    run_id = _roll_out(stage, client, serving, "better on the same rows", ends=exits.OK)
    _draw(stage, run_id, pictures)
    better = promoted(client, run_id)
    stage.say("\nThe page without a rollout counts again: later runs need no callers.")
    stage.type("apply", "-f", SPEC)
    return better


def _must_be_off(client: Client, run_id: str, told: str) -> int:
    """Check that a run's version was rolled back for a reason. Returns the version."""
    run = client.run(run_id)
    version, why = run["version"], run["reason"]
    if version is None or "rolled back" not in why or told not in why:
        raise SceneFailed(f"run {run_id} was to be rolled back, by {told!r}, but: {why}")
    return version


def _roll_out(stage: Stage, client: Client, serving: str, comment: str, *, ends: int) -> str:
    """Approve the newest run while callers ask, and watch it to its end. Returns its id."""
    with Callers(serving, MODEL) as callers:
        run_id = approve(stage, client, comment)
        stage.type("rollout", "watch", MODEL, ends=ends)
        stage.say(f"  {callers.counted()}", style="cyan")
    if newest(client)["run_id"] != run_id:
        raise SceneFailed(f"somebody else has started a run of {MODEL}")
    return run_id


def _draw(stage: Stage, run_id: str, pictures: Path) -> None:
    stage.type("rollout", "picture", run_id, "--out", str(pictures / f"rollout-{run_id}.html"))
