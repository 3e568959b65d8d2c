"""Which ports, whether they are free, and what a person reads when one is not."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import fields

import pytest

from infra.stack.errors import PortTaken, StackError
from infra.stack.ports import HOST, Ports, is_free, require_free


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_the_usual_ports_unless_told_otherwise() -> None:
    assert Ports.from_environment({}) == Ports()
    changed = Ports.from_environment({"PERENNIAL_TEMPORAL_UI_PORT": "9999"})
    assert changed.temporal_ui == 9999
    assert changed.temporal == Ports().temporal


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1", "80.5"])
def test_a_port_that_is_none_names_its_variable(text: str) -> None:
    with pytest.raises(StackError, match="PERENNIAL_OPA_PORT"):
        Ports.from_environment({"PERENNIAL_OPA_PORT": text})


def test_two_services_on_one_port_are_refused() -> None:
    with pytest.raises(StackError, match="PERENNIAL_OPA_PORT and PERENNIAL_API_PORT are both 8181"):
        Ports.from_environment({"PERENNIAL_API_PORT": "8181"})


def test_no_connection_that_goes_out_can_take_a_port_before_its_server_starts() -> None:
    ours = {port for _ in range(20) for _, port in Ports.free().items()}
    assert len(ours) == 20 * len(Ports.free().items()), "asked again, it names others"
    with contextlib.ExitStack() as held:
        for _ in range(200):
            probe = held.enter_context(socket.socket())
            probe.bind((HOST, 0))  # as the system chooses them
            assert probe.getsockname()[1] not in range(min(ours), max(ours) + 1)


def test_free_ports_are_free_and_differ() -> None:
    ports = Ports.free()
    numbers = [port for _, port in ports.items()]
    assert len(set(numbers)) == len(fields(Ports))
    require_free(ports.items())


def test_a_taken_port_names_port_service_variable_and_holder(listener: int) -> None:
    assert not is_free(listener)
    with pytest.raises(PortTaken) as caught:
        require_free([("temporal_ui", listener)])
    message = str(caught.value)
    assert str(listener) in message
    assert "temporal ui" in message
    assert "PERENNIAL_TEMPORAL_UI_PORT" in message
    assert str(os.getpid()) in message


def test_every_taken_port_is_told_at_once(listener: int) -> None:
    with pytest.raises(PortTaken) as caught:
        require_free([("opa", listener), ("api", listener)])
    assert "PERENNIAL_OPA_PORT" in str(caught.value)
    assert "PERENNIAL_API_PORT" in str(caught.value)
