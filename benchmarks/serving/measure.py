"""Requests a second and how long they take: every server in turn, round by round, by wrk."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.orchestration.install import PeerMissing
from benchmarks.results import Row
from benchmarks.serving import bare_http, load, model, ours, pairs, report, rollback, server
from benchmarks.serving.entrants import ENTRANTS, MODEL, OURS, Entrant
from benchmarks.serving.load import NoLoad, Request
from benchmarks.serving.model import Perceptron
from benchmarks.serving.report import BINARY, CONNECTIONS, JSON, ROWS, Point, Swaps, Taken
from benchmarks.serving.server import ServerFailed
from serving.inference import HEADER_LENGTH
from serving.model import Model

ROUNDS = "PERENNIAL_BENCH_ROUNDS"
ONLY = "PERENNIAL_BENCH_ENTRANTS"
_ROUNDS = 2
_SECONDS = 2
_WARM_UP_SECONDS = 1
_BATCHES = (1, 64)
_BUSY = 16
_BINARY_AT = (1, _BUSY)
_SWAPS = 200
_ALIKE = 1e-4


def run() -> list[Row]:
    """Rows: ours beside each peer at each point, start, memory, swaps, rollbacks, each server."""
    load.check()
    before, taken = os.getloadavg()[0], Taken()
    only = os.environ.get(ONLY, "").split(",")
    entrants = [each for each in ENTRANTS if only == [""] or each.name in only]
    rounds = int(os.environ.get(ROUNDS, _ROUNDS))
    for entrant in entrants:  # before anything is measured: what takes long, and makes noise
        _or_why(entrant, taken, entrant.python)
    back = rollback.rows()
    with tempfile.TemporaryDirectory(prefix="pb-") as name:
        root = Path(name)
        files = {each: _file(each, root) for each in (model.SMALL, model.LARGE)}
        bare = _bare(root, taken)
        for number in range(rounds):
            print(f"  round {number + 1} of {rounds}", flush=True)
            for each, file in files.items():
                taken.alone[each.name].append(_alone(each, file))
                # who comes first changes, so that nobody always follows the same one
                for entrant in entrants[:: -1 if number % 2 else 1]:
                    if number < entrant.rounds and entrant.name not in taken.failures:
                        folder = _folder(root)
                        visit = _Visit(entrant, each, file, folder, taken, bare)
                        _or_why(entrant, taken, visit)
        for each, file in files.items():
            taken.swaps[each.name] = _swapped(each, file, root)
            if OURS not in taken.failures:
                print(f"  {each.name}: {pairs.STARTS} starts, logged and not", flush=True)
                taken.pairs += [pairs.taken(each, file, n, _folder(root)) for n in _BATCHES]
    return report.rows(
        taken, [each for each in entrants if each.name not in taken.failures], before, back
    )


def _or_why(entrant: Entrant, taken: Taken, do: Any) -> None:
    """Do something for one server; that it cannot be done is a row, and no reason to stop."""
    try:
        do()
    except (PeerMissing, ServerFailed, NoLoad) as error:
        taken.failures[entrant.name] = error.message
        print(f"  {error.message}", flush=True)


def _bare(root: Path, taken: Taken) -> Path | None:
    try:
        return bare_http.build(root)
    except ServerFailed as error:
        taken.failures[bare_http.NAME] = error.message
        return None


def _folder(root: Path) -> Path:
    """An empty one; of few letters, since the length of a socket's path is limited."""
    folder = root / str(len(list(root.iterdir())))
    folder.mkdir()
    return folder


def _file(each: Perceptron, root: Path, seed: int = 0) -> Path:
    path = root / f"{each.name}-{seed}.onnx"
    model.write(each, path, seed)
    return path


