"""Champions of several models move in one transaction: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.db.store import Store
from perennial.contracts import records
from perennial.contracts.errors import (
    ModelPaused,
    NotFound,
    PlatformPaused,
    Refused,
    StaleEpoch,
)
from perennial.contracts.groups import MoveTogether, PutBack
from perennial.contracts.platform import SetPlatform
from tests.samples import at, move, record_run, record_version, spec
from tests.unit.records.reading import kinds, verified

MODELS = ("digits", "flights")


@pytest.fixture
def ready(store: Store) -> Iterator[Store]:
    """Two models of two versions each, the first of which is champion; a group wants the others."""
    for model in MODELS:
        store.record_spec(
            records.RecordSpec(effect=f"apply {model}", spec=spec(model), actor="ada", at=at())
        )
        for number, group in ((1, None), (2, "g")):
            run_id = f"{model}-{number}"
            store.record_run(record_run(run_id, model, group=group))
            store.record_version(record_version(run_id, model))
        store.move_champion(move(1, 0, model=model, effect=f"first {model}"))
    yield store


def together(*epochs: int) -> MoveTogether:
    return MoveTogether(
        moves=tuple(
            move(2, epoch, model=model, run_id=f"{model}-2", effect=f"group/g/{model}/{epoch}")
            for model, epoch in zip(MODELS, epochs, strict=True)
        )
    )


def back(effect: str = "back") -> PutBack:
    return PutBack(effect=effect, group="g", actor="ada", reason="alarms", at=at(40))


def champions(store: Store) -> list[tuple[int | None, int]]:
    found = [store.read_champions(records.ReadChampions(model=model)) for model in MODELS]
    return [(each.in_("production").version, each.in_("production").epoch) for each in found]


def test_all_move_and_all_go_back(ready: Store) -> None:
    moved = ready.move_together(together(1, 1))
    assert [champion.version for champion in moved.champions] == [2, 2]
    assert champions(ready) == [(2, 2), (2, 2)]
    assert ready.move_together(together(1, 1)) == moved, "a repeat has one effect"
    put_back = ready.roll_back_together(back())
    assert ready.roll_back_together(back()) == put_back
    assert champions(ready) == [(1, 3), (1, 3)]
    assert verified(ready)


def test_one_that_has_moved_since_keeps_all_where_they_are(ready: Store) -> None:
    ready.move_champion(move(2, 1, model="flights", effect="somebody else"))
    with pytest.raises(StaleEpoch, match="champion of flights in production is at epoch 2"):
        ready.move_together(together(1, 1))
    assert champions(ready) == [(1, 1), (2, 2)]
    ready.move_together(together(1, 2))
    assert champions(ready) == [(2, 2), (2, 3)]
    ready.move_champion(move(1, 3, model="flights", cause="rollback", effect="by hand"))
    with pytest.raises(StaleEpoch, match="champion of flights"):
        ready.roll_back_together(back())
    assert champions(ready) == [(2, 2), (1, 4)]
    assert kinds(ready).count("champion.refused") == 0


def test_a_pause_of_one_or_of_all_holds_all(ready: Store) -> None:
    def status(status: str) -> None:
        ready.set_model_status(
            records.SetModelStatus.model_validate(
                {
                    "effect": status,
                    "model": "flights",
                    "status": status,
                    "actor": "root",
                    "reason": "",
                    "at": at(30),
                }
            )
        )

    status("paused")
    with pytest.raises(ModelPaused, match="flights is paused"):
        ready.move_together(together(1, 1))
    assert champions(ready) == [(1, 1), (1, 1)]
    status("active")
    moved = ready.move_together(together(1, 1))
    ready.set_platform(
        SetPlatform(effect="all", paused=True, actor="root", reason="incident", at=at(31))
    )
    assert ready.move_together(together(1, 1)) == moved, "what was made was made"
    with pytest.raises(PlatformPaused):
        ready.move_together(together(2, 2))
    ready.roll_back_together(back())
    assert champions(ready) == [(1, 3), (1, 3)], "a pause holds no way back"


def test_what_did_not_move_is_not_put_back(ready: Store) -> None:
    with pytest.raises(Refused, match="group g moved nothing"):
        ready.roll_back_together(back())
    with pytest.raises(NotFound, match="no group 'other'"):
        ready.roll_back_together(back().model_copy(update={"group": "other"}))
