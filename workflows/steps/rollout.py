"""The rollout: a version earns the traffic of its champion, by a workflow of its own."""

from __future__ import annotations

from typing import NamedTuple

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from perennial.analysis import guarding
from perennial.contracts import ids, queues, records, rollout
from perennial.contracts.analysis import Comparison
from perennial.contracts.rollout_plan import Limit, RolloutPlan
from perennial.contracts.spec import Environment, duration
from workflows.steps.ending import Ended
from workflows.steps.run import MODEL, Run


class RolledOut(NamedTuple):
    """A rollout that was earned."""

    result: rollout.RolloutResult
    guard: rollout.GuardInput


async def roll_out(
    run: Run,
    version: records.VersionRecord,
    environment: Environment,
    champion: records.Champion,
    after: rollout.RolloutResult | None = None,
) -> RolledOut | None:
    """Give the version growing parts of the requests, as the spec's plan says.

    Args:
        after: what it had come to when a pause held the move of the champion.

    Returns:
        What it came to, and what watches it once it is champion; None where there is no plan for
        this environment, or no champion to compare it with.

    Raises:
        Ended: it was called off, and all requests are the champion's again.
    """
    plan = run.spec.rollout_in(environment)
    if plan is None or champion.version is None:
        return None
    async with run.during("rollout", environment) as notes:
        await run.show(
            f"{plan.strategy}: {plan.described}; {plan.expected} if all goes well, {plan.worst} "
            f"before people are asked, at worst"
        )
        result = await workflow.execute_child_workflow(
            rollout.ROLLOUT_WORKFLOW,
            rollout.RolloutInput(
                run_id=run.id,
                model=run.model,
                environment=environment,
                version=version.version,
                champion=champion.version,
                champion_epoch=champion.epoch,
                plan=plan,
                risk_tier=run.spec.risk_tier,
                author=version.author,
                requester=run.input.author,
                asks_for=run.spec.approvals.expires_after,
                patience=run.spec.patience,
                after=after,
            ),
            id=ids.rollout_workflow(run.model, environment),
            task_queue=queues.CONTROL,
            result_type=rollout.RolloutResult,
            # who terminates a run wants none of it to stay
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            static_summary=f"version {version.version} of {run.model} in {environment}",
            search_attributes=TypedSearchAttributes([SearchAttributePair(MODEL, run.model)]),
        )
        if result.outcome == "called_off":
            raise Ended("denied", f"{environment}: {result.reason}")
        notes.say(result.reason)
    guard = _guard(run, version, environment, champion.version, plan, result)
    return RolledOut(result, guard)


def _guard(
    run: Run,
    version: records.VersionRecord,
    environment: Environment,
    before: int,
    plan: RolloutPlan,
    result: rollout.RolloutResult,
) -> rollout.GuardInput:
    seen = result.seen
    return rollout.GuardInput(
        run_id=run.id,
        model=run.model,
        environment=environment,
        version=version.version,
        epoch=0,  # of the move that is still to come
        back_to=before,
        risk_tier=run.spec.risk_tier,
        author=version.author,
        plan=plan,
        errors=_bound(seen.errors, plan.guardrails.errors, plan.alpha),
        slow=_bound(seen.slow, plan.guardrails.slow, plan.alpha),
        until=run.now + duration(plan.guard),
        rolled=None if plan.guardrails.quality is None else result,
    )


def _bound(compared: Comparison, limit: Limit | None, alpha: float) -> float | None:
    """The share that stays allowed; None where nobody watches, or no control ever answered."""
    if limit is None or not compared.control.requests:
        return None
    return min(guarding.upper_bound(compared.control, alpha) + limit.allowed, 1.0)
