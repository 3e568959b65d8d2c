"""What people are told of a champion's windows: what was done, and what moved most."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from temporalio import workflow

from perennial.analysis.causes import NOTHING, changed, what_moved
from perennial.contracts import alerts, ids, monitoring, policy
from perennial.contracts.alert_plan import Severity
from perennial.contracts.base import Json
from perennial.contracts.drift import JudgedWindow
from workflows.steps import options

_KINDS: dict[monitoring.Action, str] = {
    "retrain": "retrain",
    "roll_back": "rollback",
    "stop_serving": "rollback",
}
_SAID = 5
"""Columns and segments that an alert names."""


def kind_of(action: monitoring.Action, said: Mapping[str, policy.Watched | None]) -> str:
    """What an alert is about: what was done, else what is amiss, and of that what is worst.

    Args:
        action: of the policy.
        said: what is known of the champion, by the kind of alert that it is.
    """
    if action in _KINDS:
        return _KINDS[action]
    for verdicts in (("fail", "error"), ("inconclusive",)):
        for kind, watched in said.items():
            if watched is not None and watched.verdict in verdicts:
                return kind
    return "drift"


async def tell(
    monitored: monitoring.Monitored,
    window: datetime,
    kind: str,
    severity: Severity,
    followed: str,
    decision: policy.Decision,
    judged: monitoring.WindowJudged | None,
    labelled: JudgedWindow | None,
) -> None:
    """Raise an alert, in the outbox. The same one again is repeated as the spec says.

    Args:
        monitored: the champion.
        window: start of the newest one.
        kind: of `kind_of`.
        severity: of it.
        followed: what was done.
        decision: of the policy.
        judged: what the newest window showed; None after a restart of the monitor.
        labelled: the window that labels speak of, which is an older one where they come late; None
            where the alert is not about what they say.
    """
    upstream = _upstream(monitored, window, decision, judged)
    await workflow.execute_local_activity(
        alerts.raise_alert,
        alerts.RaiseAlert(
            effect=ids.effect("alert", decision.decision_id),
            model=monitored.model,
            environment=monitored.environment,
            severity=severity,
            kind=kind,
            key=f"version {monitored.version}",
            title=f"{monitored.model} in {monitored.environment}: {_TITLES[kind]}",
            body="\n".join(
                [*_done(monitored.model, kind, followed), *_by(labelled), *_why(judged, upstream)]
            ),
            detail=_cause(monitored, decision, judged, upstream),
            links={
                "window": _address(monitored, window),
                **({"labels": _address(monitored, labelled.start)} if labelled is not None else {}),
                "decision": f"/v1/decisions/{decision.decision_id}",
            },
            at=workflow.now(),
        ),
        **options.record(),
        summary=f"{severity} {kind}",
    )


async def all_is_well(monitored: monitoring.Monitored, kinds: tuple[str, ...]) -> None:
    """Close what was raised of this version: its newest windows pass again."""
    for kind in kinds:
        await workflow.execute_local_activity(
            alerts.close_alert,
            alerts.CloseAlert(
                model=monitored.model,
                environment=monitored.environment,
                kind=kind,
                key=f"version {monitored.version}",
                reason="its newest windows pass",
                at=workflow.now(),
            ),
            **options.record(),
            summary=f"{kind} is over",
        )


_TITLES = {
    "drift": "what it is asked has changed",
    "quality": "it answers worse than promised",
    "concept": "it errs more than it did",
    "retrain": "it is to be trained again",
    "rollback": "it is taken back",
}


def _cause(
    monitored: monitoring.Monitored,
    decision: policy.Decision,
    judged: monitoring.WindowJudged | None,
    upstream: tuple[str, ...],
) -> Json:
    """Root cause, as far as the window shows it: what moved, by how much of the whole change."""
    said: Json = {
        "version": monitored.version,
        "policy": decision.policy_digest,
        "reasons": list(decision.reasons),
        "upstream": list(upstream),
    }
    if judged is None:
        return said
    segments = [
        {"segment": each.segment, "share": each.share, "verdict": each.verdict.verdict}
        for each in judged.segments[:_SAID]
    ]
    return {
        **said,
        "rows": judged.rows,
        "beside": judged.beside,
        "answers": judged.answers.model_dump(mode="json") if judged.answers is not None else None,
        "moved": [each.model_dump(mode="json") for each in judged.drift.moved[:_SAID]],
        "segments": segments,
        "traffic": {str(version): rows for version, rows in judged.traffic.items()},
    }


def _upstream(
    monitored: monitoring.Monitored,
    window: datetime,
    decision: policy.Decision,
    judged: monitoring.WindowJudged | None,
) -> tuple[str, ...]:
    """What is other than in the window before; nothing is said where that is not at hand."""
    before = monitored.before
    if judged is None or before is None or before.start is None or before.start >= window:
        return ()
    now = {"policy": decision.policy_digest, "traffic": judged.traffic}
    return changed(before, monitored.now.model_copy(update=now)) or (NOTHING,)


def _done(model: str, kind: str, followed: str) -> tuple[str, ...]:
    """What was done. A wish is told before the model's workflow has said whether it has room."""
    if kind == "retrain" and followed.startswith("run "):
        return f"wished for {followed}", f"what came of it: perennial triggers {model}"
    return (followed,)


def _address(monitored: monitoring.Monitored, start: datetime) -> str:
    where = f"/v1/models/{monitored.model}/windows/{monitored.environment}"
    return f"{where}/{start.isoformat()}"


def _by(labelled: JudgedWindow | None) -> tuple[str, ...]:
    if labelled is None:
        return ()
    return (f"by labels of the window of {labelled.start:%Y-%m-%d %H:%M}: {labelled.reason}",)


def _why(judged: monitoring.WindowJudged | None, upstream: tuple[str, ...]) -> tuple[str, ...]:
    moved = (what_moved(judged.answers),) if judged is not None and judged.answers else ()
    return (*moved, *(f"upstream: {each}" for each in upstream))
