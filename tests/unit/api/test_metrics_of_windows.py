"""What Prometheus reads of windows: drift of the newest, and quality of the newest with labels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.context import Context
from perennial.blobs import BlobStore
from perennial.settings import Settings
from tests.scraped import Scrape
from tests.seeded import seed
from tests.served import served
from tests.watched import RETRAINED, watch

PLACE = {"model": "flights", "environment": "production"}


@contextmanager
def scraped(folder: Path, weeks: int) -> Iterator[Scrape]:
    """Of a model whose labels come two windows late."""
    settings = Settings.model_validate({"state_dir": folder})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
        context = Context.open(settings)
        seed(context.store)
        watch(context.store, BlobStore(settings.blobs), weeks)
        tokens = {t["name"]: t["token"] for t in json.loads(settings.tokens.read_text())["tokens"]}
        with served(create_app(context)) as url:
            known = {"authorization": f"Bearer {tokens['viewer']}"}
            yield Scrape(httpx.get(f"{url}/metrics", headers=known).text)


def test_what_the_newest_window_and_the_newest_labels_say(tmp_path: Path) -> None:
    with scraped(tmp_path, weeks=16) as found:
        for of in ("drift", "quality", "concept"):
            assert found.value("perennial_window_failing", of=of, **PLACE) == 1
        excess = [
            found.value("perennial_window_excess_ratio", of=of, **PLACE)
            for of in ("drift", "quality", "concept")
        ]
        assert excess[0] > 2 and excess[1:] == [1.4, 1.24]
        assert found.value("perennial_window_rows", **PLACE) == 6355, "of the very newest"


def test_labels_of_another_champion_say_nothing_of_this_one(tmp_path: Path) -> None:
    with scraped(tmp_path, weeks=RETRAINED + 1) as found:
        assert found.value("perennial_window_failing", of="drift", **PLACE) == 0
        assert found.value("perennial_window_failing", of="quality", **PLACE) is None
        assert found.value("perennial_window_excess_ratio", of="concept", **PLACE) is None
