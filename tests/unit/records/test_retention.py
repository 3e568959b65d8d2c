"""What is removed once it is old, and what stays because somebody may still ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.retention import RetentionActivities
from api.db.alert_tables import DeliveryRow
from api.db.monitoring_tables import LabelRow, WindowRow
from api.db.old import OldStore
from api.db.store import Store
from perennial.blobs import BlobStore
from perennial.contracts import records
from perennial.contracts.alerts import CloseAlert, RaiseAlert
from perennial.contracts.concept import WindowErrors, WindowKey
from perennial.contracts.deployments import ReadServing
from perennial.contracts.labelling import CountLabelled
from perennial.contracts.labels import FoundRequest, Label
from perennial.contracts.retention import Keep, Sweep, Swept
from perennial.contracts.serving import Labelled
from tests.samples import at, judged, move, record_run, record_version, record_window, spec
from tests.unit.records.reading import kinds, verified

DAY = 24 * 60
WATCHED: dict[str, Any] = {
    "request_log": {"keep": "30d"},
    "monitoring": {"window": "1h", "quality": {"within": "20d"}},
    "alerts": {"channels": [{"name": "ops"}]},
}
KEEP = Keep(profiles="100d", labels="10d", deliveries="5d")


class Place:
    """The records, the blobs and the log beside each other."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.blobs = BlobStore(f"file://{folder / 'blobs'}")
        self.log = folder / "log"

    def window(self, minutes: float) -> None:
        name = f"window of {minutes}".encode()
        refs = {each: self.blobs.put_bytes(each.encode() + name) for each in ("profile", "details")}
        self.store.record_window(record_window(minutes, judged=judged(**refs)))
        kept = WindowErrors(start=at(minutes), rows=1, each=1, seconds=(0,), means=(0.5,))
        self.store.keep_errors(WindowKey("flights", "production", 1, at(minutes)), kept)

    def label(self, name: str, minutes: float, received: float) -> None:
        label = Label(request_id=name, value=1, at=at(minutes))
        self.store.keep_labels("flights", [label], at(received))
        self.store.mark_labels(
            "flights", "production", [FoundRequest(name, 0, name, at(minutes))], [], at(received)
        )

    async def sweep(self, minutes: float, keep: Keep = KEEP) -> Swept:
        old = OldStore(self.store.database)
        activities = RetentionActivities(self.blobs, f"file://{self.log}", old, keep)
        asked = Sweep(effect=f"retention/{minutes}", at=at(minutes))
        swept: Swept = await ActivityEnvironment().run(activities.sweep_old, asked)
        return swept

    def left(self) -> tuple[list[float], list[str], int]:
        """Windows whose blobs are there, by their minutes; labels; deliveries."""
        with self.store.database.reading() as session:
            windows = session.exec(select(WindowRow).order_by(WindowRow.start)).all()
            labels = session.exec(select(LabelRow.request_id).order_by(LabelRow.request_id)).all()
            deliveries = session.exec(select(DeliveryRow)).all()
        whole = [window for window in windows if window.swept_at is None]
        blobs = {path.name for path in (self.folder / "blobs").rglob("*") if path.is_file()}
        assert all((window.errors is not None) == (window in whole) for window in windows)
        assert blobs == {w.judged[each]["sha256"] for w in whole for each in ("profile", "details")}
        starts = [(window.start - at()).total_seconds() / 60 for window in whole]
        return starts, list(labels), len(deliveries)


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Iterator[Place]:
    """A watched champion with three windows, three labels, and two alerts that were sent."""
    place = Place(store, tmp_path)
    (tmp_path / "log").mkdir()
    store.record_spec(
        records.RecordSpec(effect="apply", spec=spec(**WATCHED), actor="ada", at=at())
    )
    store.record_run(record_run("r1"))
    store.record_version(record_version("r1"))
    store.move_champion(move(1, 0))
    for days in (1, 50, 90):
        place.window(days * DAY)
    for name, days in (("a", 1), ("b", 60), ("c", 80)):
        place.label(name, days * DAY, days * DAY)
    for key in ("closed", "living"):
        store.raise_alert(
            RaiseAlert(
                effect=key,
                model="flights",
                severity="critical",
                kind="drift",
                key=key,
                title="t",
                at=at(DAY),
            )
        )
    store.close_alert(CloseAlert(model="flights", kind="drift", key="closed", at=at(DAY + 1)))
    with store.database.writing() as session:
        for row in session.exec(select(DeliveryRow)):
            row.status, row.sent_at = "sent", at(DAY + 1)
            session.add(row)
    yield place


