"""Who answers which part of the requests is fenced by an epoch, and follows the champion."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from api.db.facts import serving as facts
from api.db.store import Store
from api.queries.rollouts import read_served
from perennial.contracts import records
from perennial.contracts.deployments import ReadServing, SetWeights, Share
from perennial.contracts.errors import ModelPaused, NotFound, PlatformPaused, StaleEpoch
from perennial.contracts.platform import SetPlatform
from perennial.contracts.serving import Deployment, Met, Report, Serving, Tally
from tests.samples import at, exported, move, record_run, record_version, spec
from tests.unit.records.reading import kinds, verified

CANARY = (
    Share(name="challenger", version=2, weight=500),
    Share(name="champion", version=1, weight=9000),
    Share(name="control", version=1, weight=500),
)


@pytest.fixture
def ready(store: Store) -> Iterator[Store]:
    """Records with a model of two versions, the first of which is champion of production."""
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="engineer", at=at()))
    for run_id in ("r1", "r2"):
        store.record_run(record_run(run_id))
        store.record_version(record_version(run_id, onnx=f"{run_id}.onnx"))
    store.move_champion(move(1, 0))
    yield store


def weights(
    expected: int, variants: tuple[Share, ...] = CANARY, effect: str = "step-1"
) -> SetWeights:
    return SetWeights(
        effect=effect,
        model="flights",
        environment="production",
        expected_epoch=expected,
        run_id="r2",
        entity="customer",
        slow_seconds=0.2,
        variants=variants,
        actor="rollout",
        reason="step 1 of 3",
        at=at(30),
    )


def look(store: Store, since: int = 1) -> Serving:
    return store.read_serving(
        ReadServing(model="flights", environment="production", since_epoch=since)
    )


def shares(deployment: Deployment | None) -> dict[str, tuple[int, int]]:
    assert deployment is not None
    return {each.name: (each.version, each.weight) for each in deployment.variants}


def tally(epoch: int, variant: str = "champion", **counts: int) -> Tally:
    version = 2 if variant == "challenger" else 1
    return Tally(
        model="flights",
        epoch=epoch,
        variant=variant,
        version=version,
        sha256=exported(f"r{version}.onnx").onnx.sha256,
        **counts,  # type: ignore[arg-type]
    )


def test_a_champion_that_moves_takes_all_requests(ready: Store) -> None:
    found = look(ready)
    assert shares(found.deployment) == {"champion": (1, 10_000)}
    assert found.deployment is not None and found.deployment.epoch == 1
    ready.move_champion(move(2, 1, run_id="r2"))
    assert shares(look(ready).deployment) == {"champion": (2, 10_000)}
    ready.move_champion(move(None, 2, cause="retirement"))
    assert look(ready).deployment is None


def test_weights_are_set_once_and_recorded(ready: Store) -> None:
    first = ready.set_weights(weights(1))
    assert (first.epoch, first.entity, first.slow_seconds) == (2, "customer", 0.2)
    assert ready.set_weights(weights(1)) == first, "a repeat has one effect"
    assert first.variants[0].onnx == exported("r2.onnx").onnx
    found = look(ready)
    assert found.deployment == first and found.run_id == "r2"
    assert kinds(ready).count("deployment.changed") == 1
    assert verified(ready)


def test_who_comes_too_late_changes_nothing(ready: Store) -> None:
    ready.set_weights(weights(1))
    with pytest.raises(StaleEpoch, match="at epoch 2, not at 1"):
        ready.set_weights(weights(1, effect="other"))
    ready.move_champion(move(2, 1, run_id="r2"))
    with pytest.raises(StaleEpoch, match="at epoch 3, not at 2"):
        ready.set_weights(weights(2, effect="step-2"))
    assert look(ready).run_id is None


def test_none_given_are_the_champions(ready: Store) -> None:
    ready.set_weights(weights(1))
    back = ready.set_weights(weights(2, (), effect="back"))
    assert shares(back) == {"champion": (1, 10_000)} and look(ready).run_id is None


def test_a_run_that_ends_leaves_no_weights_behind(ready: Store) -> None:
    ready.set_weights(weights(1))
    ready.finish_run(
        records.FinishRun(
            effect="end",
            run_id="r2",
            model="flights",
            outcome="cancelled",
            reason="terminated",
            at=at(40),
        )
    )
    found = look(ready)
    assert shares(found.deployment) == {"champion": (1, 10_000)} and found.run_id is None


def test_a_pause_holds_shares_and_not_the_way_back(ready: Store) -> None:
    ready.set_weights(weights(1))

    def pause(of_all: bool) -> None:
        if of_all:
            ready.set_platform(
                SetPlatform(effect="all", paused=True, actor="root", reason="incident", at=at(31))
            )
        else:
            ready.set_model_status(
                records.SetModelStatus(
                    effect="one",
                    model="flights",
                    status="paused",
                    actor="root",
                    reason="",
                    at=at(31),
                )
            )

    assert look(ready).held == ""
    pause(of_all=False)
    assert look(ready).held == "flights is paused"
    with pytest.raises(ModelPaused, match="perennial resume flights"):
        ready.set_weights(weights(2, effect="step-2"))
    pause(of_all=True)
    assert look(ready).held == "root paused the platform: incident"
    with pytest.raises(PlatformPaused, match="resume --all"):
        ready.set_weights(weights(2, effect="step-2"))
    back = ready.set_weights(weights(2, (), effect="back"))
    assert shares(back) == {"champion": (1, 10_000)}


def test_nothing_is_divided_where_nothing_is_champion(ready: Store) -> None:
    with pytest.raises(NotFound, match="no champion in staging"):
        ready.set_weights(weights(1).model_copy(update={"environment": "staging"}))


def test_counts_of_all_processes_add_up_and_lost_reports_do_not_matter(ready: Store) -> None:
    ready.set_weights(weights(1))
    one = Report(tallies=(tally(1, requests=5), tally(2, "challenger", requests=3, errors=1)))
    ready.record_report("production", "p1", one)
    ready.record_report("production", "p1", one)
    more = Report(tallies=(tally(2, "challenger", requests=4, slow=2),))
    ready.record_report("production", "p2", more)
    found = {(t.epoch, t.variant): t for t in look(ready).tallies}
    assert found[1, "champion"].requests == 5
    both = found[2, "challenger"]
    assert (both.requests, both.errors, both.slow) == (7, 1, 2)
    assert [t.epoch for t in look(ready, since=2).tallies] == [2]
    met = (
        tally(2, "challenger", entities=3),
        tally(2, "control", entities=2),
        tally(1, entities=9),
    )
    ready.record_report("production", "p2", Report(tallies=met))
    assert look(ready).met == (Met(process="p2", entities={"challenger": 3, "control": 2}),)
    assert {t.entities for t in look(ready).tallies} == {0}, "two processes meet the same ones"
    strange = tally(1).model_copy(update={"model": "unknown"})
    ready.record_report("production", "p2", Report(tallies=(strange,)))


def test_people_are_shown_the_counts_since_the_rollout_began(ready: Store) -> None:
    ready.set_weights(weights(1))
    ready.set_weights(weights(2, (), effect="called off"))
    ready.set_weights(weights(3, effect="again"))
    ready.set_weights(weights(4, effect="step-2"))
    epochs = range(1, 6)
    report = Report(tallies=tuple(tally(epoch, requests=1) for epoch in epochs))
    ready.record_report("production", "p1", report)

    def shown() -> tuple[str | None, list[int]]:
        with ready.database.reading() as session:
            found = read_served(session, "flights", "production")
        return found.run_id, [each.epoch for each in found.tallies]

    assert shown() == ("r2", [4, 5])
    ready.move_champion(move(2, 1, run_id="r2"))
    ready.record_report("production", "p1", Report(tallies=(tally(6, requests=1),)))
    assert shown() == (None, [6]), "nothing is rolled out: since the champion moved"


def test_a_step_is_served_once_every_process_says_so(ready: Store) -> None:
    deployment = ready.set_weights(weights(1))
    names = [variant.name for variant in deployment.variants]
    whole = Report(tallies=tuple(tally(2, name) for name in names))
    ready.record_report("production", "p1", whole)
    ready.record_report("production", "p2", Report(tallies=(tally(1),)))
    assert (look(ready).processes, look(ready).behind) == (2, ("p2",))
    wrong = tally(2, "challenger").model_copy(update={"sha256": "f" * 64})
    ready.record_report("production", "p2", Report(tallies=(*whole.tallies[1:], wrong)))
    assert look(ready).behind == ("p2",), "it has loaded another file"
    ready.record_report("production", "p2", whole)
    assert look(ready).behind == ()
    ready.record_report("production", "p2", Report(leaving=True))
    assert look(ready).processes == 1, "nobody waits for one that has left"
    ready.record_report("production", "p2", whole)
    ready.record_report("staging", "p3", Report())
    assert look(ready).processes == 2


def test_a_process_that_is_gone_is_waited_for_no_more_and_its_counts_stay(ready: Store) -> None:
    ready.record_report("production", "p1", Report(tallies=(tally(1, requests=5),)))
    asked = ReadServing(model="flights", environment="production", since_epoch=1)
    with ready.database.reading() as session:
        plane = session.get(facts.DataPlaneRow, "p1")
        assert plane is not None
        later = facts.read_serving(session, asked, plane.seen_at + timedelta(seconds=16))
    assert later.processes == 0 and later.tallies[0].requests == 5
