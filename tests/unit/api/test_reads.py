from __future__ import annotations

from typing import Any

import httpx
import pytest

from perennial.canonical import digest
from perennial.ledger import verify
from tests.samples import at, evidence, snapshot, spec
from tests.seeded import APPROVAL, BAD, GOOD, WAITING


async def got(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def rfc3339(minutes: float) -> str:
    return at(minutes).isoformat().replace("+00:00", "Z")


async def test_a_model_and_what_it_is_doing(viewer: httpx.AsyncClient) -> None:
    model = await got(viewer, "/v1/models/flights")
    assert model["status"] == "active"
    assert model["environments"] == ["development", "testing", "staging", "production"]
    assert model["runs_under_way"] == [WAITING]
    assert [(c["environment"], c["version"]) for c in model["champions"]] == [
        ("development", 1),
        ("production", 1),
    ]
    assert (await got(viewer, "/v1/models"))["items"] == [model]


async def test_a_spec_as_it_was_applied(viewer: httpx.AsyncClient) -> None:
    found = await got(viewer, "/v1/models/flights/spec")
    assert found["spec"] == spec().model_dump(mode="json")
    assert (found["version"], found["applied_by"]) == (1, "engineer")
    assert found["digest"] == digest(spec())
    assert await got(viewer, "/v1/models/flights/spec?version=1") == found


async def test_the_schema_of_specs(viewer: httpx.AsyncClient) -> None:
    assert (await got(viewer, "/v1/spec/schema"))["title"] == "ModelSpec"


async def test_runs_by_what_they_are(viewer: httpx.AsyncClient) -> None:
    async def ids(query: str) -> list[str]:
        return [run["run_id"] for run in (await got(viewer, f"/v1/runs?{query}"))["items"]]

    assert await ids("") == [WAITING, BAD, GOOD]
    assert await ids("status=finished") == [BAD, GOOD]
    assert await ids("outcome=denied&model=flights") == [BAD]
    assert await ids("model=nobody") == []


async def test_a_run_with_its_stages(viewer: httpx.AsyncClient) -> None:
    run = await got(viewer, f"/v1/runs/{GOOD}")
    assert (run["status"], run["outcome"], run["reached"]) == ("finished", "promoted", "production")
    assert [(s["stage"], s["environment"], s["status"]) for s in run["stages"]] == [
        ("snapshot", None, "passed"),
        ("train", None, "passed"),
    ]
    assert run["stages"][1]["progress"] == {"epoch": 1, "loss": 0.5}
    assert run["approval"]["approval_id"] == APPROVAL
    assert run["retrying"] == []
    assert run["links"]["temporal"].endswith(f"/namespaces/default/workflows/run:flights:{GOOD}")
    assert run["links"]["mlflow"].endswith(f"/#/runs/mlflow-{GOOD}")


async def test_a_run_is_read_though_temporal_is_away(viewer: httpx.AsyncClient) -> None:
    run = await got(viewer, f"/v1/runs/{WAITING}")
    assert (run["status"], run["retrying"], run["approval"]) == ("running", [], None)


async def test_approvals_by_what_they_are(viewer: httpx.AsyncClient) -> None:
    approval = await got(viewer, f"/v1/approvals/{APPROVAL}")
    assert (approval["status"], approval["required"]) == ("approved", 1)
    assert [(v["by"], v["approve"]) for v in approval["votes"]] == [("approver", True)]
    assert (await got(viewer, "/v1/approvals?status=approved"))["items"] == [approval]
    assert (await got(viewer, f"/v1/approvals?run_id={GOOD}"))["items"] == [approval]
    for query in ("status=open", "model=nobody", f"run_id={BAD}"):
        assert (await got(viewer, f"/v1/approvals?{query}"))["items"] == []


async def test_decisions_by_what_they_are(viewer: httpx.AsyncClient) -> None:
    async def ids(query: str) -> list[str]:
        items = (await got(viewer, f"/v1/decisions?{query}"))["items"]
        assert all("question" not in item for item in items)
        return [item["decision_id"] for item in items]

    assert sorted(await ids("")) == ["d-bad", "d-good"]
    assert await ids("outcome=deny") == ["d-bad"]
    assert await ids("environment=production&model=flights") == ["d-good"]
    assert await ids(f"run_id={BAD}") == ["d-bad"]
    one = await got(viewer, "/v1/decisions/d-bad")
    assert (one["question"], one["answer"]) == ({"metrics": {"roc_auc": 0.55}}, {"allow": False})
    assert one["reasons"] == ["roc_auc 0.55 is below 0.6"]


async def test_what_asked_to_train_again_and_what_came_of_it(viewer: httpx.AsyncClient) -> None:
    items = (await got(viewer, "/v1/triggers"))["items"]
    assert [(i["cause"], i["decision"], i["rule"], i["run_id"]) for i in items] == [
        ("request", "ask", None, None),
        ("drift", "wait", "running", None),
    ]
    assert "a person may start a run" in items[0]["why"] and items[0]["at"] == rfc3339(91)
    assert (await got(viewer, "/v1/models/flights/triggers"))["items"] == items
    for query, found in (
        ("cause=drift", items[1:]),
        ("decision=ask", items[:1]),
        ("decision=allow", []),
        ("model=nobody", []),
    ):
        assert (await got(viewer, f"/v1/triggers?{query}"))["items"] == found
    for query, status in (("cause=boredom", 422), ("decision=perhaps", 422)):
        answer = await viewer.get(f"/v1/models/flights/triggers?{query}")
        assert answer.status_code == status
    assert (await viewer.get("/v1/models/nobody/triggers")).status_code == 404


async def test_a_version_with_its_evidence(viewer: httpx.AsyncClient) -> None:
    versions = (await got(viewer, "/v1/models/flights/versions"))["items"]
    assert [(v["version"], v["metrics"], v["champion_in"]) for v in versions] == [
        (2, {"roc_auc": 0.55}, []),
        (1, {"roc_auc": 0.71}, ["development", "production"]),
    ]
    one = await got(viewer, "/v1/models/flights/versions/1")
    assert one["evidence_digest"] == digest(evidence(1, GOOD)) == digest(one["evidence"])
    assert one["snapshot"] == snapshot().model_dump(mode="json")
    assert one["registration"] == {"mlflow_run_id": f"mlflow-{GOOD}", "mlflow_version": "1"}
    assert one["exported"]["parity"]["passed"] is True


async def test_champions_say_why_and_by_whose_hand(viewer: httpx.AsyncClient) -> None:
    found = await got(viewer, "/v1/models/flights/champions")
    production = found["champions"][1]
    assert production == {
        "environment": "production",
        "version": 1,
        "epoch": 1,
        "since": rfc3339(20),
        "cause": "promotion",
        "actor": "engineer",
        "reason": "it is better",
        "run_id": GOOD,
        "decision_id": "d-good",
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["production", "development"]),
        ("environment=production", ["production"]),
        ("environment=testing", []),
        (f"at={rfc3339(20)}", ["production", "development"]),
        (f"at={rfc3339(19)}", []),
        ("at=2026-01-05T10:20:00%2B01:00", ["production", "development"]),
        ("at=2026-01-05T10:19:59%2B01:00", []),
        ("at=0001-01-01T00:00:00%2B14:00", []),
        ("at=9999-12-31T23:59:59-14:00", ["production", "development"]),
    ],
)
async def test_what_was_champion_then(
    viewer: httpx.AsyncClient, query: str, expected: list[str]
) -> None:
    items = (await got(viewer, f"/v1/models/flights/champions/history?{query}"))["items"]
    assert [item["environment"] for item in items] == expected
    for item in items:
        assert (item["from"], item["to"]) == (rfc3339(20), None)
        assert item["approved_by"] == (["approver"] if item["environment"] == "production" else [])


