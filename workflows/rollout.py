"""A rollout: step by step, each watched and judged; back at once where one is worse."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from perennial.analysis import rolling
from perennial.canonical import digest
from perennial.contracts import deployments, ids, lifecycle, policy, records, rollout, ruling
from perennial.contracts.analysis import Assessment
from perennial.contracts.rollout_plan import RolloutStep
from perennial.contracts.serving import CHALLENGER, CHAMPION, CONTROL, WHOLE, Serving
from perennial.contracts.spec import duration
from workflows.requests import Requests
from workflows.steps import options
from workflows.steps.asking import decide
from workflows.steps.effects import shielded
from workflows.steps.ending import read_failure
from workflows.steps.labelling import count_labels
from workflows.steps.ruling import ask_people, nobody_is_asked
from workflows.steps.run import ENVIRONMENT, STAGE, WAITING_FOR

_PAUSED = ("PlatformPaused", "ModelPaused")
_BEGINS = Assessment(verdict="pass", reason="it has no requests yet")


class CalledOff(Exception):
    """The version has not earned its traffic, and why."""


@workflow.defn(name=rollout.ROLLOUT_WORKFLOW, versioning_behavior=VersioningBehavior.PINNED)
class RolloutWorkflow:
    """Divides a model's requests between its champion, a control like it, and a new version.

    A pause holds the next share and not the watch: what gets worse meanwhile goes back at once.
    However it ends, short of having earned everything, the champion has all requests again. A run
    that ends is the last to see to that (`api.db.facts.deployments.end_rollout`).
    """

    @workflow.init
    def __init__(self, input: rollout.RolloutInput) -> None:
        self._input = input
        self._plan = input.plan
        self._requests = Requests(())
        self._seen = rollout.Seen()
        self._epoch = self._first_epoch = 0
        self._since = workflow.now()
        self._number = 0
        self._round = 0
        self._off = ""
        self._asked: rollout.Watched | None = None
        self._ruling: policy.Ruling | None = None
        self._expires = workflow.now()
        self._verdict = rollout.Watched(verdict="no_data", reason="it has not begun")
        self._climbing: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self, input: rollout.RolloutInput) -> rollout.RolloutResult:
        """Climb, and go back where something is wrong."""
        workflow.upsert_search_attributes(
            [STAGE.value_set("rollout"), ENVIRONMENT.value_set(input.environment)]
        )
        try:
            self._climbing = asyncio.ensure_future(self._climb())
            await self._climbing
        except CalledOff as off:
            return await self._called_off(str(off))
        except (FailureError, asyncio.CancelledError) as error:
            if not is_cancelled_exception(error):
                return await self._called_off(read_failure(error)[0])
            if self._off:
                return await self._called_off(self._off)
            await shielded(self._put_back("the run that wanted it has ended"))
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        return rollout.RolloutResult(
            outcome="earned",
            reason=f"version {input.version} has earned it: {self._verdict.reason}",
            seen=self._seen,
            since_epoch=self._first_epoch,
            round=self._round,
            since=self._since,
        )

    async def _climb(self) -> None:
        if self._input.after is not None:
            await self._take_up(self._input.after)
            await self._count_labels()
            await self._judge(await self._settled(await self._lifted()))
            return
        await self._begin()
        await self._count_labels()
        for step in self._plan.taken:
            while not await self._placed(step):
                watched = await self._lifted()
                if self._number:
                    await self._judge(await self._settled(watched))
            self._ruling = None
            await self._judge(await self._settled(await self._watch()))

    async def _begin(self) -> None:
        serving = await self._serving()
        if serving.deployment is None or serving.champion_epoch != self._input.champion_epoch:
            raise CalledOff("the champion moved before it began")
        self._epoch = serving.deployment.epoch
        self._first_epoch = self._epoch + 1
        if serving.held:
            await self._lifted()
            serving = await self._serving()
        served = rolling.served(serving)
        if served.verdict == "no_data":
            raise CalledOff(f"it did not begin: {served.reason}")
        # the first share is judged before it is given; that it is served is seen once it is
        decision = await self._decide(
            rollout.Watched(verdict="pass", reason=served.reason, assessments={"served": _BEGINS})
        )
        if not decision.allowed:
            raise CalledOff("the policy lets it not begin: " + "; ".join(decision.reasons))

    async def _take_up(self, left: rollout.RolloutResult) -> None:
        serving = await self._serving()
        if serving.deployment is None or serving.run_id != self._input.run_id:
            raise CalledOff("somebody else changed what is served while a pause held it")
        self._epoch, self._first_epoch = serving.deployment.epoch, left.since_epoch
        self._number, self._seen, self._round = len(self._plan.taken), left.seen, left.round
        self._since = left.since or self._since

    async def _count_labels(self) -> None:
        input = self._input
        await count_labels(
            self._plan, input.model, input.environment, self._first_epoch, self._since
        )

    async def _serving(self) -> Serving:
        return await workflow.execute_local_activity(
            deployments.read_serving,
            deployments.ReadServing(model=self._input.model, environment=self._input.environment),
            **options.record(),
            summary="what is served",
        )

    async def _placed(self, step: RolloutStep) -> bool:
        """Whether the version has its next share; not while a pause holds it."""
        input, number = self._input, self._number + 1
        # as many requests for the control as for the challenger: equal windows tell the most
        control = min(step.weight, WHOLE - step.weight)
        shares = [
            deployments.Share(
                name=CHALLENGER, version=input.version, weight=step.weight, shadow=step.copied
            ),
            deployments.Share(
                name=CHAMPION, version=input.champion, weight=WHOLE - step.weight - control
            ),
        ]
        if control or step.copied:  # of copies, it counts what the champion did with the same
            shares.append(deployments.Share(name=CONTROL, version=input.champion, weight=control))
        try:
            await self._set(shares, f"step {number} of {len(self._plan.taken)}")
        except FailureError as error:
            if read_failure(error)[1] in _PAUSED:
                return False
            raise
        self._number = number
        self._show(step.described)
        return True

    async def _set(self, shares: list[deployments.Share], reason: str) -> None:
        input, slow = self._input, self._plan.guardrails.slow
        deployment = await workflow.execute_local_activity(
            deployments.set_weights,
            deployments.SetWeights(
                effect=ids.effect(
                    "rollout", input.run_id, input.environment, self._epoch, len(shares)
                ),
                model=input.model,
                environment=input.environment,
                expected_epoch=self._epoch,
                run_id=input.run_id,
                entity=self._plan.entity,
                slow_seconds=0.1 if slow is None else slow.seconds,
                tolerance=self._plan.tolerance,
                variants=tuple(shares),
                actor="rollout",
                reason=reason,
                at=workflow.now(),
            ),
            **options.record(),
            summary=reason,
        )
        self._epoch = deployment.epoch

    def _start_watch(self, held: bool = False) -> workflow.ActivityHandle[rollout.Watched]:
        input = self._input
        return workflow.start_activity(
            rollout.watch_rollout,
            rollout.Watch(
                run_id=input.run_id,
                model=input.model,
                environment=input.environment,
                epoch=self._epoch,
                since_epoch=self._first_epoch,
                step=self._number,
                plan=self._plan,
                seen=self._seen,
                held=held,
            ),
            **options.watch(),
            summary=f"step {self._number}" + (", held by a pause" if held else ""),
        )

    async def _watch(self) -> rollout.Watched:
        return self._took(await self._start_watch())

    async def _lifted(self) -> rollout.Watched:
        """What the step has come to once no pause holds the next one, or it got worse."""
        self._round += 1  # it is judged again, on the figures of then
        self._show(f"{self._part}, held by a pause")
        await self._wait_for("resume")
        try:
            return self._took(await self._start_watch(held=True))
        finally:
            await shielded(self._wait_for(""))
            self._show(self._part)

    def _took(self, watched: rollout.Watched) -> rollout.Watched:
        self._seen, self._verdict = watched.seen, watched
        if watched.moved:
            raise CalledOff(watched.reason)
        return watched

    async def _settled(self, watched: rollout.Watched) -> rollout.Watched:
        """The step's verdict, once figures or people have decided it and no pause holds it."""
        while True:
            if watched.held:
                watched = await self._lifted()
            elif watched.verdict in ("pass", "fail", "error") or self._ruling is not None:
                return watched
            else:
                watched = await self._ruled(watched)

    async def _ruled(self, watched: rollout.Watched) -> rollout.Watched:
        """Ask people about figures that decide nothing, for as long as they do not.

        It is watched also while people are asked: what gets worse meanwhile ends it at once.
        Time never decides it.
        """
        self._expires = workflow.now() + duration(self._input.asks_for)
        await self._wait_for("ruling")
        try:
            await ask_people(self._input, self._part, watched.reason, self._expires)
            while watched.verdict in ("inconclusive", "no_data"):
                self._asked = watched
                watching = self._start_watch()
                try:
                    await workflow.wait_condition(
                        lambda task=watching: self._ruling is not None or task.done(),  # type: ignore[misc]
                        timeout=self._expires - workflow.now(),
                        timeout_summary=f"ruling expires {self._expires:%Y-%m-%d %H:%M} UTC",
                    )
                except TimeoutError:
                    raise CalledOff(f"nobody ruled on it in time; {watched.reason}") from None
                finally:
                    if not watching.done():
                        watching.cancel()
                if self._ruling is not None:
                    return watched.model_copy(update={"held": ""})
                watched = self._took(await watching)
            return watched
        finally:
            self._asked = None
            await shielded(self._wait_for(""))
            await shielded(nobody_is_asked(self._input))

    async def _judge(self, watched: rollout.Watched) -> None:
        """Go on where the policy lets it. What failed is taken back before anybody is asked."""
        if watched.verdict in ("fail", "error"):
            await self._put_back(watched.reason)
            await self._decide(watched)
            raise CalledOff(f"rolled back at {self._part}: {watched.reason}")
        if self._ruling is not None and not self._ruling.go_on:
            said = f": {self._ruling.comment}" if self._ruling.comment else ""
            raise CalledOff(f"{self._ruling.by} called it off at {self._part}{said}")
        decision = await self._decide(watched)
        if not decision.allowed:
            reasons = "; ".join(decision.reasons)
            raise CalledOff(f"the policy stopped it at {self._part}: {reasons}")

    async def _decide(self, watched: rollout.Watched) -> policy.Decision:
        input, steps = self._input, self._plan.taken
        later = steps[self._number :]
        question = policy.RolloutQuestion(
            model=input.model,
            risk_tier=input.risk_tier,
            environment=input.environment,
            version=input.version,
            run_id=input.run_id,
            author=input.author,
            requester=input.requester,
            champion=input.champion,
            strategy=self._plan.strategy,
            step=max(self._number, 1),
            steps=len(steps),
            percent=self._percent,
            next_percent=later[0].percent if later else 100.0,
            verdict=watched.verdict,
            assessments=watched.assessments,
            ruling=self._ruling,
        )
        return await decide(
            question,
            effect=ids.effect(
                "run", input.run_id, "rollout", input.environment, self._epoch, self._round
            ),
            patience=duration(input.patience),
            summary=f"may version {input.version} go on from {self._part}?",
        )

    async def _called_off(self, why: str) -> rollout.RolloutResult:
        await shielded(self._put_back(why))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return rollout.RolloutResult(outcome="called_off", reason=why, seen=self._seen)

    async def _put_back(self, why: str) -> None:
        """Give the champion all requests, unless somebody else has changed them since."""
        serving = await self._serving()
        if serving.deployment is None or serving.run_id != self._input.run_id:
            return
        # read and not remembered: a change that was cancelled on its way may have been made
        self._epoch = serving.deployment.epoch
        with suppress(FailureError):  # StaleEpoch: they are no longer ours to divide
            await self._set([], why)
        self._show(f"called off: {why}")

    async def _wait_for(self, what: str) -> None:
        workflow.upsert_search_attributes([WAITING_FOR.value_set(what)])
        await workflow.execute_local_activity(
            records.mark_run,
            records.MarkRun(
                run_id=self._input.run_id,
                status="waiting" if what else "running",
                waiting_for=f"{what}:{self._input.environment}" if what else "",
                at=workflow.now(),
            ),
            **options.record(),
            summary=f"wait for a {what}" if what else "go on",
        )

    @property
    def _percent(self) -> float:
        return self._plan.taken[self._number - 1].percent if self._number else 0.0

    @property
    def _part(self) -> str:
        """What it has at this step, in words."""
        return self._plan.taken[self._number - 1].part if self._number else "0 %"

    def _show(self, now: str) -> None:
        workflow.set_current_details(
            f"**version {self._input.version}** beside {self._input.champion} in "
            f"{self._input.environment}: {now}\n\n{self._plan.described}"
        )

    @workflow.query(name=lifecycle.STATE)
    def state(self) -> rollout.RolloutView:
        """Where it is."""
        asked = self._asked
        return rollout.RolloutView(
            run_id=self._input.run_id,
            environment=self._input.environment,
            version=self._input.version,
            step=self._number,
            percent=self._percent,
            verdict=self._verdict.verdict,
            reason=self._verdict.reason,
            waiting=asked is not None,
            evidence_digest="" if asked is None else _evidence(asked),
            expires_at=None if asked is None else self._expires,
        )

    @workflow.update(name=ruling.RULE)
    async def rule(self, ask: ruling.Rule) -> ruling.Ruled:
        """A person decides what the figures did not."""

        async def take() -> ruling.Ruled:
            self._ruling = policy.Ruling(
                by=ask.actor,
                roles=ask.roles,
                at=workflow.now(),
                go_on=ask.go_on,
                evidence_digest=ask.evidence_digest,
                comment=ask.comment,
            )
            return ruling.Ruled(run_id=self._input.run_id, step=self._number, go_on=ask.go_on)

        return await self._requests.once(ask, ruling.Ruled, take)

    @rule.validator
    def _may_rule(self, ask: ruling.Rule) -> None:
        if self._requests.is_repeat(ask):
            return
        if self._asked is None or self._ruling is not None:
            raise ApplicationError(
                f"the rollout of version {self._input.version} waits for no ruling: "
                f"{self._verdict.reason}",
                type="Refused",
                non_retryable=True,
            )
        if ask.actor in (self._input.author, self._input.requester):
            raise ApplicationError(
                f"{ask.actor} made version {self._input.version}, or asked for it, and somebody "
                f"else has to rule on it",
                type="NotAllowed",
                non_retryable=True,
            )
        if ask.evidence_digest != _evidence(self._asked):
            raise ApplicationError(
                f"the figures have changed since they were looked at; look again: "
                f"{self._asked.reason}",
                type="Refused",
                non_retryable=True,
            )

    @workflow.update(name=ruling.CALL_OFF)
    async def call_off(self, ask: ruling.CallOff) -> ruling.Ruled:
        """Give the champion all requests at once."""

        async def off() -> ruling.Ruled:
            said = f": {ask.reason}" if ask.reason else ""
            self._off = f"{ask.actor} called it off at {self._part}{said}"
            if self._climbing is not None:
                self._climbing.cancel()
            return ruling.Ruled(run_id=self._input.run_id, step=self._number, go_on=False)

        return await self._requests.once(ask, ruling.Ruled, off)

    @call_off.validator
    def _may_call_off(self, ask: ruling.CallOff) -> None:
        self._requests.is_repeat(ask)


def _evidence(watched: rollout.Watched) -> str:
    return digest(watched.model_dump(mode="json", include={"verdict", "assessments"}))
