from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from api.db.store import Store
from api.db.tables import ChampionHistoryRow
from perennial.contracts import records
from perennial.contracts.errors import ModelRetired, NotFound, Refused, StaleEpoch
from tests.samples import at, exported, move, record_run, record_version, spec
from tests.unit.records.reading import kinds, row, verified


@pytest.fixture
def ready(store: Store) -> Iterator[Store]:
    """Records with a model of three versions."""
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="engineer", at=at()))
    for run_id in ("r1", "r2", "r3"):
        store.record_run(record_run(run_id))
        store.record_version(record_version(run_id, onnx=f"{run_id}.onnx"))
    yield store


def back(store: Store, to_version: int | None = None) -> records.Champion:
    return store.previous_champion(
        records.PreviousChampion(model="flights", environment="production", to_version=to_version)
    )


def test_each_move_takes_the_next_epoch(ready: Store) -> None:
    first = ready.move_champion(move(1, 0))
    assert (first.version, first.epoch, first.since) == (1, 1, at(20))
    assert first.onnx is not None and first.onnx.onnx == exported("r1.onnx").onnx
    second = ready.move_champion(move(2, 1, run_id="r2"))
    found = ready.read_champions(records.ReadChampions(model="flights"))
    assert found.champions == (second,)
    assert found.in_("testing").epoch == 0
    old = row(ready, ChampionHistoryRow, ("flights", "production", 1))
    new = row(ready, ChampionHistoryRow, ("flights", "production", 2))
    assert (old.version, old.since, old.until) == (1, at(20), at(21))
    assert (new.version, new.since, new.until) == (2, at(21), None)
    assert kinds(ready)[-2:] == ["champion.moved"] * 2


def test_a_repeated_move_answers_what_the_first_answered(ready: Store) -> None:
    first = ready.move_champion(move(1, 0))
    ready.move_champion(move(2, 1))
    assert ready.move_champion(move(1, 0)) == first
    assert kinds(ready).count("champion.moved") == 2


def test_a_stale_epoch_is_refused_with_both_numbers(ready: Store) -> None:
    ready.move_champion(move(1, 0))
    with pytest.raises(StaleEpoch, match="at epoch 1, not at 0") as caught:
        ready.move_champion(move(2, 0))
    assert caught.value.details == {"expected": 0, "found": 1}
    with pytest.raises(StaleEpoch, match="at epoch 1, not at 7"):
        ready.move_champion(move(2, 7))
    assert kinds(ready).count("champion.moved") == 1


def test_of_two_who_move_at_once_exactly_one_wins(ready: Store) -> None:
    for round_ in range(5):
        start = Barrier(2)

        def race(version: int, epoch: int = round_, start: Barrier = start) -> str:
            start.wait()
            try:
                ready.move_champion(move(version, epoch))
            except StaleEpoch:
                return "lost"
            return "won"

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(race, (1, 2))) == ["lost", "won"]
    assert verified(ready).ok
    assert kinds(ready).count("champion.moved") == 5


def test_a_clock_that_runs_behind_makes_no_period_end_before_it_began(ready: Store) -> None:
    ready.move_champion(move(1, 0, at=at(50)))
    moved = ready.move_champion(move(2, 1, at=at(40)))
    assert moved.since == at(50)
    assert row(ready, ChampionHistoryRow, ("flights", "production", 1)).until == at(50)


def test_only_a_version_that_exists_becomes_champion(ready: Store) -> None:
    with pytest.raises(NotFound, match="version 9"):
        ready.move_champion(move(9, 0))
    with pytest.raises(NotFound, match="no model 'nobody'"):
        ready.move_champion(move(1, 0, model="nobody"))


def test_a_rollback_puts_back_the_newest_other_champion(ready: Store) -> None:
    with pytest.raises(Refused, match="never had a champion"):
        back(ready)
    ready.move_champion(move(1, 0))
    with pytest.raises(Refused, match="no other champion"):
        back(ready)
    ready.move_champion(move(2, 1))
    found = back(ready)
    assert (found.version, found.epoch) == (1, 2)
    assert found.onnx is not None and found.onnx.version == 1
    ready.move_champion(move(1, 2, cause="rollback"))
    assert back(ready).version == 2


def test_a_rollback_to_a_version_needs_it_to_have_been_champion_there(ready: Store) -> None:
    for epoch, version in enumerate((1, 2, 1)):
        ready.move_champion(move(version, epoch))
    ready.move_champion(move(3, 0, environment="staging"))
    assert back(ready, to_version=2).version == 2
    with pytest.raises(Refused, match="is the champion of flights in production already"):
        back(ready, to_version=1)
    with pytest.raises(Refused, match=r"version 3 never was champion.*versions that were: 2;"):
        back(ready, to_version=3)


def test_retirement_empties_and_nothing_moves_after_it(ready: Store) -> None:
    ready.move_champion(move(1, 0))
    ready.set_model_status(
        records.SetModelStatus(
            effect="retire", model="flights", status="retired", actor="admin", reason="", at=at(30)
        )
    )
    with pytest.raises(ModelRetired):
        ready.move_champion(move(2, 1))
    empty = ready.move_champion(move(None, 1, cause="retirement"))
    assert (empty.version, empty.onnx, empty.epoch) == (None, None, 2)
    assert back(ready).version == 1
