"""A question to people: it stays open for as long as the spec says, and expiry never promotes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from perennial.contracts import ids, policy, records
from perennial.contracts.lifecycle import CastVote, VoteTaken
from perennial.contracts.spec import Environment, duration
from workflows.steps import options
from workflows.steps.run import Run

APPROVER_ROLES = frozenset({"approver", "admin"})


@dataclass
class Question:
    """One open question, and the votes on it."""

    approval_id: str
    environment: Environment
    version: int
    authors: tuple[str, ...]
    required: int
    evidence_digest: str
    expires_at: datetime
    status: str = "open"
    voters: list[str] = field(default_factory=list)
    votes: list[policy.Vote] = field(default_factory=list)

    def refuse(self, vote: CastVote, now: datetime) -> ApplicationError | None:
        """Why this vote does not count, or None if it does."""
        if vote.approval_id != self.approval_id:
            return _refused(
                f"approval {vote.approval_id} is not open: the question now is "
                f"{self.approval_id}; look at its evidence and vote on that"
            )
        if self.status != "open" or now >= self.expires_at:
            status = self.status if self.status != "open" else "expired"
            return _refused(f"approval {self.approval_id} is {status}; start a new run")
        if vote.actor in self.authors:
            return _not_allowed(
                f"{vote.actor} is the author of version {self.version} or asked for this run; "
                f"another person must judge it"
            )
        if not APPROVER_ROLES.intersection(vote.roles):
            return _not_allowed(
                f"{vote.actor} has the role {', '.join(vote.roles) or 'none'}; voting needs "
                f"approver or admin"
            )
        if vote.actor in self.voters:
            return _refused(f"{vote.actor} has voted on {self.approval_id} already")
        if vote.evidence_digest != self.evidence_digest:
            return _refused(
                f"the evidence of version {self.version} has changed since it was looked at "
                f"({vote.evidence_digest[:12]} is now {self.evidence_digest[:12]}); look again"
            )
        return None


def _refused(message: str) -> ApplicationError:
    return ApplicationError(message, type="Refused", non_retryable=True)


def _not_allowed(message: str) -> ApplicationError:
    return ApplicationError(message, type="NotAllowed", non_retryable=True)


class Approvals:
    """The questions of one run, one open at a time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._rounds: dict[str, int] = {}
        self._over: set[str] = set()
        self.question: Question | None = None
        self.closed = "no question has been asked"

    def check(self, vote: CastVote) -> None:
        """Refuse a vote that does not count, before it enters history.

        A question that is on record and has not been put here is one that a worker put which died
        before its workflow task ended: it is put again.
        """
        now = self.question and self.question.approval_id
        if vote.approval_id != now and vote.approval_id not in self._over:
            raise ApplicationError(
                f"run {self._run.id} has not come to its question {vote.approval_id} again since "
                f"its worker died; vote again in a moment",
                type="NotYet",
                non_retryable=True,
            )
        if self.question is None:
            raise _refused(f"approval {vote.approval_id} is not open: {self.closed}")
        if refusal := self.question.refuse(vote, workflow.now()):
            raise refusal

    async def take(self, vote: CastVote, *, approve: bool) -> VoteTaken:
        """Keep a vote. It counts once it is recorded, so a counted vote is never lost."""
        question = self.question
        assert question is not None  # the validator saw it
        question.voters.append(vote.actor)
        word = policy.Vote(
            by=vote.actor,
            roles=vote.roles,
            at=workflow.now(),
            evidence_digest=vote.evidence_digest,
            comment=vote.comment,
        )
        await workflow.execute_local_activity(
            records.record_vote,
            records.RecordVote(
                effect=ids.effect("vote", question.approval_id, vote.actor),
                approval_id=question.approval_id,
                model=self._run.model,
                vote=word,
                approve=approve,
            ),
            **options.record(),
            summary=f"{vote.actor} {'approves' if approve else 'rejects'}",
        )
        if approve:
            question.votes.append(word)
        if question.status == "open":
            if not approve:
                question.status = "rejected"
                self.closed = f"{vote.actor} rejected it" + (
                    f": {vote.comment}" if vote.comment else ""
                )
            elif len(question.votes) >= question.required:
                question.status = "approved"
        return VoteTaken(
            approval_id=question.approval_id,
            status=question.status,
            votes=len(question.votes),
            required=question.required,
        )

    async def ask(
        self,
        version: records.VersionRecord,
        environment: Environment,
        required: int,
    ) -> Question:
        """Open a question and wait until it is settled, superseded or too old."""
        run = self._run
        round_ = self._rounds[environment] = self._rounds.get(environment, 0) + 1
        opened = workflow.now()
        question = self.question = Question(
            approval_id=ids.approval_id(run.id, environment, round_),
            environment=environment,
            version=version.version,
            authors=tuple(sorted({version.author, run.input.author})),
            required=required,
            evidence_digest=version.evidence_digest,
            expires_at=opened + duration(run.spec.approvals.expires_after),
        )
        run.wait_for(f"approval:{environment}")
        await workflow.execute_local_activity(
            records.open_approval,
            records.OpenApproval(
                effect=ids.effect("approval", question.approval_id, "opened"),
                approval_id=question.approval_id,
                run_id=run.id,
                model=run.model,
                version=version.version,
                environment=environment,
                author=version.author,
                required=required,
                evidence_digest=version.evidence_digest,
                opened_at=opened,
                expires_at=question.expires_at,
            ),
            **options.record(),
            summary=f"{required} approval(s) for {environment}",
        )
        try:
            await self._settled(question)
        except asyncio.CancelledError:
            question.status, self.closed = "cancelled", "the run was cancelled"
            await self._close(question)
            raise
        await self._close(question)
        run.wait_for("")
        return question

    def supersede(self, environment: Environment, why: str) -> None:
        """The champion moved while people were asked: the question is no longer the same."""
        question = self.question
        if question and question.environment == environment and question.status == "open":
            question.status = "superseded"
            self.closed = why

    async def _settled(self, question: Question) -> None:
        try:
            await workflow.wait_condition(
                lambda: question.status != "open",
                timeout=question.expires_at - workflow.now(),
                timeout_summary=f"approval expires {question.expires_at:%Y-%m-%d %H:%M} UTC",
            )
        except TimeoutError:
            question.status = "expired"
            self.closed = f"it expired at {question.expires_at:%Y-%m-%d %H:%M} UTC"

    async def _close(self, question: Question) -> None:
        if question.status == "approved":
            self.closed = "it was approved"
        await workflow.execute_local_activity(
            records.close_approval,
            records.CloseApproval.model_validate(
                {
                    "effect": ids.effect("approval", question.approval_id, "closed"),
                    "approval_id": question.approval_id,
                    "model": self._run.model,
                    "status": question.status,
                    "at": workflow.now(),
                }
            ),
            **options.record(),
            summary=f"approval {question.status}",
        )
        self._over.add(question.approval_id)
        self.question = None