@pytest.mark.parametrize("at_", ["0.5", "yesterday", "2026-01-05", "2026-01-05T10:00:00"])
async def test_a_time_says_its_zone(viewer: httpx.AsyncClient, at_: str) -> None:
    answer = await viewer.get(f"/v1/models/flights/champions/history?at={at_}")
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "query.at"


async def test_the_ledger_is_read_in_order_and_verifies(viewer: httpx.AsyncClient) -> None:
    rows: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = await got(viewer, f"/v1/ledger?after={after}&limit=7")
        rows += page["items"]
        after = page["next_after"]
    found = verify(rows)
    verdict = await got(viewer, "/v1/ledger/verify")
    assert found.ok and len(rows) > 14
    assert verdict == {"ok": True, "rows": len(rows), "head": found.head, "first_bad": None}


async def test_windows_by_their_starts(viewer: httpx.AsyncClient) -> None:
    found = (await got(viewer, "/v1/models/flights/windows?environment=development"))["items"]
    assert [window["start"] for window in found] == [rfc3339(180), rfc3339(120), rfc3339(60)]
    newest = found[0]
    assert (newest["version"], newest["rows"], newest["verdict"]) == (1, 1000, "pass")
    assert (newest["coverage"], newest["metrics"], newest["action"]) == (0.0, {}, None)
    assert newest["promised"] == {"roc_auc": 0.71}, "of the evidence, before labels come"
    assert (await got(viewer, "/v1/models/flights/windows?environment=testing"))["items"] == []

    where = "/v1/models/flights/windows/development"
    whole = await got(viewer, f"{where}/{rfc3339(180)}")
    assert {name: whole[name] for name in newest} == newest
    assert whole["judged"]["drift"]["excess"] == 0.5 and whole["drift"] is None
    # the same instant as people in another zone write it
    assert await got(viewer, f"{where}/2026-01-05T13:00:00%2B01:00") == whole

    none = await viewer.get(f"{where}/{rfc3339(61)}")
    assert none.status_code == 404 and "no window of flights" in none.json()["detail"]
    assert (await viewer.get(f"{where}/12")).status_code == 422


