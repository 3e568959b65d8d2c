"""From a question that is opened to people who answer it, by way of a real receiver."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
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
    url: str,
    tokens: dict[str, str],
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

    assert (await desk.get(f"/alerts/{id_}"))["links"]["page"] in told["links"]["page"]
    page = told["links"]["page"].replace("http://api", url)
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        seen = await browser.post(page, data={"do": "login", "token": tokens["approver"]})
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w*)"', seen.text))
        form |= {"do": "reject", "comment": "not\r\nnow"}
        for _ in range(2):  # whoever sends it again has voted once
            seen = await browser.post(page, data=form)
            assert (seen.status_code, "You rejected it." in seen.text) == (200, True), seen.text
        await desk.ended(question["run_id"])
        seen = await browser.post(page, data={**form, "do": "approve"})
        assert (seen.status_code, "rejected at" in seen.text) == (409, True), seen.text
    [vote] = (await desk.get(f"/approvals/{question['approval_id']}"))["votes"]
    assert (vote["by"], vote["approve"], vote["comment"]) == ("approver", False, "not\nnow")
    over = await desk.get(f"/alerts/{id_}")
    assert (over["status"], over["closed_because"]) == ("closed", "it is rejected")

    asked = {"model": desk.model, "pattern": "drift/*", "duration": "1h", "reason": "repairs"}
    silence = await desk.post("/silences", asked)
    assert silence in (await desk.get("/silences"))["items"]
    await desk.post(f"/silences/{silence['silence_id']}/end")
    assert silence["silence_id"] not in str(await desk.get("/silences"))
    refused = await desk.post(f"/silences/{silence['silence_id']}/end", status=409)
    assert "engineer ended it" in refused["detail"]
    for longer in ("99999999999d", "31d", "2592001s"):
        problem = await desk.post("/silences", {"duration": longer}, 422)
        assert "30 days at most" in str(problem["problems"])
    for kind in ("alert.acknowledged", "silence.set", "silence.ended"):
        [row] = await desk.ledger(kind)
        assert row["actor"] == "engineer"