class _Visit:
    """One server with one model, from its start to its end."""

    def __init__(
        self,
        entrant: Entrant,
        each: Perceptron,
        file: Path,
        folder: Path,
        taken: Taken,
        bare: Path | None,
    ) -> None:
        self._entrant, self._model, self._file, self._bare = entrant, each, file, bare
        self._folder, self._taken = folder, taken
        self._port = server.free_port()

    def __call__(self) -> None:
        """Measure everything."""
        entrant, taken = self._entrant, self._taken
        print(f"  {self._model.name}: {entrant.name}", flush=True)
        asks = {batch: self._ask(batch) for batch in _BATCHES}
        data = self._folder / "d"
        data.mkdir()
        command = entrant.command(entrant.python(), self._port, self._file, data)
        env = entrant.env(self._file, data)
        log = self._folder / "log.txt"
        with server.running(entrant.name, command, env, log, asks[1]) as here:
            taken.start[entrant.name].append(here.start)
            self._check(1, here.answer)
            self._check(64, server.post(asks[64])[1])
            for batch, request in asks.items():
                self._load(batch, JSON, request, CONNECTIONS)
            taken.memory[entrant.name].append(here.memory())
            if entrant.name == OURS:
                binary = self._binary()
                self._load(64, BINARY, binary, _BINARY_AT)
                answer = bare_http.whole_answer(binary)
                for batch in _BATCHES:
                    self._load(batch, ROWS, self._rows(batch), (1, _BUSY))
        if entrant.name == OURS and self._bare is not None:
            for number in _BINARY_AT:
                found = bare_http.put(self._bare, binary, answer, data, number, _SECONDS)
                point = Point(self._model.name, 64, number, BINARY)
                taken.found[bare_http.NAME, point].append(found)

    def _load(self, batch: int, form: str, request: Request, connections: tuple[int, ...]) -> None:
        load.put(request, _BUSY, _WARM_UP_SECONDS)
        for number in connections:
            point = Point(self._model.name, batch, number, form)
            found = load.put(request, number, _SECONDS)
            self._taken.found[self._entrant.name, point].append(found)

    def _check(self, batch: int, answer: bytes) -> None:
        """See that all servers are asked the same, and answer it."""
        expected = Model(self._file).answer({model.INPUT: model.rows(self._model, batch)})
        try:
            found = np.asarray(self._entrant.understood(json.loads(answer)), dtype=np.float32)
            alike = found.shape == expected.shape and bool(np.abs(found - expected).max() < _ALIKE)
        except (ValueError, KeyError, TypeError):
            alike = False
        if not alike:
            said = answer[:300].decode(errors="replace")
            raise ServerFailed(f"{self._entrant.name} gave another answer than the model's: {said}")

    def _request(self, path: str, body: bytes, *headers: tuple[str, str]) -> Request:
        place = self._folder / f"body-{len(list(self._folder.iterdir()))}"
        place.write_bytes(body)
        url = f"http://127.0.0.1:{self._port}{path}"
        return Request(url, place, headers) if headers else Request(url, place)

    def _ask(self, batch: int) -> Request:
        asked = self._entrant.asks(model.rows(self._model, batch))
        return self._request(self._entrant.path, json.dumps(asked).encode())

    def _binary(self) -> Request:
        """The same rows by the protocol's extension for binary tensors, the answer too."""
        data = model.rows(self._model, 64).astype("<f4").tobytes()
        tensor = {
            "name": model.INPUT,
            "shape": [64, self._model.columns],
            "datatype": "FP32",
            "parameters": {"binary_data_size": len(data)},
        }
        outputs = [{"name": "probabilities", "parameters": {"binary_data": True}}]
        head = json.dumps({"inputs": [tensor], "outputs": outputs}).encode()
        headers = (
            ("content-type", "application/octet-stream"),
            (HEADER_LENGTH, str(len(head))),
        )
        return self._request(self._entrant.path, head + data, *headers)

    def _rows(self, batch: int) -> Request:
        """The same rows as people write them."""
        names = [f"f{column}" for column in range(self._model.columns)]
        values = model.lists(model.rows(self._model, batch))
        asked = {"instances": [dict(zip(names, row, strict=True)) for row in values]}
        return self._request(f"/v1/models/{MODEL}:predict", json.dumps(asked).encode())


def _alone(each: Perceptron, file: Path) -> float:
    """Milliseconds that ONNX Runtime takes for a batch of 64."""
    session, inputs = Model(file), {model.INPUT: model.rows(each, 64)}
    session.warm_up()
    done, began = 0, time.perf_counter()
    while (seconds := time.perf_counter() - began) < _WARM_UP_SECONDS:
        session.answer(inputs)
        done += 1
    return seconds / done * 1000


def _swapped(each: Perceptron, file: Path, root: Path) -> Swaps:
    """What callers see while the deployment is exchanged, with a model loaded anew each time."""
    print(f"  {each.name}: {_SWAPS} swaps", flush=True)
    other = _file(each, root, seed=1)
    folder = _folder(root)
    [entrant] = [known for known in ENTRANTS if known.name == OURS]
    port = server.free_port()
    body = folder / "body"
    body.write_text(json.dumps(entrant.asks(model.rows(each, 1))))
    request = Request(f"http://127.0.0.1:{port}{entrant.path}", body)
    command = [*entrant.command(entrant.python(), port, file, folder), str(other)]
    swap = Request(f"http://127.0.0.1:{port}{ours.SWAP}", body)
    found: list[load.Found] = []
    env, log = entrant.env(file, folder), folder / "log.txt"
    with server.running(OURS, command, env, log, request), load.putting(request, _BUSY, found):
        time.sleep(_WARM_UP_SECONDS)
        began = time.perf_counter()
        for _ in range(_SWAPS):
            status, said = server.post(swap)
            if status != 204:
                raise ServerFailed(f"a swap was answered with {status}: {said[:300]!r}")
        seconds = time.perf_counter() - began
    return Swaps(_SWAPS, seconds, found[0])
