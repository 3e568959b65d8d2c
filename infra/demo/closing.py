"""What to look at after the demo, and where the logs are when it failed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from infra.demo.moves import MODEL, PRODUCTION
from infra.demo.stage import Stage


def where_to_look(stage: Stage, stack: dict[str, Any], pictures: Path) -> None:
    """Links, tokens, and what to try next."""
    at = stack.get("addresses", {})
    stage.say("\nLook around", style="bold")
    query = f'ModelName="{MODEL}"'
    for name, place in (
        ("Temporal", f"{at.get('temporal_ui')}/namespaces/default/workflows  (query: {query})"),
        ("MLflow", f"{at.get('mlflow')}/#/models/{MODEL}"),
        ("API", f"{at.get('api')}/openapi.json"),
        ("answers", f"{at.get('serving')}/v2/models/{MODEL}  (docs/guides/predict.md)"),
        ("pictures", f"{pictures}/rollout-{MODEL}-*.html  (weights and verdicts over time)"),
        ("tokens", stack.get("tokens_file")),
        ("logs", stack.get("logs")),
    ):
        stage.say(f"  {name:<9} {place}")
    stage.say("\nTry next", style="bold")
    for command, what in (
        (["status", MODEL], "the model, its champions, its runs"),
        (["champions", MODEL, "--at", "2026-01-01"], "what was champion at a time"),
        (["decisions", "replay", "--policy", "policies"], "what another policy would flip"),
        (["run", MODEL, "--param", "layers=2", "--epochs", "8"], "a model of yours"),
        (["promote", MODEL, "1", "--to", PRODUCTION], "an old version, judged anew"),
        (["rollout", "show", MODEL], "who answers which part of the requests"),
        (["--help"], "everything else"),
    ):
        stage.say(f"  .venv/bin/perennial {shlex.join(command):<46} {what}")
    stage.say(f"  {'make down':<66} stop it all, keep the data")


def where_it_broke(stage: Stage, why: str, stack: dict[str, Any]) -> None:
    """What failed, and where more about it is to be found."""
    stage.say(f"\nThe demo failed: {why}", style="bold red")
    logs = stack.get("logs", "the logs folder of the stack's state")
    stage.say(f"  logs      {logs} (`make logs` follows them, `make status` shows what runs)")
    if ui := stack.get("addresses", {}).get("temporal_ui"):
        stage.say(f"  Temporal  {ui}/namespaces/default/workflows")
    stage.say(f"  the run   .venv/bin/perennial runs --model {MODEL} --limit 3")
    stage.say("  again     make demo")


def read_stack(state_dir: Path | None) -> dict[str, Any]:
    """What `make up` wrote about the stack; nothing when it has not."""
    try:
        return dict(json.loads(((state_dir or Path()) / "stack.json").read_text()))
    except (OSError, ValueError):
        return {}
