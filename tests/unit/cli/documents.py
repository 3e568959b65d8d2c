"""Documents as the HTTP interface sends them, for a server that plays them back."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
RUN = "flights-0123456789"
DIGEST = "e" * 64
STARTED = "2026-11-23T10:00:00Z"


def stage(name: str, status: str = "passed", **more: Any) -> Json:
    return {
        "stage": name,
        "environment": None,
        "status": status,
        "summary": "",
        "detail": {},
        "progress": {},
        "started_at": STARTED,
        "finished_at": None if status == "running" else "2026-11-23T10:00:02Z",
        **more,
    }


def run(status: str = "running", **more: Any) -> Json:
    return {
        "run_id": RUN,
        "model": "flights",
        "kind": "lifecycle",
        "status": status,
        "outcome": None,
        "reason": "",
        "error_type": "",
        "actor": "engineer",
        "asked_because": "",
        "hotfix": False,
        "group_id": None,
        "spec_version": 1,
        "version": None,
        "reached": None,
        "waiting_for": "",
        "overrides": {},
        "created_at": STARTED,
        "started_at": STARTED,
        "finished_at": None,
        "stages": [],
        "approval": None,
        "retrying": [],
        "links": {"temporal": "http://127.0.0.1:8233/x", "mlflow": "http://127.0.0.1:5000/y"},
        **more,
    }


def finished(outcome: str, reason: str, **more: Any) -> Json:
    return run(
        "finished", outcome=outcome, reason=reason, finished_at="2026-11-23T10:00:41Z", **more
    )


def approval(**more: Any) -> Json:
    return {
        "approval_id": f"{RUN}.production.1",
        "run_id": RUN,
        "model": "flights",
        "version": 3,
        "environment": "production",
        "author": "engineer",
        "required": 1,
        "status": "open",
        "evidence_digest": DIGEST,
        "opened_at": STARTED,
        "expires_at": "2026-12-07T10:00:00Z",
        "votes": [],
        **more,
    }


def waiting(**more: Any) -> Json:
    return run("waiting", waiting_for="approval:production", version=3, approval=approval(), **more)


def model(**more: Any) -> Json:
    return {
        "name": "flights",
        "description": "Will this flight arrive late?",
        "status": "active",
        "task": "binary",
        "risk_tier": "medium",
        "owners": ["team-flights"],
        "environments": ["development", "testing", "staging", "production"],
        "project": "examples.flights.project:FlightDelay",
        "spec_version": 1,
        "updated_at": STARTED,
        "champions": [champion()],
        "runs_under_way": [],
        **more,
    }


def champion(**more: Any) -> Json:
    return {
        "environment": "production",
        "version": 2,
        "epoch": 2,
        "since": STARTED,
        "cause": "promotion",
        "actor": "engineer",
        "reason": "run flights-0123456789",
        "run_id": RUN,
        "decision_id": "d-1",
        **more,
    }


def platform(paused: bool = False, **more: Any) -> Json:
    return {
        "paused": paused,
        "epoch": 1 if paused else 0,
        "actor": "engineer" if paused else "",
        "reason": "bad data" if paused else "",
        "since": STARTED if paused else None,
        **more,
    }


def version(**more: Any) -> Json:
    return {
        "model": "flights",
        "version": 3,
        "run_id": RUN,
        "author": "engineer",
        "created_at": STARTED,
        "metrics": {"roc_auc": 0.7421, "log_loss": 0.4312},
        "champion_in": ["development", "testing", "staging", "production"],
        "evidence_digest": DIGEST,
        "evidence": {
            "metrics": {"roc_auc": 0.7421, "log_loss": 0.4312},
            "champions": {"2": {"roc_auc": 0.7312, "log_loss": 0.4401}},
            "validation": {"passed": True, "rows": 80_000, "checks": 12, "violations": []},
            "parity": {"passed": True, "max_abs_diff": 6e-8},
            "code": {"project": "examples.flights.project:FlightDelay", "source_digest": "c" * 64},
            "test_rows": 16_000,
            "produced_at": STARTED,
        },
        **more,
    }


def decision(**more: Any) -> Json:
    return {
        "decision_id": "d-0123456789ab",
        "kind": "promotion",
        "model": "flights",
        "environment": "production",
        "version": 3,
        "run_id": RUN,
        "wish": "into production",
        "outcome": "deny",
        "action": "",
        "reasons": ["roc_auc 0.6100 is below the minimum 0.6800"],
        "warnings": [],
        "dry_run": [],
        "approvals_required": 0,
        "approvals_missing": 0,
        "policy_digest": "b" * 64,
        "decided_at": STARTED,
        **more,
    }


def judgement(outcome: str, **more: Any) -> Json:
    """What a policy said of a decision that is asked again."""
    return {"outcome": outcome, "action": "", "reasons": [], "policy_digest": "a" * 64, **more}


def flipped(**more: Any) -> Json:
    """A decision that would be another one now."""
    return {
        "decision_id": "d-1",
        "kind": "promotion",
        "model": "flights",
        "environment": "production",
        "version": 3,
        "wish": "into production",
        "window_start": None,
        **more,
    }


def rollout(*shares: tuple[str, int, float], **more: Any) -> Json:
    """What answers: name, version and percent of each variant."""
    return {
        "model": "flights",
        "environment": "production",
        "epoch": 5,
        "champion_epoch": 2,
        "variants": [
            {
                "name": name,
                "version": version,
                "percent": percent,
                "shadow_percent": 0.0,
                "requests": 1200,
                "errors": 3,
                "slow": 0,
                "refused": 0,
                "compared": 0,
                "disagreed": 0,
                "missed": 0,
                "logged": 0,
                "lost": 0,
                "labelled": 0,
                "wrong": 0,
            }
            for name, version, percent in shares or (("champion", 2, 100.0),)
        ],
        "processes": 2,
        "behind": [],
        "under_way": None,
        **more,
    }


def climbing(**more: Any) -> Json:
    """Version 3 at the first step of its rollout."""
    return {
        "run_id": RUN,
        "version": 3,
        "step": 1,
        "percent": 10.0,
        "held": "",
        "verdict": "no_data",
        "reason": "it has not begun",
        "waiting": False,
        "evidence_digest": "",
        "expires_at": None,
        **more,
    }


def judged(**verdicts: str) -> Json:
    """What the watch tells of the first step."""
    return {
        "step": 1,
        "steps": 2,
        "weights": {"challenger": 0.1, "champion": 0.8, "control": 0.1},
        "shadow": 0.0,
        "assessments": {
            name: {"verdict": verdict, "reason": f"{name}: its sentence"}
            for name, verdict in verdicts.items()
        },
        "holds_until": "2026-11-23T10:10:00Z",
    }


def problem(status: int, kind: str, detail: str, **more: Any) -> Json:
    return {
        "type": f"urn:perennial:error:{kind}",
        "title": kind.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        **more,
    }


def window(start: str = "2026-11-16T00:00:00Z", **more: Any) -> Json:
    return {
        "model": "flights",
        "environment": "production",
        "version": 2,
        "start": start,
        "end": "2026-11-23T00:00:00Z",
        "rows": 6310,
        "verdict": "pass",
        "reason": "columns: 17 within their limits",
        "answers": None,
        "labelled": 6120,
        "coverage": 0.97,
        "quality_verdict": "pass",
        "metrics": {"roc_auc": 0.7012},
        "promised": {"roc_auc": 0.7094},
        "action": "ignore",
        "decision_id": "d-1",
        "followed": "all is as it should be",
        **more,
    }
