"""What is done about a champion's newest windows: the policy says, and it is done here."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from perennial.contracts import ids, lifecycle, monitoring, policy, triggers
from perennial.contracts.alert_plan import Severity
from perennial.contracts.drift import JudgedWindow
from perennial.contracts.monitoring_plan import RetrainCause
from workflows.steps import options
from workflows.steps.alerting import all_is_well, kind_of, tell
from workflows.steps.asking import decide
from workflows.steps.ending import read_failure

_PATIENCE = timedelta(seconds=30)


class Found(NamedTuple):
    """What is known of a champion at a moment.

    Attributes:
        window: the newest one that was judged.
        labelled: the newest one that labels speak of; None where none do.
        judged: all that it showed; None after a restart of the monitor.
        alerted: kinds of alerts that were raised and not closed.
        end: of it.
        now: by the clock that windows are told by.
        drift: of the newest windows together.
        quality: the same by labels.
        concept: whether the champion's errors have grown, by labels.
        armed: whether its promotion is so recent that it is rolled back.
        passed_over: windows that were not judged after a standstill.
    """

    window: JudgedWindow
    labelled: JudgedWindow | None
    judged: monitoring.WindowJudged | None
    alerted: tuple[str, ...]
    end: datetime
    now: datetime
    drift: policy.Watched
    quality: policy.Watched | None
    concept: policy.Watched | None
    armed: bool
    passed_over: int


class Answered(NamedTuple):
    """What became of a question.

    Attributes:
        said: a line for the Temporal UI.
        alerted: kinds of alerts that stand now.
        decided: whether the policy has answered.
    """

    said: str
    alerted: tuple[str, ...]
    decided: bool


async def answer(monitored: monitoring.Monitored, found: Found) -> Answered:
    """Ask the policy, do what it says, keep both, and tell people."""
    assert monitored.plan is not None
    decision = await decide(
        _question(monitored, found),
        effect=ids.effect("monitor", monitored.model, monitored.environment, str(workflow.uuid4())),
        patience=_PATIENCE,
        summary=f"window of {found.window.start:%Y-%m-%d %H:%M}",
    )
    # a policy that cannot be asked has somebody look
    action = cast(monitoring.Action, decision.action or "alert")
    if monitored.plan.dry_run and action != "ignore":
        followed = f"nothing is done, since monitoring is a dry run: {_reasons(decision)}"
    else:
        followed = await _follow(monitored, found, action, decision)
    if found.passed_over:
        followed = f"{followed}; {found.passed_over} windows passed over after a standstill"
    await workflow.execute_local_activity(
        monitoring.record_action,
        monitoring.RecordAction(
            effect=ids.effect("action", decision.decision_id),
            model=monitored.model,
            environment=monitored.environment,
            version=monitored.version,
            start=found.window.start,
            action=action,
            decision_id=decision.decision_id,
            followed=followed,
            at=workflow.now(),
        ),
        **options.record(),
        summary=action,
    )
    alerted = await _tell(monitored, found, action, followed, decision)
    return Answered(f"{action}: {followed}", alerted, bool(decision.action))


async def _tell(
    monitored: monitoring.Monitored,
    found: Found,
    action: monitoring.Action,
    followed: str,
    decision: policy.Decision,
) -> tuple[str, ...]:
    assert monitored.plan is not None
    if action == "ignore":
        if any(each.verdict != "pass" for each in _said(found)):
            return found.alerted
        await all_is_well(monitored, found.alerted)
        return ()
    if monitored.plan.dry_run:
        return found.alerted
    said = {"quality": found.quality, "concept": found.concept, "drift": found.drift}
    kind = kind_of(action, said)
    severity = "critical" if kind == "rollback" else _severity(found)
    amiss = any(each.verdict != "pass" for each in _by_labels(found))
    labelled = found.labelled if amiss else None
    await tell(
        monitored, found.window.start, kind, severity, followed, decision, found.judged, labelled
    )
    return tuple(sorted({*found.alerted, kind}))


def _severity(found: Found) -> Severity:
    said = {each.severity for each in _said(found)}
    order: tuple[Severity, ...] = ("critical", "high")
    return next((each for each in order if each in said), "low")


def _said(found: Found) -> list[policy.Watched]:
    """All that is known of the champion."""
    return [found.drift, *_by_labels(found)]


def _by_labels(found: Found) -> list[policy.Watched]:
    return [each for each in (found.quality, found.concept) if each is not None]


def _question(monitored: monitoring.Monitored, found: Found) -> policy.MonitoringQuestion:
    assert monitored.plan is not None
    return policy.MonitoringQuestion.model_validate(
        {
            "model": monitored.model,
            "risk_tier": monitored.risk_tier,
            "environment": monitored.environment,
            "version": monitored.version,
            "run_id": monitored.run_id,
            "window_start": found.window.start,
            "window_end": found.end,
            "rows": found.window.rows,
            "drift": found.drift,
            "quality": found.quality,
            "concept": found.concept,
            "back_to": monitored.back_to,
            "armed": found.armed,
            "retraining": monitored.retraining.on if monitored.retraining is not None else (),
            "dry_run": monitored.plan.dry_run,
        }
    )


async def _follow(
    monitored: monitoring.Monitored,
    found: Found,
    action: monitoring.Action,
    decision: policy.Decision,
) -> str:
    if action == "retrain":
        return await _retrain(monitored, found, decision)
    if action in ("roll_back", "stop_serving"):
        return await _roll_back(monitored, action, decision)
    if action == "ignore":
        return _quiet(found)
    return _reasons(decision)


def _quiet(found: Found) -> str:
    """Why nothing is done: all passes, or what does not has not lasted."""
    return "; ".join(each.reason for each in _said(found) if each.verdict != "pass") or (
        "all is as it should be"
    )


async def _retrain(monitored: monitoring.Monitored, found: Found, decision: policy.Decision) -> str:
    """Wish for it. What keeps wishes in check answers at once, and the model's owner follows."""
    assert monitored.plan is not None
    worse = any(each.verdict == "fail" for each in _by_labels(found))
    cause: RetrainCause = "quality" if worse else "drift"
    start = found.window.start
    rows = f"{monitored.model}/{monitored.environment}/{start.isoformat()}"
    events = monitored.plan.clock == "events"
    wanted = triggers.RetrainWanted(
        request_id=ids.window_wish(monitored.environment, start, decision.decision_id),
        actor=monitoring.ACTOR,
        cause=cause,
        snapshot=hashlib.sha256(rows.encode()).hexdigest(),
        at=found.now,
        reason=_reasons(decision),
        as_of=found.end if events else None,
    )
    trigger_id = ids.trigger_id(monitored.model, wanted.request_id)
    recorded = await workflow.execute_local_activity(
        triggers.record_trigger,
        triggers.RecordTrigger(
            effect=ids.effect("trigger", trigger_id),
            trigger_id=trigger_id,
            model=monitored.model,
            wanted=wanted,
            limits=monitored.retraining,
            run_id=ids.run_id(monitored.model, trigger_id),
        ),
        **options.record(),
        summary=f"train again because of {cause}?",
    )
    governed = recorded.governed
    if recorded.run_id is None:
        return f"{governed.decision}: {governed.reason}"
    await _tell_owner(monitored, triggers.RETRAIN_WANTED, wanted)
    return f"run {recorded.run_id}: {governed.reason}"


async def _roll_back(
    monitored: monitoring.Monitored, action: monitoring.Action, decision: policy.Decision
) -> str:
    """Have the single writer move the champion, once, as its epoch says."""
    back_to = monitored.back_to if action == "roll_back" else None
    await _tell_owner(
        monitored,
        lifecycle.ROLLBACK_WANTED,
        lifecycle.RollbackWanted(
            environment=monitored.environment,
            expected_epoch=monitored.epoch,
            back_to=back_to,
            run_id=monitored.run_id,
            reason=_reasons(decision),
            actor=monitoring.ACTOR,
        ),
    )
    where = "nothing is served any more" if back_to is None else f"back to version {back_to}"
    return f"{where}: {_reasons(decision)}"


async def _tell_owner(monitored: monitoring.Monitored, signal: str, word: object) -> None:
    owner = workflow.get_external_workflow_handle(ids.model_workflow(monitored.model))
    try:
        await owner.signal(signal, word)
    except FailureError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.warning("the model's workflow is gone: %s", read_failure(error)[0])


def _reasons(decision: policy.Decision) -> str:
    return "; ".join(decision.reasons)
