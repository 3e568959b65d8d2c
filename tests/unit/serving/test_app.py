"""The prediction app behind a real server, as its callers meet it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from perennial.blobs import BlobStore
from perennial.contracts.serving import WHOLE
from serving.counting import Counting
from serving.desk import Desk
from tests.unit.serving.running import INFER, PREDICT, ROW, Put, deployment, served


async def test_rows_are_answered_with_classes_and_who_answered(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    async with served(desk) as client:
        answer = await client.post(PREDICT, json={"instances": [ROW, {**ROW, "size": None}]})
        assert answer.status_code == 200, answer.text
        first, second = answer.json()["predictions"]
        assert first["class"] == "late" and first["probabilities"]["late"] > 0.5
        assert second["class"] in ("late", "on time")
        assert answer.json()["model_version"] == "1"
        assert answer.headers["x-variant"] == "champion"
        assert answer.headers["x-model-version"] == "1" and answer.headers["x-model"] == "flights"
        assert len(answer.headers["x-request-id"]) == 32
        mine = await client.post(
            PREDICT, json={"instances": [ROW]}, headers={"x-request-id": "mine"}
        )
        assert mine.headers["x-request-id"] == "mine"


OUTPUT = {"name": "probabilities"}


def tensors(rows: int) -> list[dict[str, Any]]:
    return [
        {"name": "size", "shape": [rows, 1], "datatype": "FP32", "data": [1.5] * rows},
        {"name": "pixels", "shape": [rows, 3], "datatype": "FP64", "data": [[1, 2, 3]] * rows},
        {"name": "colour", "shape": [rows, 1], "datatype": "BYTES", "data": ["red"] * rows},
    ]


async def test_tensors_as_json_and_as_bytes_are_answered_alike(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    async with served(desk) as client:
        by_rows = await client.post(PREDICT, json={"instances": [ROW]})
        likely = list(by_rows.json()["predictions"][0]["probabilities"].values())
        answer = await client.post(INFER, json={"id": "7", "inputs": tensors(2)})
        said = answer.json()
        assert (said["id"], said["model_name"], said["model_version"]) == ("7", "flights", "1")
        [output] = said["outputs"]
        assert (output["name"], output["shape"]) == ("probabilities", [2, 2])
        assert output["data"] == pytest.approx(likely * 2)

        parts = [
            np.full((2, 1), 1.5, dtype="<f4").tobytes(),
            np.array([[1, 2, 3]] * 2, dtype="<f8").tobytes(),
            b"\x03\x00\x00\x00red" * 2,
        ]
        inputs = tensors(2)
        for tensor, part in zip(inputs, parts, strict=True):
            del tensor["data"]
            tensor["parameters"] = {"binary_data_size": len(part)}
        asked = {"inputs": inputs, "outputs": [OUTPUT | {"parameters": {"binary_data": True}}]}
        head = json.dumps(asked).encode()
        length = {"inference-header-content-length": str(len(head))}
        answer = await client.post(INFER, content=head + b"".join(parts), headers=length)
        assert answer.status_code == 200, answer.text
        size = int(answer.headers["inference-header-content-length"])
        found = np.frombuffer(answer.content[size:], dtype="<f4")
        assert found == pytest.approx(likely * 2)


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (PREDICT, b"{", 400, "the body is not"),
        (PREDICT, b'{"rows": []}', 400, "KeyError"),
        (PREDICT, b'{"instances": []}', 400, "a list of one row or more"),
        (PREDICT, b'{"instances": [{"size": 1}]}', 422, "row 0 has no column"),
        (PREDICT, b" " * 5000, 413, "more than the 4000"),
        (
            "/v1/models/nobody:predict",
            b"{}",
            404,
            "no model 'nobody' is served here; there are: flights",
        ),
        ("/v1/elsewhere", b"", 404, "there is no POST /v1/elsewhere here"),
        (
            PREDICT,
            json.dumps({"instances": [{**ROW, "p0": 5000}]}).encode(),
            500,
            "the model failed on this request",
        ),
        (PREDICT, b"[" * 3000, 400, "the body is not"),
        (
            PREDICT,
            b'{"instances": [{"size": 1%s, "colour": "red", "p0": 1, "p1": 2, "p2": 3}]}'
            % (b"0" * 400),
            422,
            "row 0, column 'size'",
        ),
        (INFER, b"[]", 400, "no inference request"),
        (INFER, b'{"inputs": []}', 400, "the input 'size' is missing"),
        (INFER, b'{"inputs": [{"name": "size", "parameters": [1]}]}', 400, "no inference request"),
        (
            INFER,
            b'{"inputs": [], "outputs": [{"name": "x"}]}',
            400,
            "there is 'probabilities' alone",
        ),
        ("/v2/models/flights/versions/9/infer", b'{"inputs": []}', 404, "version 9 of flights"),
    ],
)
async def test_what_is_wrong_is_said(
    desk: Desk, put: Put, path: str, body: bytes, status: int, said: str
) -> None:
    await desk.take(deployment(put))
    async with served(desk, body_bytes=4000) as client:
        answer = await client.post(path, content=body)
        assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text
        assert answer.json().get("row") == (0 if status == 422 else None)


async def test_a_tensor_of_no_kind_and_a_time_that_is_none_are_refused(
    desk: Desk, put: Put
) -> None:
    await desk.take(deployment(put))
    inputs = tensors(1)
    async with served(desk) as client:
        for kind in (["FP32"], {}, None, 7, "FP31"):
            inputs[0]["datatype"] = kind
            answer = await client.post(INFER, json={"inputs": inputs})
            assert answer.status_code == 400, answer.text
            assert "'size' is of type" in answer.json()["error"]
        much = {"x-request-timeout-ms": "9" * 5000}
        late = await client.post(PREDICT, json={"instances": [ROW]}, headers=much)
    assert (late.status_code, "too large" in late.text) == (400, True)


@pytest.mark.parametrize("value", ["1.5", 10**400, [2], {}])
async def test_a_value_that_is_no_number_is_blamed_on_its_row(
    desk: Desk, put: Put, value: Any
) -> None:
    await desk.take(deployment(put))
    inputs = tensors(2)
    inputs[0]["data"] = [None, value]
    async with served(desk) as client:
        answer = await client.post(INFER, json={"inputs": inputs})
    assert answer.status_code == 422, answer.text
    assert answer.json()["row"] == 1 and "is no number" in answer.json()["error"]


async def test_an_entity_keeps_its_variant_and_testers_choose(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put, entity="customer", challenger=3000, champion=7000))
    counting = Counting()
    async with served(desk, counting) as client:

        async def ask(headers: dict[str, str], **more: Any) -> str:
            answer = await client.post(
                PREDICT, json={"instances": [{**ROW, **more}]}, headers=headers
            )
            return answer.headers["x-variant"]

        async def tensor(number: int, binary: bool) -> str:
            customer = {"name": "customer", "shape": [1], "datatype": "INT64"}
            said: dict[str, Any] = {"data": [number]}
            raw = b""
            if binary:
                raw, said = number.to_bytes(8, "little"), {"parameters": {"binary_data_size": 8}}
            head = json.dumps({"inputs": [*tensors(1), customer | said]}).encode()
            length = {"inference-header-content-length": str(len(head))}
            answer = await client.post(INFER, content=head + raw, headers=length)
            return answer.headers["x-variant"]

        found = [await ask({"customer": str(number)}) for number in range(100)]
        assert found == [await ask({}, customer=number) for number in range(100)]
        assert found == [await tensor(number, bool(number % 2)) for number in range(100)]
        assert 10 <= Counter(found)["challenger"] <= 50
        assert sum(tally.entities for tally in counting.tallies()) == 100
        assert await ask({"customer": "1", "x-variant": "challenger"}) == "challenger"
        unknown = await client.post(PREDICT, json={"instances": [ROW]}, headers={"x-variant": "x"})
        assert unknown.status_code == 404 and "there are: challenger, champion" in unknown.text


async def test_an_older_epoch_is_ignored(desk: Desk, put: Put) -> None:
    assert await desk.take(deployment(put, epoch=5))
    assert not await desk.take(deployment(put, epoch=5, challenger=WHOLE))
    assert not await desk.take(deployment(put, epoch=4, challenger=WHOLE))
    now = desk.find("flights").deployment
    assert (now.epoch, [each.name for each in now.variants]) == (5, ["champion"])


async def test_two_hundred_swaps_under_load_fail_no_request(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    both = [deployment(put), deployment(put, challenger=0, champion=WHOLE)]
    async with served(desk) as client:
        over, found = asyncio.Event(), Counter[tuple[int, str]]()

        async def load() -> None:
            while not over.is_set():
                answer = await client.post(PREDICT, json={"instances": [ROW]})
                found[answer.status_code, answer.headers.get("x-model-version", "")] += 1

        callers = [asyncio.create_task(load()) for _ in range(8)]
        for number in range(200):
            next_one = both[number % 2].model_copy(update={"epoch": number + 2})
            assert await desk.take(next_one)
        over.set()
        await asyncio.gather(*callers)
    assert {status for status, _ in found} == {200}
    assert {version for _, version in found} == {"1", "2"}


async def test_a_broken_file_changes_nothing(desk: Desk, put: Put, blobs: BlobStore) -> None:
    await desk.take(deployment(put))
    broken = deployment(put, epoch=2)
    variant = broken.variants[0].model_copy(update={"onnx": blobs.put_bytes(b"no model")})
    with pytest.raises(Exception, match=r"(?i)protobuf|invalid"):
        await desk.take(broken.model_copy(update={"variants": (variant,)}))
    async with served(desk) as client:
        assert (await client.post(PREDICT, json={"instances": [ROW]})).status_code == 200
    assert desk.find("flights").deployment.epoch == 1


async def test_large_requests_are_bounded_and_do_not_hold_up_small_ones(
    desk: Desk, put: Put
) -> None:
    await desk.take(deployment(put))
    async with served(desk, inline_rows=1, waiting=1, rows=50_000) as client:
        large = [{**ROW}] * 20_000
        answers = await asyncio.gather(
            *(client.post(PREDICT, json={"instances": large}) for _ in range(4))
        )
        assert {answer.status_code for answer in answers} <= {200, 429}
        assert any(answer.status_code == 200 for answer in answers)
        late = await client.post(
            PREDICT, json={"instances": large}, headers={"x-request-timeout-ms": "0"}
        )
        assert late.status_code == 504 and "0 s" in late.json()["error"]


async def test_bodies_that_do_not_arrive_are_given_up_and_bounded(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    async with served(desk, seconds=0.1, arriving=1) as client:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(f"POST {PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{{".encode())
        await writer.drain()
        statuses = {200}
        parts = {"expect": "100-continue"}  # as a whole it would not wait for the other
        while 429 not in statuses:  # until the server has seen the first bytes of the other
            answer = await client.post(PREDICT, json={"instances": [ROW]}, headers=parts)
            statuses.add(answer.status_code)
            assert statuses <= {200, 429}
        assert answer.headers["retry-after"] == "1"
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
        assert (await client.post(PREDICT, json={"instances": [ROW]})).status_code == 200


async def test_health_and_metadata(desk: Desk, put: Put) -> None:
    async with served(desk) as client:
        assert (await client.get("/v2/health/live")).status_code == 200
        assert (await client.get("/v2/health/ready")).status_code == 503
        await desk.take(deployment(put))
        desk.ready = True
        assert (await client.get("/v2/health/ready")).status_code == 200
        said = (await client.get("/v2/models/flights")).json()
        assert {each["name"]: each["datatype"] for each in said["inputs"]} == {
            "size": "FP32",
            "pixels": "FP32",
            "colour": "BYTES",
        }
        assert (await client.get("/v2/models/flights/ready")).json()["ready"]
        assert (await client.get("/v2/models/flights/versions/1/ready")).json()["ready"]
        assert (await client.get("/v2/models/flights/versions/1")).json() == said
        assert (await client.get("/v2/models/flights/versions/7/ready")).status_code == 404
        assert "binary_tensor_data" in (await client.get("/v2")).json()["extensions"]


async def test_answers_failures_and_refusals_are_counted(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    counting = Counting()
    async with served(desk, counting) as client:
        for row in (ROW, ROW, {**ROW, "p0": 5000}, {}):
            await client.post(PREDICT, json={"instances": [row]})
        named = await client.post(
            PREDICT, json={"instances": [ROW]}, headers={"x-variant": "champion"}
        )
        assert named.status_code == 200
    [tally] = counting.tallies()
    counted = (tally.requests, tally.errors, tally.refused, sum(tally.answers))
    assert counted == (4, 1, 1, 2), "testers choose their requests"


async def test_an_answer_that_is_not_finite_is_none(desk: Desk, put: Put) -> None:
    variant = deployment(put).variants[0].model_copy(update={"onnx": put(float("nan"))})
    await desk.take(deployment(put).model_copy(update={"variants": (variant,)}))
    async with served(desk) as client:
        answer = await client.post(PREDICT, json={"instances": [ROW]})
    assert answer.status_code == 500 and "not finite" in answer.json()["error"]
