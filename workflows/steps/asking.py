"""A question to the policy: its answer is kept, or that it stayed away."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from perennial.contracts import policy
from workflows.steps import options
from workflows.steps.ending import read_failure


async def decide(
    question: policy.PromotionQuestion | policy.RolloutQuestion | policy.MonitoringQuestion,
    *,
    effect: str,
    patience: timedelta,
    summary: str,
) -> policy.Decision:
    """Ask, and have question, answer and policy digest stored.

    Asked at once, which takes milliseconds; a policy engine that does not answer is asked by an
    activity, so that everybody sees what the run waits for. One that stays away for longer than the
    patience is stored as an `error` decision: not allowed, with the reason, and without an action.
    """
    asked_by = {
        "promotion": policy.decide_promotion,
        "rollout": policy.decide_rollout,
        "monitoring": policy.decide_monitoring,
    }
    ask, asked = asked_by[question.kind], policy.Decide(effect=effect, question=question)
    try:
        return await workflow.execute_local_activity(
            ask, asked, **options.question(), summary=summary
        )
    except FailureError as error:
        if is_cancelled_exception(error):
            raise
    try:
        return await workflow.execute_activity(
            ask, asked, **options.decision(patience), summary=summary
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        reason, _ = read_failure(error)
        return await workflow.execute_local_activity(
            policy.refuse_unasked,
            policy.RefuseUnasked(effect=effect, question=question, reason=reason),
            **options.record(),
            summary="not allowed: policy not reached",
        )
