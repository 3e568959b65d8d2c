"""A small client of the HTTP interface: one method for each thing that can be asked.

    from perennial.client import Client

    with Client.local() as client:
        run = client.start_run("flights", epochs=5)
        for event in client.events(run["run_id"]):
            print(event.name, event.data)

Every method returns the document that the API sent (`perennial.documents`). It raises `ApiError`
for an answer that is a problem and `ServiceAway` when there was no answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self, cast

from perennial import discovery, sse
from perennial.alert_client import AlertCalls
from perennial.connection import ApiError, ServiceAway, path
from perennial.data_client import DataCalls
from perennial.documents import (
    Approval,
    Champion,
    Decision,
    DecisionDetail,
    Group,
    GroupAccepted,
    GroupRolledBack,
    Identity,
    Json,
    LedgerRow,
    LedgerVerdict,
    Model,
    ModelStatus,
    Platform,
    PolicyApplied,
    PolicyChecked,
    Reign,
    Replay,
    Rollout,
    RolloutPlan,
    Run,
    RunAccepted,
    RunSummary,
    SpecApplied,
    VoteTaken,
    Window,
    WindowDetail,
)
from perennial.label_client import LabelCalls
from perennial.trigger_client import TriggerCalls

__all__ = ["ApiError", "Client", "ServiceAway"]

_PAGE = 100


class Client(AlertCalls, DataCalls, LabelCalls, TriggerCalls):
    """One connection to one API, as one principal. Safe to keep, not to share between threads."""

    @classmethod
    def local(cls, principal: str | None = None, url: str | None = None) -> Self:
        """The API that `perennial.discovery` finds.

        Args:
            principal: a name or role of the tokens file; without one it is the owner of
                PERENNIAL_TOKEN, or the engineer.
            url: the API's address, if it is not to be looked for.

        Raises:
            DiscoveryError: there is no token to use.
        """
        found = discovery.find(url)
        return cls(found.url, found.token(principal))

    # -- the service itself

    def whoami(self) -> Identity:
        """Who this client's token belongs to."""
        return cast(Identity, self._get("/v1/whoami"))

    def ready(self) -> Json:
        """Each dependency of the API, and whether it answers; an unready API is no error."""
        return cast(Json, self._answer(self._send("GET", "/readyz"), or_status=503))

    def platform(self) -> Platform:
        """Whether new runs and promotions are stopped everywhere."""
        return cast(Platform, self._get("/v1/status"))

    def pause_all(
        self, *, paused: bool = True, reason: str = "", key: str | None = None
    ) -> Platform:
        """Stop new runs and promotions of every model, or let them go on."""
        where = "/v1/pause" if paused else "/v1/resume"
        return cast(Platform, self._post(where, {"reason": reason}, key=key))

    # -- models

    def apply(self, spec: bytes, *, key: str | None = None) -> SpecApplied:
        """Make a spec, given as YAML or JSON, the one that counts from the next run on."""
        answer = self._post("/v1/models", content=spec, key=key, content_type="application/yaml")
        return cast(SpecApplied, answer)

    def models(self, *, limit: int = _PAGE) -> list[Model]:
        """The models that there are."""
        return self._items("/v1/models", limit)

    def model(self, model: str) -> Model:
        """A model and what it is doing now."""
        return cast(Model, self._get(path("models", model)))

    def spec(self, model: str, version: int | None = None) -> Json:
        """The spec that counts, or an earlier version of it."""
        return cast(Json, self._get(path("models", model, "spec"), version=version))

    def lever(
        self,
        model: str,
        lever: Literal["pause", "resume", "retire"],
        *,
        reason: str = "",
        key: str | None = None,
    ) -> ModelStatus:
        """Pause, resume or retire a model."""
        answer = self._post(path("models", model, lever), {"reason": reason}, key=key)
        return cast(ModelStatus, answer)

    def versions(self, model: str, *, limit: int = _PAGE) -> list[Json]:
        """The versions of a model, newest first."""
        return self._items(path("models", model, "versions"), limit)

    def version(self, model: str, version: int) -> Json:
        """A version with its evidence."""
        return cast(Json, self._get(path("models", model, "versions", version)))

    def evidence(self, model: str, version: int) -> Json:
        """All that is known of a version, with the details."""
        return cast(Json, self._get(path("models", model, "versions", version, "evidence")))

    def card(
        self, model: str, version: int, *, as_: Literal["markdown", "html"] = "markdown"
    ) -> str:
        """What a version is, for people who are no engineers."""
        return self._text(path("models", model, "versions", version, "card"), **{"as": as_})

    # -- champions

    def champions(self, model: str) -> list[Champion]:
        """Which version each environment has."""
        return cast(list[Champion], self._get(path("models", model, "champions"))["champions"])

    def history(
        self,
        model: str,
        *,
        environment: str | None = None,
        at: str | None = None,
        limit: int = _PAGE,
    ) -> list[Reign]:
        """Every champion there was, newest first; with `at` (RFC 3339) only those of then."""
        where = path("models", model, "champions", "history")
        return self._items(where, limit, environment=environment, at=at)

    def promote(
        self,
        model: str,
        version: int,
        environment: str,
        *,
        reason: str = "",
        hotfix: bool = False,
        key: str | None = None,
    ) -> RunAccepted:
        """Take a version that exists through the environments, up to the one named.

        A hotfix, which needs a reason, goes before others and ends what is under way.
        """
        body: Json = {"version": version, "environment": environment, "reason": reason}
        if hotfix:
            body["hotfix"] = True
        return cast(RunAccepted, self._post(path("models", model, "promote"), body, key=key))

    def roll_back(
        self,
        model: str,
        environment: str,
        *,
        to_version: int | None = None,
        reason: str = "",
        key: str | None = None,
    ) -> Champion:
        """Put an earlier champion back, the previous one unless told which."""
        body = {"environment": environment, "to_version": to_version, "reason": reason}
        return cast(Champion, self._post(path("models", model, "rollback"), body, key=key))

    # -- groups

    def promote_together(
        self,
        environment: str,
        versions: dict[str, int],
        *,
        reason: str = "",
        key: str | None = None,
    ) -> GroupAccepted:
        """Make versions, given by model, champions of an environment: all at once, or none."""
        members = [{"model": model, "version": version} for model, version in versions.items()]
        body = {"environment": environment, "members": members, "reason": reason}
        return cast(GroupAccepted, self._post("/v1/groups", body, key=key))

    def group(self, group_id: str) -> Group:
        """A group, with the runs of its members."""
        return cast(Group, self._get(path("groups", group_id)))

    def roll_back_together(
        self, group_id: str, *, reason: str = "", key: str | None = None
    ) -> GroupRolledBack:
        """Put back what was champion before a group moved: of all its models, or of none."""
        where = path("groups", group_id, "rollback")
        return cast(GroupRolledBack, self._post(where, {"reason": reason}, key=key))

    # -- rollouts

    def rollout(self, model: str, environment: str) -> Rollout:
        """What answers a model's requests in an environment, and how a rollout is."""
        return cast(Rollout, self._get(path("models", model, "rollouts", environment)))

    def rollout_plan(self, model: str, environment: str) -> RolloutPlan:
        """What the spec's rollout will do, and how long it takes."""
        where = path("models", model, "rollouts", environment, "plan")
        return cast(RolloutPlan, self._get(where))

    def rule(
        self,
        model: str,
        environment: str,
        evidence_digest: str,
        *,
        go_on: bool,
        comment: str = "",
        key: str | None = None,
    ) -> Json:
        """Decide what figures did not; the digest says which figures were looked at."""
        where = path("models", model, "rollouts", environment, "rule")
        body = {"go_on": go_on, "evidence_digest": evidence_digest, "comment": comment}
        return cast(Json, self._post(where, body, key=key))

    def call_off(
        self, model: str, environment: str, *, reason: str = "", key: str | None = None
    ) -> Json:
        """Give the champion all requests again, at once."""
        where = path("models", model, "rollouts", environment, "call-off")
        return cast(Json, self._post(where, {"reason": reason}, key=key))

    # -- monitoring

    def windows(
        self, model: str, *, environment: str | None = None, limit: int = _PAGE
    ) -> list[Window]:
        """Windows that were judged, newest first."""
        return self._items(path("models", model, "windows"), limit, environment=environment)

    def window(self, model: str, environment: str, start: str) -> WindowDetail:
        """A window with all that was measured in it, by its start (RFC 3339)."""
        where = path("models", model, "windows", environment, start)
        return cast(WindowDetail, self._get(where))

    def label(self, model: str, labels: list[Json], *, key: str | None = None) -> Json:
        """Tell what became of rows that the model was asked about; sent again, it is the same."""
        answer = self._post(path("models", model, "labels"), {"labels": labels}, key=key)
        return cast(Json, answer)

    # -- runs

    def start_run(
        self,
        model: str,
        *,
        reason: str = "",
        params: Json | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        hotfix: bool = False,
        key: str | None = None,
    ) -> RunAccepted:
        """Start a lifecycle run, with hyper-parameters of its own if need be.

        A hotfix, which needs a reason, goes before others and ends what is under way.
        """
        body: Json = {"reason": reason, "params": params or {}}
        if epochs is not None:
            body["epochs"] = epochs
        if learning_rate is not None:
            body["learning_rate"] = learning_rate
        if hotfix:
            body["hotfix"] = True
        return cast(RunAccepted, self._post(path("models", model, "runs"), body, key=key))

    def reproduce(
        self,
        model: str,
        version: int,
        *,
        tolerance: float | None = None,
        reason: str = "",
        key: str | None = None,
    ) -> RunAccepted:
        """Train a version again and compare; a tolerance of 0 wants the same weights."""
        body: Json = {"reason": reason}
        if tolerance is not None:
            body["tolerance"] = tolerance
        where = path("models", model, "versions", str(version), "reproduce")
        return cast(RunAccepted, self._post(where, body, key=key))

    def runs(
        self,
        *,
        model: str | None = None,
        status: str | None = None,
        outcome: str | None = None,
        limit: int = _PAGE,
    ) -> list[RunSummary]:
        """Runs, newest first."""
        return self._items("/v1/runs", limit, model=model, status=status, outcome=outcome)

    def run(self, run_id: str) -> Run:
        """A run with its stages and its open question."""
        return cast(Run, self._get(path("runs", run_id)))

    def cancel(self, run_id: str, *, reason: str = "", key: str | None = None) -> Json:
        """End a run that is queued or under way."""
        return cast(Json, self._post(path("runs", run_id, "cancel"), {"reason": reason}, key=key))

    def events(self, run_id: str, *, after: str | None = None) -> Iterator[sse.Event]:
        """What happens in a run, as it happens, until it is finished or the stream breaks.

        Args:
            run_id: the run.
            after: the id of the last event that was seen; the stream goes on behind it.

        Raises:
            ServiceAway: the stream broke; ask again with the last event's id.
        """
        headers = {"Last-Event-ID": after} if after else {}
        yield from sse.parse(self._lines(path("runs", run_id, "events"), headers))

    # -- approvals

    def approvals(
        self, *, status: str | None = "open", model: str | None = None, limit: int = _PAGE
    ) -> list[Approval]:
        """Questions to people."""
        return self._items("/v1/approvals", limit, status=status, model=model)

    def approval(self, approval_id: str) -> Approval:
        """One question, with the votes on it."""
        return cast(Approval, self._get(path("approvals", approval_id)))

    def vote(
        self,
        approval_id: str,
        evidence_digest: str,
        *,
        approve: bool,
        comment: str = "",
        key: str | None = None,
    ) -> VoteTaken:
        """Approve or reject; the digest says which evidence was looked at."""
        where = path("approvals", approval_id, "approve" if approve else "reject")
        body = {"evidence_digest": evidence_digest, "comment": comment}
        return cast(VoteTaken, self._post(where, body, key=key))

    # -- decisions

    def decisions(
        self,
        *,
        model: str | None = None,
        environment: str | None = None,
        kind: str | None = None,
        outcome: str | None = None,
        run_id: str | None = None,
        limit: int = _PAGE,
    ) -> list[Decision]:
        """Judgements of the policy, newest first."""
        return self._items(
            "/v1/decisions",
            limit,
            model=model,
            environment=environment,
            kind=kind,
            outcome=outcome,
            run_id=run_id,
        )

    def decision(self, decision_id: str) -> DecisionDetail:
        """A judgement with exactly what was asked and answered."""
        return cast(DecisionDetail, self._get(path("decisions", decision_id)))

    def replay(
        self,
        *,
        model: str | None = None,
        kind: str | None = None,
        policy: dict[str, str] | None = None,
        limit: int | None = None,
    ) -> Replay:
        """Ask stored questions again: under the policy of then, or under the files given."""
        body: Json = {"model": model, "kind": kind, "policy": policy, "limit": limit}
        body = {name: value for name, value in body.items() if value is not None}
        return cast(Replay, self._post("/v1/decisions/replay", body))

    def check_policy(self, policy: dict[str, str]) -> PolicyChecked:
        """Which champions a policy would not have promoted."""
        return cast(PolicyChecked, self._post("/v1/policies/check", {"policy": policy}))

    def apply_policy(
        self, policy: dict[str, str], *, reason: str = "", key: str | None = None
    ) -> PolicyApplied:
        """Put a policy in force."""
        body = {"policy": policy, "reason": reason}
        return cast(PolicyApplied, self._post("/v1/policies/apply", body, key=key))

    # -- the ledger

    def ledger(self, *, after: int = 0, limit: int | None = None) -> Iterator[LedgerRow]:
        """Rows of the ledger in their order, behind the row numbered `after`."""
        cursor: int | None = after
        left = limit
        while cursor is not None and left != 0:
            size = _PAGE if left is None else min(left, _PAGE)
            page = self._get("/v1/ledger", after=cursor, limit=size)
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            cursor = page["next_after"] if page["items"] else None

    def verify_ledger(self) -> LedgerVerdict:
        """Have the API check the chain where it is kept."""
        return cast(LedgerVerdict, self._get("/v1/ledger/verify"))
