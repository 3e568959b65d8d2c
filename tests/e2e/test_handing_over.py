"""An ML worker that is stopped in the middle of a training hands it over to the next one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.stack import Stack
from tests.e2e.test_bad_input import spec_of
from tests.people import People, good_rows, write_points


def test_a_stopped_worker_hands_its_training_over(
    stack: Stack, people: People, tmp_path: Path
) -> None:
    log, end = tmp_path / "log", tmp_path / "end"
    spec = spec_of(write_points(tmp_path, good_rows()), "Slow", patience="5m")
    spec["training"]["epochs"] = 10_000
    people.apply(spec)
    asked = people.engineer.start_run(spec["model"], params={"log": str(log), "end": str(end)})
    run_id = asked["run_id"]
    shown(people, run_id, 1)

    stack.stop("ml")  # SIGTERM, as a rolling restart sends it
    before = last_epoch(log)
    stack.start("ml")
    shown(people, run_id, before + 1)
    end.touch()
    run: Any = people.finished(run_id)
    assert run["outcome"] == "promoted", run["reason"]
    lines = log.read_text().split("\n")[:-1]
    assert [int(line.split()[0]) for line in lines] == list(range(1, len(lines) + 1))
    assert len({line.split()[1] for line in lines}) == 1, "one process trained it all"


def shown(people: People, run_id: str, epoch: int) -> None:
    """Return once people have been shown that epoch, or a later one."""
    for event in people.engineer.events(run_id):
        if event.name == "progress" and event.data["progress"].get("epoch", 0) >= epoch:
            return
    raise AssertionError(f"the run ended before epoch {epoch} was shown")


def last_epoch(log: Path) -> int:
    return int(log.read_text().split("\n")[-2].split()[0])
