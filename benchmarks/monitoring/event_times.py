"""What it costs callers to say of when their requests are: one data plane, asked with
`x-event-time` and without, in turn."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.results import Row, row
from benchmarks.serving import load, model, ours, server
from benchmarks.serving.entrants import ENTRANTS, OURS
from benchmarks.serving.load import NoLoad, Request

_BATCHES = (1, 64)
_CONNECTIONS = 16
_ROUNDS, _SECONDS = 10, 2
_TARGET = 0.95
ROUNDS = "PERENNIAL_BENCH_ROUNDS"


def run() -> list[Row]:
    """Rows: requests a second with an event time, beside those without; none without wrk."""
    try:
        load.check()
    except NoLoad as error:
        print(f"  event times are not measured: {error.message}", flush=True)
        return [row("missing: event times", 1, "entrant")]
    with tempfile.TemporaryDirectory(prefix="pb-") as name:
        root = Path(name)
        file = root / "small.onnx"
        model.write(model.SMALL, file)
        return [each for batch in _BATCHES for each in _measured(root, file, batch)]


def _measured(root: Path, file: Path, batch: int) -> list[Row]:
    [entrant] = [known for known in ENTRANTS if known.name == OURS]
    folder, port = root / str(batch), server.free_port()
    folder.mkdir()
    body = root / f"body-{batch}"
    body.write_text(json.dumps(entrant.asks(model.rows(model.SMALL, batch))))
    without = Request(f"http://127.0.0.1:{port}{entrant.path}", body)
    told = ("x-event-time", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    saying = without._replace(headers=(*without.headers, told))
    env = entrant.env(file, folder) | {ours.EVENT_TIMES: "1"}
    found: dict[Request, list[float]] = {without: [], saying: []}
    command = entrant.command(entrant.python(), port, file, folder)
    with server.running(OURS, command, env, root / "log.txt", without):
        for number in range(int(os.environ.get(ROUNDS, _ROUNDS))):
            for request in (without, saying)[:: -1 if number % 2 else 1]:
                load.put(request, _CONNECTIONS, 1)
                found[request].append(load.put(request, _CONNECTIONS, _SECONDS).a_second)
    plain, timed = (statistics.median(found[each]) for each in (without, saying))
    case = f"{batch} rows a request, {_CONNECTIONS} connections"
    return [
        row(
            f"requests with x-event-time, {case}",
            timed,
            "1/s",
            peer="without",
            peer_value=plain,
            target=_TARGET,
            at_least=True,
        ),
        row(f"requests without x-event-time, {case}", plain, "1/s"),
    ]
