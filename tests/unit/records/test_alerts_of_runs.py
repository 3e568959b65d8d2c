"""Runs that a wish has led to, and that end without a champion: nobody watches them."""

from __future__ import annotations

from sqlmodel import select

from api.db.alert_tables import AlertRow
from api.db.store import Store
from perennial.contracts import records
from tests.samples import at, move, record_run, record_version, spec
from tests.unit.records.test_alerts_of_champions import alerts, ended, wish

HOUR = 60


def followed(store: Store, outcome: str, hours: float) -> str:
    """The run of a wish, which has ended."""
    wished = store.record_trigger(wish(hours * HOUR, failures=9))
    assert wished.run_id is not None, wished.governed
    store.record_run(record_run(wished.run_id, at=at(hours * HOUR)))
    ended(store, wished.run_id, outcome, hours * HOUR + 1)
    return wished.run_id


def test_who_wished_for_a_run_hears_that_it_has_made_no_champion(store: Store) -> None:
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="ada", at=at()))
    store.record_run(record_run("by-hand", at=at()))
    ended(store, "by-hand", "failed", 1)
    followed(store, "cancelled", 10)
    good = followed(store, "promoted", 20)
    assert alerts(store) == {}
    worse = followed(store, "denied", 30)
    with store.database.reading() as session:
        [told] = session.exec(select(AlertRow)).all()
    assert (told.kind, told.key, told.severity) == ("retrain", "run", "low")
    assert told.body == f"message: the run {worse} ended as denied: so it is"
    assert told.links == {"run": f"/v1/runs/{worse}"}
    # the same alert again, and no longer a small one
    followed(store, "failed", 40)
    with store.database.reading() as session:
        [told] = session.exec(select(AlertRow)).all()
    assert (told.raised, told.severity) == (2, "high")
    store.record_version(record_version(good))
    store.move_champion(move(1, 0, at=at(50 * HOUR)))
    assert alerts(store) == {"retrain run": ("closed", "version 1 was promoted")}
