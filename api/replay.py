"""Asking stored questions again, under the policy that answered them or under another one."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from api.schemas.runs import DecisionDetail, Flip, Judgement, ReplayAnswer
from perennial import policy_answer, policy_bundle
from perennial.contracts.errors import NotFound
from perennial.settings import Settings

_SECONDS = 60.0


async def replay(
    decisions: list[DecisionDetail], policy: dict[str, str] | None, settings: Settings
) -> ReplayAnswer:
    """Ask again; `policy` is text by path, None the policy of then.

    Raises:
        PolicyInvalid: the policy does not compile.
        PolicyUnavailable: there is no OPA program, or it took too long.
    """
    # the policy never saw those that it could not be asked: there is no answer to compare with
    judged = [decision for decision in decisions if decision.policy_digest]
    if policy is None:
        return _compare(decisions, await _under_their_own(judged, settings), exactly=True)
    with tempfile.TemporaryDirectory(prefix="perennial-policy-") as folder:
        bundle = await run_in_threadpool(
            policy_bundle.build_from_texts, policy, Path(folder), settings.opa_binary
        )
        return await replay_under(bundle, decisions, settings)


async def replay_under(
    bundle: Path, decisions: list[DecisionDetail], settings: Settings
) -> ReplayAnswer:
    """The same under a policy that is built already.

    Raises:
        PolicyInvalid: it does not load.
        PolicyUnavailable: as `replay`.
    """
    judged = [decision for decision in decisions if decision.policy_digest]
    return _compare(decisions, await _ask(judged, bundle, settings), exactly=False)


def _compare(
    decisions: list[DecisionDetail], now: dict[str, policy_answer.Reading], *, exactly: bool
) -> ReplayAnswer:
    judged = [decision for decision in decisions if decision.decision_id in now]
    flipped = [
        _flip(decision, now[decision.decision_id])
        for decision in judged
        if _differs(decision, now[decision.decision_id], exactly=exactly)
    ]
    windows = sum(each.kind == "monitoring" for each in judged)
    return ReplayAnswer(
        windows=windows,
        asked=len(now),
        agreed=len(now) - len(flipped),
        skipped=len(decisions) - len(now),
        flipped=flipped,
    )


async def _under_their_own(
    decisions: list[DecisionDetail], settings: Settings
) -> dict[str, policy_answer.Reading]:
    by_policy: dict[str, list[DecisionDetail]] = defaultdict(list)
    for decision in decisions:
        by_policy[decision.policy_digest].append(decision)
    found: dict[str, policy_answer.Reading] = {}
    for digest, group in by_policy.items():
        try:
            bundle = policy_bundle.kept(settings.policy_bundles, digest)
        except NotFound:
            continue
        found |= await _ask(group, bundle, settings)
    return found


async def _ask(
    decisions: list[DecisionDetail], bundle: Path, settings: Settings
) -> dict[str, policy_answer.Reading]:
    answers = await policy_bundle.evaluate(
        bundle, [decision.question for decision in decisions], settings.opa_binary, _SECONDS
    )
    return {
        decision.decision_id: policy_answer.interpret(answer, decision.kind)
        for decision, answer in zip(decisions, answers, strict=True)
    }


def _differs(then: DecisionDetail, now: policy_answer.Reading, *, exactly: bool) -> bool:
    """Whether it would be another decision; under its own policy every word must be the same."""
    if (then.outcome, then.approvals_missing) != (now.outcome, now.approvals_missing):
        return True
    if then.action != now.action:
        return True
    return exactly and tuple(then.reasons) != now.reasons


def _flip(then: DecisionDetail, now: policy_answer.Reading) -> Flip:
    about = {"decision_id", "kind", "model", "environment", "version", "wish"}
    return Flip(
        **then.model_dump(include=about),
        window_start=then.question.get("window_start"),
        stored=Judgement.model_validate(then),
        now=Judgement.model_validate(now),
    )
