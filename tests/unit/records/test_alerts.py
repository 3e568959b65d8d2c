"""What is told of alerts, to whom and when: on the store, with given times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.db.facts.alerts import GROUP
from api.db.facts.outbox import LEASE, MOST_TOGETHER, WAITS
from api.db.store import Store
from perennial.contracts import records
from perennial.contracts.alerts import (
    Acknowledge,
    Alert,
    CloseAlert,
    EndSilence,
    Message,
    RaiseAlert,
    SetSilence,
)
from perennial.contracts.errors import BadInput, KeyReused, NotFound, Refused
from tests.samples import at, open_approval, record_run, spec
from tests.unit.records.reading import kinds

GROUPED = GROUP.total_seconds() / 60


class Watch:
    """A model whose spec tells somebody, and whoever sends that."""

    def __init__(self, store: Store, model: str = "flights", **plan: Any) -> None:
        self.store, self.model, self.raised = store, model, 0
        plan = {"channels": [{"name": f"team-{model}"}], **plan}
        made = spec(model, alerts=plan, owners=["ada", "bob"])
        store.record_spec(records.RecordSpec(effect=model, spec=made, actor="ada", at=at()))

    def alert(self, minutes: float, severity: str = "high", key: str = "psi", **more: Any) -> Alert:
        self.raised += 1
        return self.store.raise_alert(
            RaiseAlert.model_validate(
                {
                    "effect": f"{self.model}/{self.raised}",
                    "model": self.model,
                    "environment": "production",
                    "severity": severity,
                    "kind": "drift",
                    "key": key,
                    "title": f"{key} moved",
                    "at": at(minutes),
                    **more,
                }
            )
        )

    def claim(self, minutes: float) -> list[Message]:
        now = at(minutes)
        return [
            message
            for channel in self.store.due_channels(now)
            for message in self.store.claim_messages(channel, now, 10)
            if message.model == self.model
        ]

    def told(self, minutes: float) -> list[str]:
        """Who is told of what at this time; each takes it."""
        messages = self.claim(minutes)
        for message in messages:
            self.store.mark_message(message.message_id, "", at(minutes))
        return [
            f"{message.channel}: "
            + ", ".join(f"{each.cause} {each.key} {each.severity}" for each in message.alerts)
            for message in messages
        ]

    def acknowledge(
        self, id_: str, minutes: float, effect: str = "ack", actor: str = "ada"
    ) -> None:
        effect = f"{self.model}/{effect}"
        self.store.acknowledge(
            Acknowledge(effect=effect, alert_id=id_, actor=actor, at=at(minutes))
        )

    def silence(self, minutes: float, until: float, pattern: str = "*") -> str:
        return self.store.set_silence(
            SetSilence(
                effect=f"{self.model}/silence/{minutes}",
                model=self.model,
                pattern=pattern,
                until=at(until),
                actor="ada",
                reason="repairs",
                at=at(minutes),
            )
        )

    def close(self, minutes: float) -> None:
        about: dict[str, Any] = {"model": self.model, "environment": "production", "key": "psi"}
        self.store.close_alert(CloseAlert(**about, kind="drift", reason="gone", at=at(minutes)))


def test_the_same_alert_is_told_once_within_repeat(store: Store) -> None:
    watch = Watch(store, repeat="60m")
    first = watch.alert(0)
    assert watch.told(0) == [], "it waits for others of its model"
    assert watch.told(GROUPED) == ["team-flights: raised psi high"]
    for minutes in (20, 40):
        again = watch.alert(minutes)
        assert (again.alert_id, again.status) == (first.alert_id, "open")
        assert watch.told(minutes + 1) == []
    assert (again.raised, again.first_at, again.last_at) == (3, at(), at(40))
    watch.alert(80)
    assert watch.told(81) == ["team-flights: repeated psi high"]
    watch.alert(90, "critical")
    assert watch.told(90) == ["team-flights: worse psi critical"], "at once"
    assert watch.alert(91, "low").severity == "critical"
    assert watch.told(92) == []
    assert kinds(store).count("alert.raised") == 1, "what became critical"
    # one that was not raised for that long is over, and the next one is new
    later = watch.alert(91 + 61)
    assert later.alert_id != first.alert_id
    assert watch.told(160) == ["team-flights: raised psi high"]
    watch.close(170)
    assert watch.alert(171).raised == 1
    watch.close(171.01)
    assert watch.told(180) == [], "over before it was sent"


def test_what_comes_close_together_goes_out_as_one(store: Store) -> None:
    watch = Watch(store, channels=[{"name": "all"}, {"name": "pager", "min_severity": "critical"}])
    watch.alert(0, "low", "a")
    watch.alert(0.05, "high", "b")
    assert watch.told(GROUPED) == ["all: raised b high, raised a low"]
    watch.alert(10, "low", "c")
    watch.alert(10.01, "critical", "d")
    assert watch.told(10.02) == ["all: raised d critical, raised c low", "pager: raised d critical"]
    watch.alert(11, "low", "e")
    watch.alert(11, "critical", "e")
    assert watch.told(11)[0] == "all: worse e critical", "told once, as what it is now"
    other = Watch(store, "digits", channels=[{"name": "all"}])
    for number in range(MOST_TOGETHER + 1):
        watch.alert(20, "high", f"k{number:02}")
    other.alert(20)
    sizes = [len(message.alerts) for message in watch.claim(21)]
    assert sizes == [MOST_TOGETHER, 1], "a message has an end, and is about one model"


def test_who_acknowledges_is_not_told_again_and_nobody_else(store: Store) -> None:
    watch = Watch(store, repeat="60m", escalate_after="30m", escalate_to=["boss"])
    alert = watch.alert(0)
    watch.alert(0, "low", "trifle")
    assert watch.told(1) == ["team-flights: raised psi high, raised trifle low"]
    for minutes in (29, 29.9):
        assert watch.told(minutes) == []
    assert watch.told(30) == ["boss: escalated psi high"], "never the low one"
    assert watch.told(31) == []
    watch.acknowledge(alert.alert_id, 40)
    watch.acknowledge(alert.alert_id, 40)  # delivered twice
    for minutes in (50, 100, 150):
        assert watch.alert(minutes).status == "acknowledged"
        assert watch.told(minutes + 1) == []
    with pytest.raises(Refused, match="ada acknowledged alert"):
        watch.acknowledge(alert.alert_id, 151, "other")
    with pytest.raises(KeyReused):
        watch.acknowledge("a-000000000000", 151)
    with pytest.raises(NotFound, match="no alert 'a-000000000000'"):
        watch.acknowledge("a-000000000000", 151, "third")
    assert watch.alert(160, "critical").status == "open", "it became worse"
    assert watch.told(160) == ["team-flights: worse psi critical"]
    assert watch.told(191) == ["boss: escalated psi critical"]
    watch.close(192)
    with pytest.raises(Refused, match="is over: gone"):
        watch.acknowledge(alert.alert_id, 193, "late")
    assert kinds(store).count("alert.acknowledged") == 1
    owned = Watch(store, "digits", escalate_after="30m")
    owned.alert(200)
    assert owned.told(201) == ["team-digits: raised psi high"]
    assert owned.told(230) == ["ada: escalated psi high", "bob: escalated psi high"]


def test_what_is_silenced_is_kept_and_told_when_that_is_over(store: Store) -> None:
    watch = Watch(store, repeat="24h", escalate_after="30m", escalate_to=["boss"])
    silence = watch.silence(0, 60, "drift/ps?")
    assert watch.silence(0, 60, "drift/ps?") == silence, "delivered twice"
    with pytest.raises(KeyReused):
        watch.silence(0, 60, "*")
    with pytest.raises(BadInput, match="ends after it begins"):
        watch.silence(2, 1)
    for minutes in (1, 2, 3):
        watch.alert(minutes, "critical")
    watch.alert(3, key="other")
    assert watch.told(5) == ["team-flights: raised other high"]
    watch.acknowledge(watch.alert(6, key="other").alert_id, 6)
    assert watch.told(59) == []
    watch.alert(61, "high")
    assert watch.told(62) == ["team-flights: raised psi critical"], "its time is over"
    # one that comes between the alert and its message holds too, and so it does for an escalation
    watch.alert(70, key="late")
    second = watch.silence(70, 200)
    assert watch.told(71) == watch.told(130) == []
    end = EndSilence(effect="end", silence_id=second, actor="bob", at=at(140))
    store.end_silence(end)
    store.end_silence(end)
    assert watch.told(142) == ["boss: escalated psi critical, escalated late high"]
    watch.alert(143, key="late")
    assert watch.told(144) == ["team-flights: repeated late high"]
    with pytest.raises(Refused, match="bob ended it"):
        store.end_silence(end.model_copy(update={"effect": "again"}))
    found = kinds(store)
    assert (found.count("silence.set"), found.count("silence.ended")) == (2, 1)


def test_what_is_not_taken_is_sent_again_until_it_has_failed(store: Store) -> None:
    watch = Watch(store)
    watch.alert(0, "critical", "a")
    now = at()
    ids = set()
    for number, wait in enumerate((*WAITS, timedelta(days=1)), 1):
        [message, *_] = store.claim_messages("team-flights", now, 10)
        assert (message.attempt, [told.key for told in message.alerts]) == (number, ["a"])
        ids.add(message.message_id)
        store.mark_message(message.message_id, "it answered HTTP 500", now)
        # what comes meanwhile does not wait for it, and does not change it
        watch.alert((now - at()).total_seconds() / 60, "critical", f"while {number}")
        others = store.claim_messages("team-flights", now, 10)
        assert [told.key for told in others[0].alerts] == [f"while {number}"]
        store.mark_message(others[0].message_id, "", now)
        assert store.due_channels(now + wait - timedelta(seconds=1)) == ()
        now += wait
    assert len(ids) == 1, "what failed goes out again as it was"
    assert store.due_channels(now) == (), "it has failed"


def test_a_message_whose_sender_died_is_sent_by_another(store: Store) -> None:
    watch = Watch(store)
    watch.alert(0, "critical")
    [first] = watch.claim(0)
    assert watch.claim(0) == [], "nobody else sends it meanwhile"
    [again] = watch.claim(LEASE / timedelta(minutes=1))
    assert (again.message_id, again.attempt) == (first.message_id, 2)


def test_an_approval_is_an_alert_until_it_is_closed(store: Store) -> None:
    watch = Watch(store)
    store.record_run(record_run("r1"))
    store.open_approval(open_approval("r1.production.1", "r1"))
    [message] = watch.claim(8)
    [told] = message.alerts
    assert (told.kind, told.severity) == ("approval", "high")
    assert told.links["reject"] == "/v1/approvals/r1.production.1/reject"
    assert "perennial --as NAME approve r1.production.1" in told.body
    over: dict[str, Any] = {"effect": "over", "approval_id": "r1.production.1", "model": "flights"}
    store.close_approval(records.CloseApproval(**over, status="approved", at=at(9)))
    with pytest.raises(Refused, match="is over: it is approved"):
        watch.acknowledge(told.alert_id, 10)
