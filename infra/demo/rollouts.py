"""The scenes with requests in them: a version that earns its traffic, and two that do not."""

from __future__ import annotations

from pathlib import Path

from infra.demo.callers import Callers
from infra.demo.moves import BETTER, MODEL, SPEC, approve, must_be, newest, promoted
from infra.demo.stage import SceneFailed, Stage
from perennial.cli import exits
from perennial.client import Client

CANARY = "examples/flights/canary.yaml"
FAULTY = "examples/flights/faulty.yaml"


def better_model(stage: Stage, client: Client, serving: str, pictures: Path) -> int:
    """A better version, promoted by steps. Returns it."""
    stage.scene(
        "A better model earns its traffic",
        "A hidden layer. It is measured beside the champion on the very same rows, and then, step "
        "by step, on requests.",
    )
    stage.type("apply", "-f", CANARY)
    stage.type("rollout", "plan", MODEL)
    stage.type("run", MODEL, *BETTER, "--reason", "a hidden layer", ends=exits.WAITING)
    run_id = _roll_out(stage, client, serving, "better on the same rows", ends=exits.OK)
    _draw(stage, run_id, pictures)
    return promoted(client, run_id)


def faulty_models(
    stage: Stage, client: Client, serving: str, pictures: Path, *, champion: int
) -> None:
    """Versions whose faults no held-out row shows."""
    stage.scene(
        "What no held-out row shows is rolled back by itself",
        "Two faults, planted: the gate measures models as good as the champion. Requests tell.",
    )
    stage.type("apply", "-f", FAULTY)
    for fault, told in (("slow", "slower than"), ("wrong", "answers")):
        stage.say(f"\nOne that is {fault}.")
        reason = f"the same, but {fault}"
        stage.type(
            "run", MODEL, "--param", f"fault={fault}", "--reason", reason, ends=exits.WAITING
        )
        run_id = _roll_out(stage, client, serving, "as good as the champion", ends=exits.DENIED)
        ended = client.run(run_id)["reason"]
        if "rolled back" not in ended or told not in ended:
            raise SceneFailed(f"the {fault} version was to be rolled back for that, but: {ended}")
        must_be(client, champion)
    _draw(stage, run_id, pictures)
    stage.say("\nThe page without a rollout counts again: later runs need no callers.")
    stage.type("apply", "-f", SPEC)


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
