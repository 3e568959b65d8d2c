"""`perennial evidence`: what people read of it."""

from __future__ import annotations

from typing import Any

from tests.questions import EXAMINED

from .conftest import Call
from .documents import DIGEST, version
from .server import Script

ASKED = "GET /v1/models/flights/versions/3/evidence"


def answer(**more: Any) -> dict[str, Any]:
    known = version()["evidence"]
    return {
        "model": "flights",
        "version": 3,
        "evidence": {**known, **more},
        "evidence_digest": DIGEST,
        "details": {"groups": {}, "shuffled": {"distance": 0.0213, "origin": 0.11}},
    }


def test_all_that_is_known_of_a_version_is_shown(api: Script, cli: Call) -> None:
    examined = EXAMINED.model_dump(mode="json")
    examined["calibration"]["bins"] = [
        {"low": 0.1, "high": 0.2, "rows": 1200, "expected": 0.151, "observed": 0.149}
    ]
    examined["groups"]["sex"]["note"] = "not judged: 1 with fewer than 50 rows"
    speed = {"p50_ms_1": 0.05, "p99_ms_1": 0.2, "p50_ms_64": 0.4, "p99_ms_64": 0.9}
    speed |= {"rows_per_second": 150_000.0, "threads": 1}
    parity = {"passed": True, "max_abs_diff": 6e-8, "flips": 0, "rows": 528}
    api.answers[ASKED] = (
        200,
        answer(
            examined=examined,
            speed=speed,
            megabytes=0.0123,
            parity=parity,
            opset=20,
            int8={"kept": False, "reason": "not faster here", "size": 9},
        ),
    )
    shown = cli("evidence", "flights", "3")
    assert shown.code == 0, shown.err
    told = " ".join(shown.out.split())
    for sentence in (
        "0.012 MB, 0 of 528 rows in another class, ONNX opset 20",
        "8 bits not kept: not faster here",
        "0.050 ms a row (p99 0.200), 0.400 ms for 64 (p99 0.900), 150,000 rows/s on 1 thread(s)",
        "metric value 95% interval roc_auc 0.7421 0.6900 to 0.7500 log_loss 0.4312 -",
        "v3 +0.0200 94% -0.0050 to +0.0450",
        "10% to 20% 1,200 15.1% 14.9%",
        "sex rows roc_auc 95% interval judged F 120 0.7400 0.6900 to 0.7900 yes M 80 0.6900 0.6000",
        "equalized odds difference 0.1800 (0.0500 to 0.3100) note not judged: 1 with fewer than 50",
        "noise all 0.7100 +0.0100 shuffle origin - +0.1100 shuffle distance - +0.0213",
    ):
        assert sentence in told, sentence
    assert max(len(line) for line in shown.out.splitlines()) <= 80
    assert cli("evidence", "flights", "3", "--json").json["evidence_digest"] == DIGEST


def test_evidence_of_before_there_was_more_is_shown(api: Script, cli: Call) -> None:
    api.answers[ASKED] = (200, {**answer(), "details": None})
    told = " ".join(cli("evidence", "flights", "3").out.split())
    assert "roc_auc 0.7421 -" in told and "16,000 held-out rows" in told
