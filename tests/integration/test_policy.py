"""The gate against a real OPA and real records: what it decides, keeps, and survives."""

from __future__ import annotations

import asyncio
import math
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from activities.policy import PolicyActivities
from api.db.store import Store
from api.db.tables import DecisionRow
from api.replay import replay
from api.schemas.runs import DecisionDetail, ReplayAnswer
from perennial.contracts.errors import BadInput, PolicyUnavailable
from perennial.contracts.policy import (
    Decide,
    PromotionQuestion,
    RefuseUnasked,
    RolloutQuestion,
)
from perennial.policy_answer import interpret
from perennial.policy_bundle import build, build_from_texts, evaluate
from perennial.settings import Settings
from tests import questions
from tests.servers import free_port, program, wait_for

POLICIES = Path(__file__).parents[2] / "policies"
BROKEN = "package perennial.promotion\n\ndecision := true if input.model\n\ndecision := false\n"
MALFORMED = 'package perennial.promotion\n\ndecision := {"allow": true}\n'
SILENT = "package perennial.elsewhere\n\ndecision := true\n"


class Opa:
    """`opa run --server` that can be killed and started again at the same address."""

    def __init__(self, bundle: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._command = [
            *(program("opa"), "run", "--server", "--skip-version-check", "--log-level", "error"),
            *("--addr", self.url.removeprefix("http://"), "--bundle", str(bundle)),
        ]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)
        wait_for(f"{self.url}/health?bundles", self._process)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(POLICIES, tmp_path_factory.mktemp("state") / "policies", program("opa"))


@pytest.fixture(scope="module")
def opa(bundle: Path) -> Iterator[Opa]:
    server = Opa(bundle)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('records') / 'records.db'}")
    yield opened
    opened.close()


@pytest.fixture
async def gate(opa: Opa, store: Store) -> AsyncIterator[PolicyActivities]:
    policy = PolicyActivities.connect(opa.url, store)
    yield policy
    await policy.close()


def question(**changes: Any) -> PromotionQuestion:
    return questions.question(asked_at=datetime.now(UTC), **changes)


def rollout(**changes: Any) -> RolloutQuestion:
    return questions.rollout_question(asked_at=datetime.now(UTC), **changes)


def policy_texts() -> dict[str, str]:
    return {
        path.relative_to(POLICIES).as_posix(): path.read_text()
        for path in POLICIES.rglob("*")
        if path.is_file()
    }


def kept(store: Store, effect: str) -> DecisionRow | None:
    with store.database.reading() as session:
        row = session.exec(select(DecisionRow).where(DecisionRow.effect == effect)).one_or_none()
        if row is not None:
            session.expunge(row)
        return row


async def test_a_good_version_is_allowed_and_the_answer_kept(
    gate: PolicyActivities, store: Store, bundle: Path
) -> None:
    asked = question()
    decision = await gate.decide_promotion(Decide(effect="allowed", question=asked))
    assert decision.allowed
    assert decision.reasons == ()
    assert (decision.approvals_required, decision.approvals_missing) == (1, 0)
    assert bundle.name == f"{decision.policy_digest}.tar.gz"
    row = kept(store, "allowed")
    assert row is not None
    assert row.decision_id == decision.decision_id
    assert row.decision_id.startswith("d-") and len(row.decision_id) == 14
    assert datetime.fromisoformat(row.question["now"]) == decision.decided_at
    assert row.question == questions.as_input(asked, decision.decided_at)
    assert row.answer["result"]["policy_digest"] == decision.policy_digest


async def test_a_worse_version_is_denied_with_the_numbers(gate: PolicyActivities) -> None:
    decision = await gate.decide_promotion(Decide(effect="denied", question=question(roc_auc=0.61)))
    assert decision.outcome == "deny"
    assert decision.reasons == (
        "roc_auc 0.61 is below the minimum 0.65 in production",
        "roc_auc 0.61 of version 4 is worse than 0.7 of champion version 3 in production "
        "by 0.09, and 0.01 is allowed",
    )


async def test_people_are_asked_where_the_policy_says_so(gate: PolicyActivities) -> None:
    async def ask(effect: str, **changes: Any) -> tuple[str, int, int]:
        decision = await gate.decide_promotion(Decide(effect=effect, question=question(**changes)))
        return decision.outcome, decision.approvals_required, decision.approvals_missing

    assert await ask("unasked", approvers=()) == ("needs_approval", 1, 1)
    assert await ask("author", approvers=("ada",)) == ("needs_approval", 1, 1)
    assert await ask("half", risk_tier="high") == ("needs_approval", 2, 1)
    assert await ask("both", risk_tier="high", approvers=("bob", "eve")) == ("allow", 2, 0)
    assert await ask("staging", environment="staging", approvers=()) == ("allow", 0, 0)


