"""What Prometheus reads of windows: drift of the newest, and quality of the newest with labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.context import Context
from api.db.store import Store
from perennial.blobs import BlobStore
from perennial.contracts.records import RecordSpec, SetModelStatus
from perennial.settings import Settings
from tests.samples import at, move, spec
from tests.scraped import Scrape
from tests.seeded import seed
from tests.served import served
from tests.watched import RETRAINED, watch

PLACE = {"model": "flights", "environment": "production"}
OF = ("drift", "quality", "concept")
LATE = at(60 * 24 * 365)


def nothing(store: Store) -> None:
    """All stays as it is."""


@contextmanager
def scraped(
    folder: Path, weeks: int, then: Callable[[Store], object] = nothing
) -> Iterator[Scrape]:
    """Of a model whose labels come two windows late, and of what becomes of it afterwards."""
    settings = Settings.model_validate({"state_dir": folder})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
        context = Context.open(settings)
        seed(context.store)
        watch(context.store, BlobStore(settings.blobs), weeks)
        then(context.store)
        tokens = {t["name"]: t["token"] for t in json.loads(settings.tokens.read_text())["tokens"]}
        with served(create_app(context)) as url:
            known = {"authorization": f"Bearer {tokens['viewer']}"}
            yield Scrape(httpx.get(f"{url}/metrics", headers=known).text)


def test_what_the_newest_window_and_the_newest_labels_say(tmp_path: Path) -> None:
    with scraped(tmp_path, weeks=16) as found:
        for of in OF:
            assert found.value("perennial_window_failing", of=of, **PLACE) == 1
        excess = [found.value("perennial_window_excess_ratio", of=of, **PLACE) for of in OF]
        assert excess[0] > 2 and excess[1:] == [1.4, 1.24]
        assert found.value("perennial_window_rows", **PLACE) == 6355, "of the very newest"


def test_labels_of_another_champion_say_nothing_of_this_one(tmp_path: Path) -> None:
    with scraped(tmp_path, weeks=RETRAINED + 1) as found:
        assert found.value("perennial_window_failing", of="drift", **PLACE) == 0
        assert found.value("perennial_window_failing", of="quality", **PLACE) is None
        assert found.value("perennial_window_excess_ratio", of="concept", **PLACE) is None


def applied(**changes: Any) -> Callable[[Store], object]:
    """Another spec of the model."""
    watched = spec(request_log={}, **changes)
    return lambda store: store.record_spec(
        RecordSpec(effect="later", spec=watched, actor="engineer", at=LATE)
    )


def stopped(store: Store) -> None:
    """Nothing is to answer any more."""
    store.move_champion(move(None, 2, cause="retirement", at=LATE))


def rolled_back(store: Store) -> None:
    """Version 1 answers again, and none of its windows is judged yet."""
    store.move_champion(move(1, 2, cause="rollback", at=LATE))


def retired(store: Store) -> None:
    """The model is given up."""
    words = {"effect": "gone", "model": "flights", "status": "retired", "actor": "ada"}
    store.set_model_status(SetModelStatus.model_validate({**words, "reason": "", "at": LATE}))


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(stopped, id="the champion is gone"),
        pytest.param(retired, id="the model is retired"),
        pytest.param(applied(), id="nothing is watched"),
        pytest.param(
            applied(monitoring={"environments": ["staging"]}), id="it is watched elsewhere"
        ),
    ],
)
def test_what_nobody_watches_any_more_is_left_out(
    tmp_path: Path, then: Callable[[Store], object]
) -> None:
    """Its last window, which fails, would be the newest one for ever."""
    with scraped(tmp_path, 16, then) as found:
        for of in OF:
            assert found.value("perennial_window_failing", of=of, **PLACE) is None
            assert found.value("perennial_window_excess_ratio", of=of, **PLACE) is None
        assert found.value("perennial_window_rows", **PLACE) is None
        assert found.value("perennial_window_end_timestamp_seconds", **PLACE) is None


def test_without_labels_in_the_spec_nothing_is_said_of_them(tmp_path: Path) -> None:
    with scraped(tmp_path, 16, applied(monitoring={"quality": None})) as found:
        assert found.value("perennial_window_failing", of="drift", **PLACE) == 1
        assert found.value("perennial_window_failing", of="quality", **PLACE) is None


@pytest.mark.parametrize(("then", "fails"), [(nothing, 0), (rolled_back, 1)])
def test_labels_are_of_the_version_that_is_champion_now(
    tmp_path: Path, then: Callable[[Store], object], fails: int
) -> None:
    """Version 2 has the newest labels, and is right; version 1 was wrong when it had its last."""
    with scraped(tmp_path, RETRAINED + 3, then) as found:
        assert found.value("perennial_window_failing", of="quality", **PLACE) == fails
        assert found.value("perennial_window_failing", of="concept", **PLACE) == fails
