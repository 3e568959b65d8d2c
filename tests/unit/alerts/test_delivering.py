"""Alerts on their way to real receivers: one that answers, one that fails, one that hangs."""

from __future__ import annotations

import logging
import re
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError
from temporalio.testing import ActivityEnvironment

from activities import sending
from activities.alerts import AlertActivities
from activities.channels import Channel
from api.db.facts.outbox import LEASE, WAITS
from api.db.migrate import upgrade
from api.db.store import Store
from api.queries.alerts import read_alert
from perennial.contracts import records
from perennial.contracts.alerts import DeliverAlerts, Delivered, RaiseAlert
from tests.receiving import SECRET, receiver
from tests.samples import at, spec

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "alerts.md").read_text()
API = "http://api.example.org/"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alerts") / "records.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def store(migrated: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copyfile(migrated, tmp_path / "records.db")
    store = Store.open(f"sqlite:///{tmp_path / 'records.db'}")
    yield store
    store.close()


class Sender:
    """One who sends what is due at a given time."""

    def __init__(self, store: Store, **channels: Channel) -> None:
        self.now = at()
        self._activities = AlertActivities(store, channels, API, clock=lambda: self.now)

    async def send(self, now: datetime) -> Delivered:
        self.now = now
        delivered: Delivered = await ActivityEnvironment().run(
            self._activities.deliver_alerts, DeliverAlerts(seconds=0)
        )
        return delivered


def alert(store: Store, model: str, *channels: str, title: str = "delay moved") -> None:
    """An alert that goes out at once."""
    plan = {"channels": [{"name": name} for name in channels]}
    store.record_spec(
        records.RecordSpec(effect=model, spec=spec(model, alerts=plan), actor="ada", at=at())
    )
    store.raise_alert(
        RaiseAlert(
            effect=f"{model}/{title}",
            model=model,
            environment="production",
            severity="critical",
            kind="drift",
            key=title,
            title=title,
            body="PSI 0.41, 0.25 is allowed",
            detail={"psi": 0.41},
            links={"run": "/v1/runs/r1", "board": "https://grafana.example.org/d/1"},
            at=at(),
        )
    )


async def test_what_fails_twice_is_sent_a_third_time_signed_each_time(store: Store) -> None:
    with receiver(500, 500) as hook:
        sender = Sender(store, hook=hook.channel)
        alert(store, "flights", "hook")
        now = at()
        assert await sender.send(now) == Delivered(refused=1)
        assert await sender.send(now) == Delivered(), "not before its time"
        assert await sender.send(now := now + WAITS[0]) == Delivered(refused=1)
        assert await sender.send(now := now + WAITS[1]) == Delivered(sent=1)
        assert await sender.send(at(60 * 24)) == Delivered()
        documents = hook.verified()
    assert len(set(hook.ids)) == 1 and len(hook.ids) == 3
    [receiving, raising] = re.findall(r"^```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    told_by_guide: dict[str, Any] = {}
    exec(receiving, told_by_guide)
    exec(raising, told_by_guide)
    headers, body = hook.requests[0]
    assert told_by_guide["receive"](SECRET, headers, body) == hook.ids[0]
    with pytest.raises(WebhookVerificationError):
        told_by_guide["receive"](SECRET, headers, body.replace(b"critical", b"low"))
    assert documents[0] == documents[2]
    assert documents[0]["type"] == "alerts"
    data = documents[0]["data"]
    assert (data["model"], data["owners"]) == ("flights", ["data-team"])
    [told] = data["alerts"]
    assert (told["severity"], told["cause"], told["detail"]) == (
        "critical",
        "raised",
        {"psi": 0.41},
    )
    assert told["links"] == {
        "alert": f"{API}v1/alerts/{told['alert_id']}",
        "run": f"{API}v1/runs/r1",
        "board": "https://grafana.example.org/d/1",
    }


async def test_a_sender_that_dies_before_it_marks_sends_the_same_id_again(store: Store) -> None:
    with receiver() as hook:
        alert(store, "killed", "killed-hook")
        [message] = store.claim_messages("killed-hook", at(), 4)
        await sending.send(hook.channel, message, API)  # and here it is killed
        sender = Sender(store, **{"killed-hook": hook.channel})
        assert await sender.send(at()) == Delivered()
        assert await sender.send(at() + LEASE) == Delivered(sent=1)
    assert hook.ids == [message.message_id] * 2


async def test_one_that_hangs_holds_up_nobody(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.3)
    with receiver(hangs=True) as slow, receiver() as quick:
        channels = {
            "slow-hook": slow.channel,
            "slow-chat": Channel.model_validate(
                {"apprise": [slow.url.replace("http", "json") + "?rto=1"]}
            ),
            "quick": quick.channel,
        }
        sender = Sender(store, **channels)
        for number in range(5):
            alert(store, f"m{number}", *channels)
        began = time.monotonic()
        with caplog.at_level(logging.DEBUG):
            delivered = await sender.send(at())
        took = time.monotonic() - began
    assert delivered == Delivered(sent=5, refused=8), "four at once, and no more of one that hangs"
    assert len(quick.requests) == 5
    # loading Apprise takes a second of it
    assert took < 5
    assert "it did not answer within 0.3 s" in caplog.text
    assert "/hook" not in caplog.text and "whsec" not in caplog.text, "no address in a log"


async def test_people_get_words(store: Store) -> None:
    with receiver(404) as chat:
        url = chat.url.replace("http", "json")
        sender = Sender(store, chat=Channel.model_validate({"apprise": [url]}))
        alert(store, "digits", "chat", title="delay\nmoved")
        alert(store, "digits", "chat", title="speed moved")
        assert await sender.send(at()) == Delivered(refused=1)
        assert await sender.send(at() + WAITS[0]) == Delivered(sent=1)
        [_, said] = chat.documents()
    assert (said["title"], said["type"]) == ("digits: critical: 2 alerts", "failure")
    first, second = said["message"].split("\n\n")
    assert first.startswith(
        "[critical] digits in production, drift: delay moved\nPSI 0.41, 0.25 is allowed\n"
    )
    assert f"run: {API}v1/runs/r1\n" in second
    assert second.splitlines()[-1].startswith("perennial alerts ack a-")


async def test_what_could_not_be_sent_is_shown(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    away = {
        name: Channel.model_validate({"webhook": url, "secret": SECRET})
        for name, url in (("away", "http://127.0.0.1:1/x"), ("odd", "https://xn--a..b/x"))
    }
    alert(store, "lost", "nowhere", *away)
    assert await Sender(store, **away).send(at()) == Delivered(refused=3)
    assert caplog.text.count("it cannot be reached (") == 2
    [message] = store.claim_messages("nowhere", at() + WAITS[0], 1)
    with store.database.reading() as session:
        deliveries = read_alert(session, message.alerts[0].alert_id).deliveries
    [delivery] = [each for each in deliveries if each.channel == "nowhere"]
    assert "there is no channel 'nowhere': name it in the file of PERENNIAL_CHANNELS" in (
        delivery.last_error
    )