async def test_a_repeated_delivery_gets_the_first_answer(
    gate: PolicyActivities, store: Store
) -> None:
    first = await gate.decide_promotion(Decide(effect="repeated", question=question()))
    nobody_listens = PolicyActivities.connect(f"http://127.0.0.1:{free_port()}", store)
    again = await nobody_listens.decide_promotion(
        Decide(effect="repeated", question=question(roc_auc=0.1))
    )
    assert again == first


async def test_deliveries_at_the_same_time_get_one_answer(
    gate: PolicyActivities, store: Store
) -> None:
    asked = [Decide(effect="at-once", question=question()) for _ in range(8)]
    decisions = await asyncio.gather(*(gate.decide_promotion(each) for each in asked))
    assert len(set(decisions)) == 1
    assert kept(store, "at-once") is not None


async def test_a_metric_that_is_no_number_is_denied_by_name(gate: PolicyActivities) -> None:
    asked = question()
    metrics = {"roc_auc": math.nan}
    lost = asked.model_copy(
        update={"evidence": asked.evidence.model_copy(update={"metrics": metrics})}
    )
    decision = await gate.decide_promotion(Decide(effect="nan", question=lost))
    assert decision.outcome == "deny"
    assert "the evidence has no roc_auc, the primary metric" in decision.reasons


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (SILENT, "the policy is undefined for this question"),
        (MALFORMED, "the policy's answer is malformed"),
    ],
)
async def test_no_proper_answer_is_kept_as_an_error(
    policy: str, reason: str, store: Store, tmp_path: Path
) -> None:
    server = Opa(build_from_texts({"p.rego": policy}, tmp_path, program("opa")))
    gate = PolicyActivities.connect(server.url, store)
    try:
        decision = await gate.decide_promotion(Decide(effect=reason, question=question()))
    finally:
        await gate.close()
        server.kill()
    assert decision.outcome == "error"
    assert reason in decision.reasons[0]
    assert not decision.allowed
    assert kept(store, reason) is not None


async def test_a_policy_that_breaks_is_an_error_to_retry(store: Store, tmp_path: Path) -> None:
    server = Opa(build_from_texts({"p.rego": BROKEN}, tmp_path, program("opa")))
    gate = PolicyActivities.connect(server.url, store)
    try:
        with pytest.raises(PolicyUnavailable, match="answered HTTP 500"):
            await gate.decide_promotion(Decide(effect="broken", question=question()))
    finally:
        await gate.close()
        server.kill()
    assert kept(store, "broken") is None


async def test_opa_may_die_and_come_back(bundle: Path, store: Store) -> None:
    server = Opa(bundle)
    gate = PolicyActivities.connect(server.url, store)
    try:
        await gate.decide_promotion(Decide(effect="before", question=question()))
        server.kill()
        with pytest.raises(PolicyUnavailable, match=f"OPA at {server.url} cannot be reached"):
            await gate.decide_promotion(Decide(effect="during", question=question()))
        assert kept(store, "during") is None
        server.start()
        decision = await gate.decide_promotion(Decide(effect="during", question=question()))
        assert decision.allowed
    finally:
        await gate.close()
        server.kill()


