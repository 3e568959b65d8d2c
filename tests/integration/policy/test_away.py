"""OPA that is away, broken, or something else: nothing is allowed by that."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from activities.policy import PolicyActivities
from api.db.store import Store
from perennial.contracts.errors import BadInput, PolicyUnavailable
from perennial.contracts.policy import Decide, RefuseUnasked
from perennial.policy_bundle import build_from_texts
from tests.integration.policy.asking import Opa, kept, question
from tests.servers import program

BROKEN = "package perennial.promotion\n\ndecision := true if input.model\n\ndecision := false\n"
MALFORMED = 'package perennial.promotion\n\ndecision := {"allow": true}\n'
SILENT = "package perennial.elsewhere\n\ndecision := true\n"


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


@pytest.mark.parametrize(
    "address",
    ["", "opa:8181", "ftp://opa", "http://", "http://opa:port", "http://opa/behind/a/path"],
)
def test_an_address_that_is_none_is_refused_at_once(address: str, store: Store) -> None:
    with pytest.raises(BadInput, match="PERENNIAL_OPA_URL"):
        PolicyActivities.connect(address, store)
