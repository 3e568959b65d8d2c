"""Who is told in a drill: each message counts once, and an answer may be kept back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import httpx
import pytest

from infra.drill.receiver import CHANNEL, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def send(receiver: Receiver, message: str, model: str) -> int:
    url = receiver.channels[CHANNEL]["webhook"]
    body = json.dumps({"data": {"model": model}})
    with httpx.Client(trust_env=False) as client:
        return client.post(url, content=body, headers={"webhook-id": message}).status_code


def test_a_message_that_comes_twice_is_one(receiver: Receiver) -> None:
    for message, model in (("m-1", "flights"), ("m-1", "flights"), ("m-2", "digits")):
        assert send(receiver, message, model) == 204
    assert [receiver.messages(model) for model in ("flights", "digits", "other")] == [1, 1, 0]


def test_what_is_held_is_answered_once_released(receiver: Receiver) -> None:
    receiver.hold("flights")
    assert send(receiver, "m-1", "digits") == 204
    answers: list[int] = []
    sender = threading.Thread(target=lambda: answers.append(send(receiver, "m-2", "flights")))
    sender.start()
    assert receiver.wait(10)
    assert answers == []
    receiver.release()
    sender.join()
    assert answers == [204]