async def test_opa_that_never_answers_is_unavailable(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gate = PolicyActivities.connect(f"http://127.0.0.1:{listener.getsockname()[1]}", store)
        try:
            with pytest.raises(PolicyUnavailable, match="did not answer within 2 s"):
                await gate.decide_promotion(Decide(effect="slow", question=question()))
        finally:
            await gate.close()


def http(status: str, type_: str, body: str) -> str:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {type_}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (http("200 OK", "text/html", "<h1>Welcome"), "answered HTTP 200 .* text/html"),
        (http("200 OK", "application/json", "{"), "answered what is not JSON"),
        (http("200 OK", "application/json", "[]"), "answered a JSON list"),
        (http("404 Not Found", "text/plain", ""), "answered HTTP 404"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "Bad status line"),
        ("", "cannot be reached"),
    ],
)
async def test_something_else_at_the_address_is_unavailable(
    response: str, reason: str, store: Store
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(response.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    gate = PolicyActivities.connect(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", store)
    try:
        with pytest.raises(PolicyUnavailable, match=reason):
            await gate.decide_promotion(Decide(effect="stranger", question=question()))
    finally:
        await gate.close()
        server.close()


async def test_a_policy_that_stayed_away_is_kept_as_an_error(
    gate: PolicyActivities, store: Store
) -> None:
    refuse = RefuseUnasked(effect="away", question=question(), reason="OPA was away for 10m")
    decision = await gate.refuse_unasked(refuse)
    assert (decision.outcome, decision.reasons) == ("error", ("OPA was away for 10m",))
    row = kept(store, "away")
    assert row is not None
    assert (row.answer, row.policy_digest) == ({}, "")
    # an answer that was kept after all stands
    allowed = await gate.decide_promotion(Decide(effect="late", question=question()))
    assert await gate.refuse_unasked(refuse.model_copy(update={"effect": "late"})) == allowed


async def test_a_kept_question_asked_again_is_answered_the_same(
    gate: PolicyActivities, store: Store, bundle: Path, tmp_path: Path
) -> None:
    await gate.decide_promotion(Decide(effect="again-1", question=question()))
    await gate.decide_promotion(Decide(effect="again-2", question=question(roc_auc=0.66)))
    rows = [row for row in (kept(store, "again-1"), kept(store, "again-2")) if row]
    answers = await evaluate(bundle, [row.question for row in rows], program("opa"))
    assert [interpret(answer).outcome for answer in answers] == ["allow", "deny"]
    for row, answer in zip(rows, answers, strict=True):
        reading = interpret(answer)
        assert list(reading.reasons) == row.reasons
        assert reading.policy_digest == row.policy_digest

    texts = policy_texts()
    limits = "perennial/limits/data.json"
    texts[limits] = texts[limits].replace('"min_test_rows": 100', '"min_test_rows": 1000')
    stricter = build_from_texts(texts, tmp_path, program("opa"))
    answers = await evaluate(stricter, [row.question for row in rows], program("opa"))
    assert all(
        "200 held-out rows are fewer than the 1000 needed in production"
        in interpret(answer).reasons
        for answer in answers
    )


async def test_a_rollout_that_passes_goes_on_and_the_answer_is_kept(
    gate: PolicyActivities, store: Store, bundle: Path
) -> None:
    asked = rollout()
    decision = await gate.decide_rollout(Decide(effect="rollout", question=asked))
    assert decision.allowed
    assert (decision.reasons, decision.approvals_required) == ((), 0)
    assert bundle.name == f"{decision.policy_digest}.tar.gz"
    row = kept(store, "rollout")
    assert row is not None
    assert row.question == questions.as_input(asked, decision.decided_at)
    about = (row.model, row.environment, row.version, row.run_id)
    assert about == ("flights", "production", 4, "flights-1")


async def test_a_rollout_that_fails_is_denied_whoever_ruled(gate: PolicyActivities) -> None:
    reason = (
        "version 4 fails errors at 5 % in production, step 2 of 4: errors: 2.00 % of 400 requests; "
        "send its requests back to version 3 and look for the cause"
    )
    for effect, ruled_by in (("fails", None), ("fails, ruled", "bob")):
        asked = rollout(errors="fail", ruled_by=ruled_by)
        decision = await gate.decide_rollout(Decide(effect=effect, question=asked))
        assert (decision.outcome, decision.reasons) == ("deny", (reason,))


async def test_time_does_not_promote_but_a_person_may(gate: PolicyActivities) -> None:
    async def ask(effect: str, **changes: Any) -> tuple[str, tuple[str, ...]]:
        asked = Decide(effect=f"ruling: {effect}", question=rollout(**changes))
        decision = await gate.decide_rollout(asked)
        return decision.outcome, decision.reasons

    outcome, (reason,) = await ask("none", errors="no_data")
    assert outcome == "deny"
    assert "errors does not decide on version 4 at 5 % in production, step 2 of 4" in reason
    assert "a person with the role admin or approver" in reason
    assert await ask("bob", errors="no_data", ruled_by="bob") == ("allow", ())
    assert await ask("eve", errors="inconclusive", ruled_by="eve") == ("allow", ())
    assert await ask("author", errors="inconclusive", ruled_by="ada") == (
        "deny",
        ("ada may not rule on version 4, being its author; ask somebody else",),
    )
    assert await ask("requester", errors="inconclusive", ruled_by="rob") == (
        "deny",
        ("rob may not rule on version 4, having asked for its run; ask somebody else",),
    )
    outcome, reasons = await ask("against", errors="no_data", ruled_by="bob", go_on=False)
    assert outcome == "deny"
    assert any(reason.startswith("bob ruled that version 4 does not go on") for reason in reasons)


async def test_a_share_that_is_no_number_is_denied_by_name(gate: PolicyActivities) -> None:
    asked = rollout(percent=math.nan)
    decision = await gate.decide_rollout(Decide(effect="nan share", question=asked))
    assert decision.outcome == "deny"
    assert "percent is missing or is not a number from 0 on" in decision.reasons


async def test_more_risk_starts_smaller(gate: PolicyActivities) -> None:
    asked = rollout(step=1, percent=25.0, next_percent=50.0, risk_tier="high")
    decision = await gate.decide_rollout(Decide(effect="large start", question=asked))
    assert decision.reasons == (
        "version 4 starts with 25 % of the requests in production, and 10 % is the most at high "
        "risk; give the rollout a smaller first step",
    )


async def test_a_champion_stays_until_an_assessment_fails(gate: PolicyActivities) -> None:
    for verdict, outcome in (("pass", "allow"), ("no_data", "allow"), ("fail", "deny")):
        asked = rollout(phase="guard", errors=verdict)
        decision = await gate.decide_rollout(Decide(effect=f"guard {verdict}", question=asked))
        assert decision.outcome == outcome
    assert decision.reasons == (
        "champion version 4 fails errors in production: errors: 2.00 % of 400 requests; roll it "
        "back and look for the cause",
    )


async def test_a_rollout_that_could_not_be_asked_for_is_not_allowed(
    gate: PolicyActivities, store: Store
) -> None:
    refuse = RefuseUnasked(effect="rollout away", question=rollout(), reason="OPA was away")
    decision = await gate.refuse_unasked(refuse)
    assert (decision.outcome, decision.reasons) == ("error", ("OPA was away",))
    row = kept(store, "rollout away")
    assert row is not None and row.question["kind"] == "rollout"


async def test_a_policy_of_before_rollouts_decides_none(store: Store, tmp_path: Path) -> None:
    before = {
        name: text
        for name, text in policy_texts().items()
        if not name.startswith("perennial/rollout/")
    }
    server = Opa(build_from_texts(before, tmp_path, program("opa")))
    gate = PolicyActivities.connect(server.url, store)
    try:
        promotion = await gate.decide_promotion(Decide(effect="old 1", question=question()))
        decision = await gate.decide_rollout(Decide(effect="old 2", question=rollout()))
    finally:
        await gate.close()
        server.kill()
    assert promotion.allowed
    assert decision.outcome == "error"
    assert "data.perennial.rollout.decision" in decision.reasons[0]


async def test_questions_of_both_kinds_are_asked_again_together(
    gate: PolicyActivities, store: Store, bundle: Path
) -> None:
    await gate.decide_rollout(Decide(effect="both 1", question=rollout(errors="error")))
    await gate.decide_promotion(Decide(effect="both 2", question=question()))
    await gate.decide_rollout(Decide(effect="both 3", question=rollout()))
    await gate.decide_promotion(Decide(effect="both 4", question=question(roc_auc=0.1)))
    rows = [row for number in range(1, 5) if (row := kept(store, f"both {number}"))]
    decisions = [
        DecisionDetail.model_validate(row.model_dump(include=set(DecisionDetail.model_fields)))
        for row in rows
    ]
    settings = Settings(state_dir=bundle.parent.parent, opa_binary=program("opa"))
    again = await replay(decisions, None, settings)
    assert again == ReplayAnswer(asked=4, agreed=4, skipped=0, flipped=[])
    assert [row.outcome for row in rows] == ["deny", "allow", "allow", "deny"]

    texts = policy_texts()
    limits = "perennial/limits/data.json"
    texts[limits] = texts[limits].replace('"rollout"', '"no_rollout"')
    other = await replay(decisions, texts, settings)
    assert [flip.decision_id for flip in other.flipped] == [decisions[2].decision_id]
    assert other.flipped[0].now.reasons == [
        "the limit rollout.first_percent.medium is not set; put a number into data.perennial.limits"
    ]


@pytest.mark.parametrize(
    "address",
    ["", "opa:8181", "ftp://opa", "http://", "http://opa:port", "http://opa/behind/a/path"],
)
def test_an_address_that_is_none_is_refused_at_once(address: str, store: Store) -> None:
    with pytest.raises(BadInput, match="PERENNIAL_OPA_URL"):
        PolicyActivities.connect(address, store)
