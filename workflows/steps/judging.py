"""One environment, judged: the policy's word, people's where it asks for them, its word again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from perennial.contracts import policy, records
from perennial.contracts.spec import Environment
from workflows.steps.approval import Approvals
from workflows.steps.ending import Ended
from workflows.steps.gate import ask_policy, denied, measured_against
from workflows.steps.run import Run
from workflows.steps.training import read_champions


class Judgement(NamedTuple):
    """A version that may enter an environment.

    Attributes:
        version: with the evidence that it was judged by.
        champion: that it was judged against.
        decision: that lets it in; None where it is the champion already.
    """

    version: records.VersionRecord
    champion: records.Champion
    decision: policy.Decision | None


async def judge(
    run: Run,
    approvals: Approvals,
    version: records.VersionRecord,
    environment: Environment,
    rounds: Iterator[int],
) -> Judgement:
    """Have it judged, and again where the champion changes while people are asked.

    Args:
        rounds: numbers of the questions about this environment, from 1; each is asked once.

    Raises:
        Ended: it may not enter.
    """
    while True:
        async with run.during("gate", environment) as notes:
            champion = (await read_champions(run)).in_(environment)
            if champion.version == version.version:
                notes.say(f"version {version.version} is champion already")
                return Judgement(version, champion, None)
            version = await measured_against(run, version, champion)
            round_ = next(rounds)
            decision = await ask_policy(run, version, environment, champion, round_=round_)
            if decision.outcome in ("deny", "error"):
                raise denied(decision, environment)
            notes.say(_verdict(decision), decision_id=decision.decision_id)
        if decision.outcome != "needs_approval":
            return Judgement(version, champion, decision)
        async with run.during("approval", environment) as notes:
            question = await approvals.ask(version, environment, decision.approvals_required)
            if question.status == "superseded":
                notes.say("asked again: the champion changed while people were asked")
                continue
            if question.status != "approved":
                raise _not_approved(question.status, approvals.closed, environment)
            decision = await ask_policy(
                run,
                version,
                environment,
                champion,
                round_=round_,
                votes=tuple(question.votes),
            )
            if not decision.allowed:
                raise denied(decision, environment)
            notes.say("by " + ", ".join(vote.by for vote in question.votes))
            return Judgement(version, champion, decision)


def _verdict(decision: policy.Decision) -> str:
    missing = decision.approvals_missing
    said = "allowed" if not missing else f"allowed once {missing} approve"
    return "; ".join([said, *(f"warning: {each}" for each in decision.warnings)])


def _not_approved(status: str, why: str, environment: Environment) -> Ended:
    if status == "rejected":
        return Ended("rejected", f"{environment}: {why}")
    return Ended("expired", f"{environment}: nobody approved in time; {why}")
