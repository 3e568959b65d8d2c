"""A version of which everything is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from perennial.canonical import digest
from perennial.card.known import Asked, Judged, Known, Reigned, Seen, Voted
from perennial.contracts.examined import Calibration, ReliabilityBin, Strain
from perennial.contracts.records import VersionRecord
from perennial.contracts.training import Installed, Quantised
from tests import samples
from tests.questions import EXAMINED, RULES
from tests.samples import at

CARD = {
    "intended_use": "Passengers are warned.",
    "limits": ["It must not set anybody's pay."],
    "contact": "ada@example.org",
}
EVIDENCE = {
    "groups": ["sex"],
    "modes": {"champion": "warn"},
    "rules": [rule.model_dump() for rule in RULES],
}
DETAILS: dict[str, Any] = {
    "shuffled": {"distance": 0.02, "origin": 0.11},
    "curves": {
        "positives": 0.25,
        "roc": [[0.0, 0.0], [0.1, 0.55], [1.0, 1.0]],
        "pr": [[0.0, 1.0], [1.0, 0.25]],
    },
}


def known(**changes: Any) -> Known:
    """Version 1 of flights, in production after an approval and watched since."""
    bins = (ReliabilityBin(low=0.1, high=0.2, rows=90, expected=0.15, observed=0.21),)
    robustness = EXAMINED.robustness
    assert robustness is not None
    strains = {**robustness.strains, "shuffle": Strain(value=0.61, drop=0.11, column="origin")}
    examined = EXAMINED.model_copy(
        update={
            "calibration": Calibration(error=0.03, brier=0.15, bins=bins),
            "robustness": robustness.model_copy(update={"strains": strains}),
        }
    )
    evidence = samples.evidence(1, "flights-1").model_copy(
        update={
            "examined": examined,
            "champions": {3: {"roc_auc": 0.69}},
            "opset": 20,
            "int8": Quantised(kept=False, reason="not faster here"),
        }
    )
    code = samples.trained().code.model_copy(
        update={
            "platform_digest": "d" * 64,
            "installed": Installed(
                python="3.11.9",
                machine="Linux x86_64",
                libraries={"torch": "2.13"},
                digest="e" * 64,
            ),
        }
    )
    evidence = evidence.model_copy(update={"code": code})
    watched = tuple(
        epoch.model_copy(update={"metrics": {"validation_loss": 0.4 + 0.1 * epoch.epoch}})
        for epoch in samples.trained().epochs
    )
    record = VersionRecord(
        model="flights",
        version=1,
        run_id="flights-1",
        author="engineer",
        snapshot=samples.snapshot(),
        trained=samples.trained().model_copy(update={"epochs": watched, "kept_epoch": 1}),
        exported=samples.exported(),
        evidence=evidence,
        evidence_digest=digest(evidence),
    )
    whole = Known(
        spec=samples.spec(card=CARD, evidence=EVIDENCE),
        record=record,
        details=DETAILS,
        judged=[
            Judged(
                *("d-1", "production", "needs_approval", at(6), ["1 approval is missing"]),
                policy="f" * 64,
            )
        ],
        asked=[
            Asked("production", "approved", at(7), 1, [Voted("bob", True, at(10), "it is fair")])
        ],
        reigned=[Reigned("production", at(20), None, "promotion", "engineer", "new data")],
        watched="production",
        seen=[
            Seen(at(60), at(120), 900, "pass", "nothing moved", 0.0),
            Seen(
                *(at(120), at(180), 800, "fail", "distance has moved", 0.4, "distance"),
                *("pass", {"roc_auc": 0.7}),
            ),
        ],
    )
    return replace(whole, **changes)


def bare() -> Known:
    """A version of which nothing but its metrics is known."""
    full = known()
    evidence = samples.evidence(1, "flights-1")
    record = full.record.model_copy(update={"evidence": evidence})
    return Known(spec=samples.spec(), record=record)
