"""`perennial report`: a page made of what the real interface says of a model that was watched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import create_app
from api.context import Context
from perennial.blobs import BlobStore
from perennial.cli.report import watched, write_report
from perennial.client import ApiError, Client
from perennial.picture.report import report
from perennial.settings import Settings
from tests.seeded import BAD, seed
from tests.served import served
from tests.watched import watch


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Client]:
    settings = Settings.model_validate({"state_dir": tmp_path_factory.mktemp("state")})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
        context = Context.open(settings)
        seed(context.store)
        watch(context.store, BlobStore(settings.blobs))
        tokens = {t["name"]: t["token"] for t in json.loads(settings.tokens.read_text())["tokens"]}
        with served(create_app(context)) as url, Client(url, tokens["viewer"]) as client:
            yield client


def test_the_page_shows_what_happened_and_why(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "flights.html"
    write_report(client, "flights", "production", file, 60)
    page = file.read_text()
    assert "16 windows, 2026-03-30 to 2026-07-20" in page
    # nothing from elsewhere, and nothing that runs
    assert not re.search(r"<(script|img|link|iframe)|@import|url\(", page)
    for told in (
        "temp: PSI beyond chance 0.457",
        "measured: 0.657 on 6,229 rows with labels",
        "promised: 0.710",
        "estimated without labels: 0.698",
        "dest: 0.5% are unknown to the reference",
        "temp: 6.0% are out of the reference",
        "train again",
        f"run {BAD}: allowed, the first of 8 runs in 30 days",
        "version 2 answers, version 1 did before",
        "traffic: version 2 12% before, 100% now",
        "drift: temp has moved",
        "origin=LGA",
        ", fail: errors of 38,310 rows in 6 windows: +31%, +25% is allowed",
        "errors have grown: errors of 38,310 rows in 6 windows",
        "beside the rows that version 1 learnt from",
        "columns, by their part in the change of its answers",
        "temp 71%",
        "segments, by theirs in that change",
        "origin=EWR 50%",
    ):
        assert told in page, told
    assert f"{client.url}/v1/models/flights/windows/production/2026-05-11T00%3A00%3A00Z" in page
    assert f"{client.url}/v1/decisions/d-window-6" in page


def test_a_model_without_windows_has_a_page_that_says_so(client: Client) -> None:
    page = report(watched(client, "flights", "testing", 60))
    assert "No window was judged yet" in page and "There was none yet" in page


def test_what_the_store_has_lost_leaves_the_rest(client: Client) -> None:
    from dataclasses import replace

    found = watched(client, "flights", "production", 3)
    windows = [{**window, "drift": None, "quality": None} for window in found.windows]
    page = report(replace(found, windows=windows))
    assert "3 windows" in page and "temp" in page


def test_there_is_no_such_model(client: Client, tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="apply its spec first"):
        write_report(client, "nobody", "production", tmp_path / "x.html", 60)