async def test_evidence_by_itself(viewer: httpx.AsyncClient) -> None:
    found = await got(viewer, "/v1/models/flights/versions/1/evidence")
    assert found["details"] is None and found["evidence"]["metrics"]["roc_auc"] > 0
    version = await got(viewer, "/v1/models/flights/versions/1")
    assert found["evidence_digest"] == version["evidence_digest"]
    assert found["evidence"] == version["evidence"]
    missing = await viewer.get("/v1/models/flights/versions/99/evidence")
    assert missing.status_code == 404


async def test_a_card_for_people_in_two_forms(viewer: httpx.AsyncClient) -> None:
    where = "/v1/models/flights/versions/1/card"
    text, page = await viewer.get(where), await viewer.get(f"{where}?as=html")
    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "style-src 'sha256-" in page.headers["content-security-policy"]
    assert text.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    for sentence in (
        "Will this flight arrive late?",
        "- **in use in**: development and production",
        "It learnt from 800 of them; 200,",
        "5 January 2026: one person was asked; the question was answered with yes. approver said",
        "became champion by promotion, asked for by engineer, and still is",
        "In development, 3 windows of its requests were looked at last",
    ):
        assert sentence in text.text, sentence
    assert (await viewer.get(f"{where}?as=html")).content == page.content
    denied = (await viewer.get("/v1/models/flights/versions/2/card")).text
    assert "the policy refused it (d-bad), because roc\\_auc 0.55 is below 0.6" in denied
    assert "**in use in**: nowhere now" in denied
    assert (await viewer.get("/v1/models/flights/versions/99/card")).status_code == 404
    assert (await viewer.get(f"{where}?as=pdf")).status_code == 422
