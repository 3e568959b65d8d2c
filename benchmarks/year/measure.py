"""The replay: the year is sent to a stack of its own, and to the first champion alone."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import results
from benchmarks.results import Row
from benchmarks.year import picture
from benchmarks.year.alone import FirstChampion
from benchmarks.year.driving import ENVIRONMENT, Driver
from benchmarks.year.events import Year, windows
from benchmarks.year.outcome import Outcome, Week, quality, rows
from infra.stack import Stack
from perennial.cli.report import write_report
from perennial.client import Client
from perennial.contracts.spec import ModelSpec, duration
from perennial.documents import Window
from perennial.settings import Settings
from perennial.spec_yaml import parse_spec

SPEC = Path(__file__).parents[2] / "examples" / "flights" / "watched.yaml"
BEGIN = datetime(2013, 4, 1, tzinfo=UTC)
END = datetime(2013, 12, 30, tzinfo=UTC)
"""The last days of the year show that the last week is over."""
_LAST = datetime(2014, 1, 1, tzinfo=UTC)


def run() -> list[Row]:
    """Rows of the year; its weeks are kept beside them."""
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        stack = Stack(Path(folder), Stack.free_ports())
        try:
            stack.up()
            clients = people(stack)
            spec = parse_spec(SPEC.read_text())
            clients["engineer"].apply(SPEC.read_bytes())
            outcome = replay(spec, Year(BEGIN, _LAST), BEGIN, END, stack.urls["serving"], clients)
            report = results.FOLDER / "replay-year.html"
            write_report(clients["engineer"], spec.model, ENVIRONMENT, report, 60)
        finally:
            stack.clean()
    picture.write(outcome, results.FOLDER)
    return rows(outcome)


def people(stack: Stack) -> dict[str, Client]:
    """A client for each principal of a stack."""
    tokens = Settings(state_dir=stack.config.layout.state_dir).tokens
    return {
        entry["name"]: Client(stack.urls["api"], entry["token"])
        for entry in json.loads(tokens.read_text())["tokens"]
    }


def replay(
    spec: ModelSpec,
    year: Year,
    begin: datetime,
    end: datetime,
    serving: str,
    clients: dict[str, Client],
    share: float = 1.0,
) -> Outcome:
    """Send the whole windows between two instants.

    Raises:
        NotAsTold: the platform did something else than a replay can go on with.
    """
    assert spec.monitoring is not None and spec.retraining is not None
    length = duration(spec.monitoring.window)
    wanted = windows(begin, end, length)
    client = clients["engineer"]
    driver = Driver(spec, year, serving, client, clients["approver"])
    try:
        first = driver.promoted()
        began = time.perf_counter()
        for window in driver.replay(wanted):
            print(f"  {_told(window, time.perf_counter() - began)}", flush=True)
        seconds = time.perf_counter() - began
    finally:
        driver.close()
    alone = FirstChampion(client, spec.model, first)
    without: dict[int, float] = {}
    for start, finish in wanted:
        without |= alone.answers(list(year.requests(start, finish)))
    judged = client.windows(spec.model, environment=ENVIRONMENT, limit=len(wanted))
    asked = [each for each in client.triggers(spec.model) if each["actor"] == "monitor"]
    history = client.history(spec.model, environment=ENVIRONMENT)
    answered = driver.answers
    weeks = [_week(year, window, answered.late, answered.version, without) for window in judged]
    with_loop, alone_found = _altogether(year, sorted(without), answered.late, without)
    return Outcome(
        weeks=weeks[::-1],
        roc_auc=(with_loop[0], alone_found[0]),
        brier=(with_loop[1], alone_found[1]),
        triggers=asked,
        runs={e["run_id"]: client.run(e["run_id"]) for e in asked if e["run_id"] is not None},
        rollbacks=sum(reign["cause"] == "rollback" for reign in history),
        most=spec.retraining.runs,
        labels=driver.labels,
        failed=answered.failed,
        difference=max(
            (
                abs(answered.late[f] - without[f])
                for f in without
                if answered.version.get(f) == first
            ),
            default=0.0,
        ),
        seconds=seconds,
        share=share,
    )


def _week(
    year: Year,
    window: Window,
    late: dict[int, float],
    version: dict[int, int],
    without: dict[int, float],
) -> Week:
    frame = year.frame
    inside = (frame.asked_at >= window["start"]) & (frame.asked_at < window["end"])
    flights = frame.index[inside].tolist()
    found, alone = _altogether(year, flights, late, without)
    return Week(
        window=window,
        versions=tuple(sorted({version[flight] for flight in flights if flight in version})),
        arrived=int(frame.landed[inside].notna().sum()),
        roc_auc=(found[0], alone[0]),
        brier=(found[1], alone[1]),
    )


def _altogether(
    year: Year, flights: Sequence[int], late: dict[int, float], without: dict[int, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Quality with the loop and without, on the same flights: those that arrived."""
    arrived = set(year.frame.index[year.frame.landed.notna()])
    both = [f for f in flights if f in arrived and f in late and f in without]
    truth = year.frame.late.loc[both].tolist()
    return (
        quality(truth, [late[flight] for flight in both]),
        quality(truth, [without[flight] for flight in both]),
    )


def _told(window: Window, seconds: float) -> str:
    measured = " ".join(f"{name} {value:.3f}" for name, value in window["metrics"].items())
    return (
        f"{seconds:5.0f} s  {window['start'][:10]} v{window['version']} {window['rows']:>6,} rows  "
        f"{window['verdict']:<12} {window['quality_verdict'] or '-':<12} {measured}  "
        f"{window['action']}: {window['followed'][:80]}"
    )
