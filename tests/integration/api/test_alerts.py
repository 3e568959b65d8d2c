"""From a question that is opened to people who answer it, by way of a real receiver."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import Client

from activities.channels import Channel
from api.db.facts import alerts as facts
from perennial.contracts import alerts, queues
from tests.integration.api.desk import Desk
from tests.receiving import receiver
from tests.workflows.waiting import until


async def test_who_is_told_of_a_question_answers_it(
    desk: Desk,
    channels: dict[str, Channel],
    temporal: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facts, "GROUP", timedelta())
    sender = await temporal.start_workflow(
        alerts.ALERTS_WORKFLOW, id=f"alerts-{desk.model}", task_queue=queues.CONTROL
    )
    with receiver() as hook:
        channels[desk.model] = hook.channel
        plan = {"channels": [{"name": desk.model}]}
        await desk.apply(risk_tier="high", environments=["production"], alerts=plan)
        question = await desk.waits(await desk.start())
        await until(lambda: len(hook.requests) == 1)
        await sender.terminate("the test is over")
        [document] = hook.verified()
    [told] = document["data"]["alerts"]
    id_ = told["alert_id"]
    assert told["links"]["approval"] == f"http://api/v1/approvals/{question['approval_id']}"
    [listed] = (await desk.get(f"/alerts?model={desk.model}&status=open"))["items"]
    assert (listed["alert_id"], listed["kind"]) == (id_, "approval")

    taken = await desk.post(f"/alerts/{id_}/acknowledge", {"comment": "mine"}, key=f"{id_}-a")
    assert (taken["status"], taken["acknowledged_by"]) == ("acknowledged", "engineer")
    [delivery] = taken["deliveries"]
    assert (delivery["channel"], delivery["status"]) == (desk.model, "sent")
    again = await desk.post(f"/alerts/{id_}/acknowledge", {"comment": "mine"}, key=f"{id_}-a")
    assert again == taken
    refused = await desk.post(f"/alerts/{id_}/acknowledge", {"comment": "no"}, 409, key=f"{id_}-a")
    assert refused["type"] == "urn:perennial:error:key-reused"
    refused = await desk.post(f"/alerts/{id_}/acknowledge", {}, 409, role="approver")
    assert "engineer acknowledged alert" in refused["detail"]

    vote = {"evidence_digest": question["evidence_digest"]}
    links = (await desk.get(f"/alerts/{id_}"))["links"]
    await desk.post(links["reject"].removeprefix("/v1"), vote, role="approver")
    await desk.ended(question["run_id"])
    over = await desk.get(f"/alerts/{id_}")
    assert (over["status"], over["closed_because"]) == ("closed", "it is rejected")

    asked = {"model": desk.model, "pattern": "drift/*", "duration": "1h", "reason": "repairs"}
    silence = await desk.post("/silences", asked)
    assert silence in (await desk.get("/silences"))["items"]
    await desk.post(f"/silences/{silence['silence_id']}/end")
    assert silence["silence_id"] not in str(await desk.get("/silences"))
    refused = await desk.post(f"/silences/{silence['silence_id']}/end", status=409)
    assert "engineer ended it" in refused["detail"]
    problem = await desk.post("/silences", {"duration": "99999999999d"}, 422)
    assert "30 days at most" in str(problem["problems"])
    for kind in ("alert.acknowledged", "silence.set", "silence.ended"):
        [row] = await desk.ledger(kind)
        assert row["actor"] == "engineer"