async def test_what_is_old_goes_once_and_is_told_in_the_ledger(place: Place) -> None:
    swept = await place.sweep(120 * DAY)
    # the window of day 90 was measured by labels of 20 days before it, and will be again
    assert place.left() == ([50 * DAY, 90 * DAY], ["c"], 1)
    assert (swept.windows, swept.labels, swept.deliveries, swept.days) == (1, 2, 1, 0)
    assert swept.bytes > 0
    assert kinds(place.store).count("retention.swept") == 1
    again = await place.sweep(120 * DAY + 1)
    assert not again.anything
    assert kinds(place.store).count("retention.swept") == 1, "nothing was removed"
    verified(place.store)


async def test_what_was_said_stays(place: Place) -> None:
    await place.sweep(400 * DAY)
    with place.store.database.reading() as session:
        windows = session.exec(select(WindowRow)).all()
    assert [window.verdict for window in windows] == ["pass"] * 3
    assert all(window.judged["profile"]["sha256"] for window in windows)
    assert not any(window.errors for window in windows), "no window of today is put beside them"


async def test_a_champion_under_guard_keeps_its_windows_and_labels(place: Place) -> None:
    guarded = {**WATCHED, "rollout": {"guard": "200d"}}
    place.store.record_spec(
        records.RecordSpec(effect="guard", spec=spec(**guarded), actor="ada", at=at(1))
    )
    assert (await place.sweep(120 * DAY)).windows == 0
    assert place.left()[:2] == ([DAY, 50 * DAY, 90 * DAY], ["a", "b", "c"])
    assert (await place.sweep(300 * DAY)).windows == 3
    assert place.left()[:2] == ([], ["c"])


async def test_what_a_rollout_has_counted_by_labels_goes_once_it_is_over(place: Place) -> None:
    count = CountLabelled(model="flights", environment="production", since_epoch=2, since=at())
    for days in (50, 115):
        found = [Labelled(variant=name, version=1, requests=9) for name in ("control", "champion")]
        place.store.record_labelled(count, at(days * DAY), found)
    guarded = {**WATCHED, "rollout": {"guard": "110d"}}
    place.store.record_spec(
        records.RecordSpec(effect="guard", spec=spec(**guarded), actor="ada", at=at(1))
    )
    assert (await place.sweep(109 * DAY)).labelled == 0, "its version is under guard"
    assert (await place.sweep(120 * DAY)).labelled == 2
    asked = ReadServing(model="flights", environment="production", since_epoch=2)
    assert {each.requests for each in place.store.read_serving(asked).labelled} == {9}
    assert (await place.sweep(130 * DAY)).labelled == 2
    assert place.store.read_serving(asked).labelled == ()


async def test_windows_that_others_are_compared_with_stay(place: Place) -> None:
    rolling = {"window": "1h", "reference": "rolling", "reference_windows": 2}
    place.store.record_spec(
        records.RecordSpec(
            effect="roll", spec=spec(**{**WATCHED, "monitoring": rolling}), actor="ada", at=at(1)
        )
    )
    assert (await place.sweep(400 * DAY)).windows == 1
    assert place.left()[0] == [50 * DAY, 90 * DAY]
    place.window(395 * DAY)
    assert (await place.sweep(401 * DAY)).windows == 1
    assert place.left()[0] == [90 * DAY, 395 * DAY]


async def test_a_monitor_that_has_judged_nothing_needs_all_labels(place: Place) -> None:
    with place.store.database.writing() as session:
        for window in session.exec(select(WindowRow)):
            session.delete(window)
    assert (await place.sweep(300 * DAY)).labels == 0


async def test_the_log_of_a_model_that_nobody_asks_any_more(place: Place) -> None:
    now = datetime.now(UTC)
    folder = place.log / "environment=production" / "model=flights"
    for days in (40, 20):
        (folder / f"date={now - timedelta(days=days):%Y-%m-%d}" / "hour=00").mkdir(parents=True)
    swept = await place.sweep((now - at()).total_seconds() / 60)
    assert swept.days == 1
    assert [day.name for day in folder.iterdir()] == [f"date={now - timedelta(days=20):%Y-%m-%d}"]
