"""What is left of a model's life when its run has ended, in a form that two lives share."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from infra.drill.records import Records
from perennial import ledger

# What two lives have in common; ids, times, digests and people's names are their own.
_ESSENTIALS = (
    "approve",
    "approvals_missing",
    "approvals_required",
    "cause",
    "changed",
    "environment",
    "epoch",
    "outcome",
    "reached",
    "required",
    "snapshot",
    "spec_version",
    "status",
    "version",
    "votes",
)
_SECONDS = 10.0


@dataclass(frozen=True)
class Life:
    """A life, without what is particular to it."""

    outcome: str
    reason: str
    error_type: str
    stages: tuple[str, ...]
    promotions: Counter[str]
    """How often each environment got a champion."""
    versions: int
    registered: int
    """Versions that MLflow has."""
    facts: Counter[str]
    """The rows of the ledger, each by its kind and essentials."""
    ledger_problem: str = ""
    watched: Counter[str] = field(default_factory=Counter)
    """What became of it while it was watched."""


def read_life(records: Records, mlflow: str, model: str) -> Life:
    """The life of a model that has had one run."""
    run = records.run(model)
    rows = list(records.ledger())
    verdict = ledger.verify(rows)
    bad = verdict.first_bad
    return Life(
        outcome=run["outcome"],
        reason=run["reason"],
        error_type=run["error_type"],
        stages=tuple(_stage(stage) for stage in records.stages(model)),
        promotions=Counter(records.promotions(model)),
        versions=records.versions(model),
        registered=len(registered_versions(mlflow, model)),
        facts=Counter(_fact(row) for row in rows if row["model"] == model),
        ledger_problem=f"row {bad.seq}: {bad.problem}" if bad else "",
    )


def registered_versions(mlflow: str, model: str) -> list[Any]:
    """The versions of a model in MLflow's registry."""
    asked = urllib.parse.urlencode({"filter": f"name='{model}'"})
    return list(_ask(f"{mlflow}/api/2.0/mlflow/model-versions/search?{asked}", "model_versions"))


def aliases(mlflow: str, model: str) -> dict[str, str]:
    """MLflow's version at each alias of a model."""
    asked = urllib.parse.urlencode({"name": model})
    found = _ask(f"{mlflow}/api/2.0/mlflow/registered-models/get?{asked}", "registered_model")
    return {entry["alias"]: entry["version"] for entry in dict(found).get("aliases", ())}


def _ask(url: str, field: str) -> Any:
    # straight to the service, whatever proxy the person has set
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=_SECONDS) as answer:
        return json.load(answer).get(field, ())


def _stage(stage: dict[str, Any]) -> str:
    return " ".join(filter(None, (stage["stage"], stage["environment"], stage["status"])))


def _fact(row: dict[str, Any]) -> str:
    body = row["body"]
    said = [f"{name}={json.dumps(body[name])}" for name in _ESSENTIALS if name in body]
    return " ".join([row["kind"], *said])
