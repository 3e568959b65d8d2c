"""Through the environments in order: judged in each, approved where asked, then moved."""

from __future__ import annotations

from typing import Protocol

from temporalio import workflow

from perennial.contracts import lifecycle, records
from perennial.contracts.spec import Environment
from workflows.steps.approval import Approvals
from workflows.steps.ending import Ended
from workflows.steps.gate import ask_policy, denied, measured_against
from workflows.steps.run import Run
from workflows.steps.training import read_champions


class Host(Protocol):
    """What promotion needs of its workflow; `Judged` has it."""

    _run: Run
    _approvals: Approvals

    async def ask_owner(self, wanted: lifecycle.ChampionWanted) -> lifecycle.ChampionAnswered:
        """Have the single writer move a champion."""


async def promote_through(host: Host, version: records.VersionRecord) -> None:
    """Take a version through the spec's environments, up to the last one wanted."""
    run = host._run
    run.version = version.version
    for environment in run.spec.environments:
        version = await _enter(host, version, environment)
        run.reached = environment
        if environment == run.input.up_to:
            return


async def _enter(
    host: Host, version: records.VersionRecord, environment: Environment
) -> records.VersionRecord:
    """Judge and move, and again if somebody else moved the champion in between."""
    run, round_ = host._run, 0
    while True:
        round_ += 1
        async with run.during("gate", environment) as notes:
            champion = (await read_champions(run)).in_(environment)
            if champion.version == version.version:
                notes.say(f"version {version.version} is champion already")
                return version
            version = await measured_against(run, version, champion)
            decision = await ask_policy(run, version, environment, champion, round_=round_)
            if decision.outcome in ("deny", "error"):
                raise denied(decision, environment)
            notes.say(_verdict(decision.approvals_missing), decision_id=decision.decision_id)

        if decision.outcome == "needs_approval":
            async with run.during("approval", environment) as notes:
                question = await host._approvals.ask(
                    version, environment, decision.approvals_required
                )
                if question.status == "superseded":
                    notes.say("asked again: the champion changed while people were asked")
                    continue
                if question.status != "approved":
                    raise _not_approved(question.status, host._approvals.closed, environment)
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

        async with run.during("promote", environment) as notes:
            answer = await host.ask_owner(
                lifecycle.ChampionWanted(
                    reply_to=workflow.info().workflow_id,
                    run_id=run.id,
                    environment=environment,
                    version=version.version,
                    expected_epoch=champion.epoch,
                    decision_id=decision.decision_id,
                    actor=run.input.author,
                    reason=run.input.reason or f"run {run.id}",
                )
            )
            if answer.champion is not None:
                notes.say(
                    f"version {version.version} is champion, epoch {answer.champion.epoch}",
                    epoch=answer.champion.epoch,
                )
                return version
            if not answer.stale:
                raise Ended("failed", f"{environment}: {answer.refused}", "Refused")
            notes.say(f"judged again: {answer.refused}")


def _verdict(missing: int) -> str:
    return "allowed" if not missing else f"allowed once {missing} approve"


def _not_approved(status: str, why: str, environment: Environment) -> Ended:
    if status == "rejected":
        return Ended("rejected", f"{environment}: {why}")
    return Ended("expired", f"{environment}: nobody approved in time; {why}")
