"""One stack, drilled: a life undisturbed to compare with, then a life for each cell."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from infra.drill import judge
from infra.drill.callers import Callers
from infra.drill.hit import Hit, Missed, hit
from infra.drill.hit_watched import hit_watched
from infra.drill.leftovers import leftovers
from infra.drill.life import Life, aliases, read_life
from infra.drill.plan import ENVIRONMENTS, EVERYTHING, LAST, TRAINING, WATCHED, Cell, Kind
from infra.drill.receiver import Receiver
from infra.drill.records import Records
from infra.drill.results import Result
from infra.drill.voter import Voter
from infra.drill.watched import LOGGED, PLAN, WatchedLife
from infra.stack import NotReady, Stack
from perennial.client import ApiError, Client, ServiceAway
from perennial.contracts.errors import PerennialError
from perennial.discovery import Found

LIMIT_SECONDS = 600.0
"""A run that has not ended so long after the kill needs a person."""
_ALIAS_SECONDS = 180.0
_LOOK_SECONDS = 0.05
# How much of a stage's usual time passes before the kill, try by try. None: see `hit`.
_INTO = (0.4, 0.1, 0.0, None, None, None)
_LONGEST = 2.0
_EPOCHS = 8
_EPOCH_SECONDS = 0.3
_ROLLOUT = {
    "strategy": "canary",
    "environments": [LAST],
    "steps": [{"percent": 0, "shadow": 50, "hold": "1s"}, {"percent": 50, "hold": "2s"}],
    "interval": "1s",
    "guardrails": {"errors": {"requests": 20}, "slow": None},
}


class DrillFailed(PerennialError):
    """The drill itself cannot go on; it says nothing about the cells."""


class Drill:
    """Drills a stack that is up."""

    def __init__(self, stack: Stack, receiver: Receiver) -> None:
        """Drill.

        Args:
            stack: that is up.
            receiver: that its alerts go to.
        """
        self._stack, self._receiver = stack, receiver
        self._records = Records(stack.config.layout.state_dir / "records.db")
        self._tokens = stack.config.layout.state_dir / "tokens.json"
        self._undisturbed: dict[Kind, Life] = {}
        self._usual: dict[tuple[str, str], float] = {}
        self._models: dict[Cell, str] = {}

    def close(self) -> None:
        """Close the records."""
        self._records.close()

    def run(self, cells: Iterable[Cell]) -> Iterator[Result]:
        """Try each cell, and tell what came of it."""
        for cell in cells:
            if cell.kind not in self._undisturbed:
                self._undisturbed[cell.kind] = self._live_undisturbed(cell.kind)
            yield self._try(cell, self._undisturbed[cell.kind])

    def settled(self, results: Iterable[Result]) -> list[Result]:
        """The results once MLflow's aliases, which follow in the background, had their time."""
        deadline = time.monotonic() + _ALIAS_SECONDS
        return [self._with_aliases(result, deadline) for result in results]

    def _live_undisturbed(self, kind: Kind) -> Life:
        """What every other life is compared with.

        Lived twice: the first one loads what later ones find loaded, so the second shows what a
        stage usually takes, and that two lives which nothing disturbed do not differ.
        """
        lives = [self._live(f"drill-{kind}-{number}", kind) for number in (1, 2)]
        if found := judge.differences(*lives):
            raise DrillFailed(f"two lives that nothing disturbed differ: {'; '.join(found)}")
        return lives[-1]

    def _live(self, model: str, kind: Kind) -> Life:
        self._begin(model, kind)
        with self._called(model, kind):
            self._run_to_its_end(model, 2 if kind == "rolled-out" else 1)
        for stage in self._records.stages(model):
            self._usual[(stage["stage"], stage["environment"])] = stage["seconds"]
        if kind == "watched":
            watched = self._watch(model)
            for name in WATCHED:
                self._usual[(name, "")] = watched.live(name)
        life = self._read(model, kind)
        if life.outcome != "promoted":
            raise DrillFailed(f"a life undisturbed ended {life.outcome or 'never'}: {life.reason}")
        return life

    def _read(self, model: str, kind: Kind) -> Life:
        life = read_life(self._records, self._stack.urls["mlflow"], model)
        return replace(life, watched=self._watched(model).facts()) if kind == "watched" else life

    def _begin(self, model: str, kind: Kind, epoch_seconds: float = 0) -> None:
        """All that comes before the run that matters."""
        self._apply(model, epoch_seconds, **(LOGGED if kind == "watched" else {}))
        if kind == "rolled-out":
            self._take_over(model)

    def _take_over(self, model: str) -> None:
        """A first version gets everything at once; the next one is rolled out beside it."""
        self._run_to_its_end(model, 1)
        if (ended := self._records.run(model)["outcome"]) != "promoted":
            raise DrillFailed(f"the first run of {model}, which nothing disturbed, ended {ended}")
        self._apply(model, epoch_seconds=0, rollout=_ROLLOUT)
        self._records.look_at(model, 2)

    def _run_to_its_end(self, model: str, run: int) -> None:
        self._start(model)
        voter = self._voter(model, run)
        voter.may_vote.set()
        self._await_end(model, time.monotonic() + LIMIT_SECONDS)
        voter.end()

    @contextmanager
    def _called(self, model: str, kind: Kind) -> Iterator[None]:
        """Callers of the model, where its rollout is judged by them."""
        rolled_out = kind == "rolled-out"
        callers = Callers(self._stack.urls["serving"], model) if rolled_out else None
        try:
            yield
        finally:
            if callers is not None:
                callers.end()

    def _try(self, cell: Cell, undisturbed: Life) -> Result:
        """Hit a cell, again with another model where it was missed."""
        why = ""
        for number, part in enumerate(_INTO, 1):
            model = self._models[cell] = f"drill-{cell.stage}-{cell.process}-{number}"
            try:
                return self._try_once(cell, model, part, undisturbed)
            except Missed as missed:
                why = str(missed)
                self._cancel(model)
            except (NotReady, TimeoutError, DrillFailed) as error:
                return Result(cell, 0.0, (str(error).splitlines()[0],))
        return Result(cell, 0.0, (f"it could not be hit: {why}",))

    def _try_once(self, cell: Cell, model: str, part: float | None, undisturbed: Life) -> Result:
        stack = self._stack
        stack.wait_ready(*stack.services, timeout=LIMIT_SECONDS)
        self._begin(model, cell.kind, _EPOCH_SECONDS if cell.stage == "train" else 0)
        usual = min(_LONGEST, self._usual.get((cell.stage, cell.environment), 0.0))
        if cell.kind == "watched":
            self._run_to_its_end(model, 1)
            struck, said = self._strike_watched(cell, model, usual * (part or 0)), ""
        else:
            struck, said = self._strike(cell, model, None if part is None else part * usual)
        seconds = time.monotonic() - struck.at
        if said:
            return Result(cell, seconds, (said,))
        if cell.process not in (EVERYTHING, TRAINING):
            stack.wait_restarted(cell.process, struck.pids, timeout=LIMIT_SECONDS)
        stack.wait_ready(*stack.services, timeout=LIMIT_SECONDS)
        if cell.kind == "watched":
            self._watched(model).rest(after=cell.stage)
        life = self._read(model, cell.kind)
        found = judge.differences(undisturbed, life) + leftovers(stack)
        return Result(cell, seconds, tuple(found))

    def _strike(self, cell: Cell, model: str, into: float | None) -> tuple[Hit, str]:
        """Kill within a run, and see whether it ends all the same; if not, what is said of it."""
        voter = self._voter(model, 2 if cell.kind == "rolled-out" else 1)
        if cell.stage != "approval":
            voter.may_vote.set()
        try:
            with self._called(model, cell.kind):
                struck = hit(
                    *(self._stack, cell, model, self._records),
                    into=into,
                    limit=LIMIT_SECONDS,
                    start=lambda: self._start(model),
                )
                self._up_again(cell)
                voter.may_vote.set()
                if self._await_end(model, struck.at + LIMIT_SECONDS):
                    return struck, ""
        finally:
            voter.end()
        said = f"its run had not ended after {LIMIT_SECONDS:.0f} s"
        return struck, f"{said}; {voter.refused}".rstrip("; ")

    def _strike_watched(self, cell: Cell, model: str, into: float) -> Hit:
        """Kill within what follows for a champion, and see that it is over all the same."""
        watched = self._watch(model)
        struck = hit_watched(
            *(self._stack, cell, watched, self._records, self._receiver),
            model=model,
            into=into,
            limit=LIMIT_SECONDS,
        )
        self._up_again(cell)
        watched.see_over(cell.stage)
        return struck

    def _up_again(self, cell: Cell) -> None:
        if cell.process == EVERYTHING:
            self._stack.up(timeout=LIMIT_SECONDS)

    def _watch(self, model: str) -> WatchedLife:
        """Have a champion watched from now on; its run has told nobody anything."""
        self._apply(model, epoch_seconds=0, **PLAN)
        return self._watched(model)

    def _watched(self, model: str) -> WatchedLife:
        return WatchedLife(
            model,
            serving=self._stack.urls["serving"],
            requests=self._stack.config.layout.state_dir / "requests",
            records=self._records,
            receiver=self._receiver,
            client=lambda: self._client("engineer"),
            limit=LIMIT_SECONDS,
        )

    def _await_end(self, model: str, deadline: float) -> bool:
        """Whether the model's run ends in time."""
        while not self._records.is_finished(model):
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    def _with_aliases(self, result: Result, deadline: float) -> Result:
        if result.seconds == 0:
            return result
        version = "2" if result.cell.kind == "rolled-out" else "1"
        wanted, found = dict.fromkeys(ENVIRONMENTS, version), {"": ""}
        while found != wanted:
            found = aliases(self._stack.urls["mlflow"], self._models[result.cell])
            if found != wanted and time.monotonic() > deadline:
                said = f"MLflow's aliases are {found} instead of {wanted}"
                return replace(result, differences=(*result.differences, said))
            if found != wanted:
                time.sleep(_LOOK_SECONDS)
        return result

    def _apply(self, model: str, epoch_seconds: float, **more: Any) -> None:
        with self._client("engineer") as client:
            client.apply(json.dumps({**_spec(model, epoch_seconds), **more}).encode())

    def _start(self, model: str) -> None:
        # the API may be killed while it answers: the run is looked for in the records
        with suppress(ServiceAway, ApiError), self._client("engineer") as client:
            client.start_run(model, reason="a drill")

    def _cancel(self, model: str) -> None:
        """End a run that was missed, and see it end: the next cell is about its own run only."""
        with suppress(ServiceAway, ApiError), self._client("engineer") as client:
            client.cancel(self._records.run(model)["run_id"], reason="the drill missed it")
        self._await_end(model, time.monotonic() + LIMIT_SECONDS)

    def _voter(self, model: str, run: int) -> Voter:
        return Voter(self._stack, self._client("approver"), model, run)

    def _client(self, name: str) -> Client:
        found = Found(self._stack.urls["api"], self._tokens)
        return Client(found.url, found.token(name))


def _spec(model: str, epoch_seconds: float) -> dict[str, Any]:
    return {
        "model": model,
        "project": "infra.drill.project:Points",
        "task": "binary",
        "source": {"uri": "made:points"},
        "training": {
            "epochs": _EPOCHS,
            "batch_size": 64,
            "seed": 1,
            "learning_rate": 0.05,
            "params": {"epoch_seconds": epoch_seconds},
        },
        "metrics": {"primary": "roc_auc", "thresholds": [{"metric": "roc_auc", "min": 0.5}]},
        "risk_tier": "medium",  # the last environment asks for one approval
        "owners": ["ml@example.org"],
        "environments": list(ENVIRONMENTS),
        "patience": "2m",
    }
