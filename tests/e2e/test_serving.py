"""What is promoted answers, within a moment and without a break."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import tritonclient.http as triton

from infra.stack import Stack
from serving.cores import cores
from tests.people import People

ROW = {"x": 0.4, "y": 0.3, "kind": "a"}
_LONGEST_SECONDS = 30


@pytest.fixture
def caller(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.urls["serving"], timeout=10) as client:
        yield client


def ask(caller: httpx.Client, model: str, row: dict[str, Any] = ROW) -> httpx.Response:
    return caller.post(f"/v1/models/{model}:predict", json={"instances": [row]})


def until_version(caller: httpx.Client, model: str, version: int) -> float:
    """Seconds until that version answers."""
    began = time.monotonic()
    while time.monotonic() - began < _LONGEST_SECONDS:
        if ask(caller, model).headers.get("x-model-version") == str(version):
            return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(f"version {version} does not answer: {ask(caller, model).text}")


def until_everywhere(caller: httpx.Client, model: str, version: int) -> None:
    """Until every process answers with that version: a connection is of one of them, by lot."""
    began, in_a_row = time.monotonic(), 0
    while in_a_row < 8 * cores():
        assert time.monotonic() - began < _LONGEST_SECONDS, f"some do not answer with {version}"
        with httpx.Client(base_url=caller.base_url, timeout=10) as fresh:
            same = ask(fresh, model).headers.get("x-model-version") == str(version)
        in_a_row = in_a_row + 1 if same else 0


def test_what_is_promoted_and_rolled_back_answers_without_a_break(
    people: People, caller: httpx.Client, promoted: str
) -> None:
    model = promoted
    assert ask(caller, f"{model}-2").status_code == 404
    until_version(caller, model, 1)
    said = ask(caller, model).json()
    assert said["predictions"][0]["class"] in ("0", "1")

    over = threading.Event()
    found = [Counter[tuple[int, str | None]]() for _ in range(4)]

    def load(mine: Counter[tuple[int, str | None]]) -> None:
        with httpx.Client(base_url=caller.base_url, timeout=10) as client:
            # each process looks for itself: this connection's may hear of it after the first one
            until_version(client, model, 1)
            while not over.is_set():
                answer = ask(client, model)
                mine[answer.status_code, answer.headers.get("x-model-version")] += 1

    callers = [threading.Thread(target=load, args=(mine,)) for mine in found]
    for thread in callers:
        thread.start()
    try:
        second = people.run(model, epochs=4)
        assert second["outcome"] == "promoted", second["reason"]
        until_version(caller, model, 2)
        # and may never hear of what is rolled back before it looks
        began = time.monotonic()
        while not all(mine[200, "2"] for mine in found):
            assert time.monotonic() - began < _LONGEST_SECONDS, found
            time.sleep(0.05)
        people.engineer.roll_back(model, "production", reason="test")
        until_version(caller, model, 1)
    finally:
        over.set()
        for thread in callers:
            thread.join()
    for mine in found:
        assert set(mine) == {(200, "1"), (200, "2")}

    bad = ask(caller, model, {"x": "far", "y": 0, "kind": "a"})
    assert bad.status_code == 422 and "row 0, column 'x'" in bad.json()["error"]


@pytest.mark.parametrize("binary", [True, False])
def test_a_client_of_the_open_inference_protocol_works(
    caller: httpx.Client, promoted: str, binary: bool
) -> None:
    until_everywhere(caller, promoted, 1)
    rows = [(0.4, 0.3, "a"), (-0.9, 0.1, "b"), (0.0, -0.2, "a")]
    columns = {
        "x": np.array([[x] for x, _, _ in rows], dtype=np.float32),
        "y": np.array([[y] for _, y, _ in rows], dtype=np.float32),
        "kind": np.array([[kind] for _, _, kind in rows], dtype=np.object_),
    }
    client = triton.InferenceServerClient(caller.base_url.netloc.decode())
    try:
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready(promoted) and client.is_model_ready(promoted, "1")
        assert client.get_model_metadata(promoted, "1")["name"] == promoted
        said = client.get_model_metadata(promoted)
        kinds = {each["name"]: each["datatype"] for each in said["inputs"]}
        assert kinds == {"x": "FP32", "y": "FP32", "kind": "BYTES"}
        inputs = []
        for name, values in columns.items():
            column = triton.InferInput(name, list(values.shape), kinds[name])
            column.set_data_from_numpy(values, binary_data=binary)
            inputs.append(column)
        output = said["outputs"][0]["name"]
        wanted = triton.InferRequestedOutput(output, binary_data=binary)
        answer = client.infer(promoted, inputs, outputs=[wanted], request_id="mine")
    finally:
        client.close()
    assert answer.get_response()["id"] == "mine"
    found = answer.as_numpy(output)
    instances = [{"x": x, "y": y, "kind": kind} for x, y, kind in rows]
    same = caller.post(f"/v1/models/{promoted}:predict", json={"instances": instances}).json()
    expected = [list(each["probabilities"].values()) for each in same["predictions"]]
    assert np.allclose(found, expected, atol=1e-6)


def test_without_the_api_answers_go_on(stack: Stack, caller: httpx.Client, promoted: str) -> None:
    until_version(caller, promoted, 1)
    stack.stop("api")
    try:
        assert ask(caller, promoted).status_code == 200
    finally:
        stack.start("api")


def test_a_process_that_dies_comes_back_with_what_it_served(
    stack: Stack, caller: httpx.Client, promoted: str
) -> None:
    until_version(caller, promoted, 1)
    main, *others = stack.pids("serving")
    workers = [pid for pid in others if is_worker(pid)]
    assert len(workers) == cores()
    os.kill(workers[0], signal.SIGKILL)
    deadline = time.monotonic() + _LONGEST_SECONDS
    while len({pid for pid in stack.pids("serving") if is_worker(pid)} - {workers[0]}) < len(
        workers
    ):
        assert time.monotonic() < deadline, "it did not come back"
        time.sleep(0.1)
    assert stack.pids("serving")[0] == main
    # every connection may meet another process: all of them answer
    for _ in range(40):
        with httpx.Client(base_url=caller.base_url, timeout=10) as fresh:
            until_version(fresh, promoted, 1)


def is_worker(pid: int) -> bool:
    """Whether it is one of the processes that answer, as against those that watch over them."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return any("spawn_main" in part for part in psutil.Process(pid).cmdline())
    return False
