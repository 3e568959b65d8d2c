"""A spec that asks for more: which champions would it not have let in?"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import httpx
from starlette.concurrency import run_in_threadpool

from api.context import Context
from api.queries.promotions import of_champions
from api.schemas.runs import DecisionDetail
from api.wishes import put
from perennial import policy_answer, policy_bundle
from perennial.canonical import digest
from perennial.contracts.base import Json
from perennial.contracts.errors import PerennialError
from perennial.contracts.spec import ModelSpec
from perennial.contracts.triggers import RetrainWanted

_log = logging.getLogger(__name__)


async def judge_again(context: Context, spec: ModelSpec, version: int, actor: str) -> None:
    """Wish for a model to be trained again whose champion a new spec would have denied.

    Each champion's promotion is asked again, with what was known then and the thresholds of now.
    It stays champion. What cannot be asked is told in the log and no error: the spec counts, and
    the next run is judged by it anyway.

    Args:
        context: of the process.
        spec: that counts now.
        version: of it; a spec leads to one wish, however often it is applied.
        actor: who applied it.
    """
    asked = await run_in_threadpool(_asked, context, spec)
    try:
        denied = [why for each in asked if (why := await _denied(context, spec, each))]
        if not denied:
            return
        wanted = RetrainWanted(
            request_id=f"spec/{version}",
            actor=actor,
            cause="policy",
            snapshot=digest(spec),
            at=datetime.now(UTC),
            reason=f"spec version {version} denies " + "; ".join(denied),
        )
        await put(context.temporal, context.store.database, spec.model, wanted)
    except (PerennialError, httpx.HTTPError, ValueError) as error:
        _log.warning("the champions of %s were not judged again: %s", spec.model, error)


def _asked(context: Context, spec: ModelSpec) -> list[DecisionDetail]:
    """Promotions of champions to which the spec puts other limits than it did then."""
    with context.store.database.reading() as session:
        found = of_champions(session, spec.model).decisions
    return [
        each
        for each in found
        if any(each.question.get(name) != limits for name, limits in _limits(spec, each).items())
    ]


def _limits(spec: ModelSpec, promotion: DecisionDetail) -> Json:
    where, metrics = promotion.environment, spec.metrics
    primary = {"name": metrics.primary, "goal": metrics.goal}
    return {
        "thresholds": [t.model_dump(mode="json") for t in spec.thresholds_in(where)],
        "rules": [rule.model_dump(mode="json") for rule in spec.evidence.rules_in(where)],
        "primary": {**primary, "max_regression": metrics.max_regression},
    }


async def _denied(context: Context, spec: ModelSpec, promotion: DecisionDetail) -> str:
    """Why the policy in force denies it with the limits of now; empty where it does not."""
    question = {**promotion.question, **_limits(spec, promotion)}
    where = policy_bundle.DECISIONS["promotion"]
    url = f"{context.settings.opa_url.rstrip('/')}/v1/data/{where}"
    answer = await context.http.post(url, json={"input": question})
    reading = policy_answer.interpret(answer.raise_for_status().json().get("result"), "promotion")
    if reading.outcome != "deny":
        return ""
    said = ", ".join(reading.reasons)
    return f"version {promotion.version} in {promotion.environment}: {said}"
