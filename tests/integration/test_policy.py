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
from perennial.contracts.errors import BadInput, PolicyUnavailable
from perennial.contracts.policy import Decide, PromotionQuestion, RefuseUnasked
from perennial.policy_answer import interpret
from perennial.policy_bundle import build, build_from_texts, evaluate
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
    return build(POLICIES, tmp_path_factory.mktemp("bundles"), program("opa"))


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

    texts = {
        str(path.relative_to(POLICIES)): path.read_text()
        for path in POLICIES.rglob("*")
        if path.is_file()
    }
    limits = "perennial/limits/data.json"
    texts[limits] = texts[limits].replace('"min_test_rows": 100', '"min_test_rows": 1000')
    stricter = build_from_texts(texts, tmp_path, program("opa"))
    answers = await evaluate(stricter, [row.question for row in rows], program("opa"))
    assert all(
        "200 held-out rows are fewer than the 1000 needed in production"
        in interpret(answer).reasons
        for answer in answers
    )


@pytest.mark.parametrize(
    "address",
    ["", "opa:8181", "ftp://opa", "http://", "http://opa:port", "http://opa/behind/a/path"],
)
def test_an_address_that_is_none_is_refused_at_once(address: str, store: Store) -> None:
    with pytest.raises(BadInput, match="PERENNIAL_OPA_URL"):
        PolicyActivities.connect(address, store)
