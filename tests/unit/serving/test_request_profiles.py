"""From requests to a whylogs profile of each variant's window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from temporalio.testing import ActivityEnvironment

from activities.modelling.data.profiles import profile_frame
from activities.modelling.data.sketches import read_profile
from activities.modelling.monitoring.drift import measure
from activities.modelling.requests.frames import LogCorrupt
from activities.requests import RequestActivities
from perennial.blobs import BlobStore
from perennial.contracts.request_log import RequestLog
from perennial.contracts.request_profiles import ProfileRequests, VariantProfile
from serving import page_columns
from serving.desk import Desk
from serving.log_files import LogFiles
from tests.unit.serving.running import PREDICT, ROW, Put, deployment, served

HOUR = timedelta(hours=1)


async def profiles(
    blobs: BlobStore, log: Path, start: datetime, end: datetime
) -> dict[tuple[str, int], VariantProfile]:
    asked = ProfileRequests(model="flights", environment="production", start=start, end=end)
    activities = RequestActivities(blobs, f"file://{log}")
    found = await ActivityEnvironment().run(activities.profile_requests, asked)
    return {(each.variant, each.version): each for each in found.profiles}


@pytest.mark.parametrize("longest", [page_columns.STRUCT_COLUMNS, 2], ids=["struct", "list"])
async def test_each_variant_has_a_profile_of_what_it_was_asked_and_said(
    desk: Desk,
    put: Put,
    blobs: BlobStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    longest: int,
) -> None:
    monkeypatch.setattr(page_columns, "STRUCT_COLUMNS", longest)  # of three pixels
    log, start = tmp_path / "requests", datetime.now(UTC)
    both = deployment(put, entity="customer", challenger=3000, champion=7000)
    await desk.take(both.model_copy(update={"log": RequestLog()}))
    variants: list[str] = []
    async with served(desk, files=LogFiles(f"file://{log}", "p1")) as client:
        for number in range(40):
            row = {**ROW, "size": number, "customer": str(number)}
            answer = await client.post(PREDICT, json={"instances": [row]})
            variants.append(answer.headers["x-variant"])
        failed = {**ROW, "p0": 5000, "customer": "0"}
        await client.post(PREDICT, json={"instances": [failed]})
        await client.post(PREDICT, json={"instances": [ROW]}, headers={"x-variant": "champion"})
    end = datetime.now(UTC) + timedelta(seconds=1)
    found = await profiles(blobs, log, start, end)
    assert set(found) == {("challenger", 1), ("champion", 2)}
    whose = variants[0]
    for (variant, _), each in found.items():
        mine = [number for number, name in enumerate(variants) if name == variant]
        assert each.failed == (variant == whose) and each.rows == len(mine) + each.failed
        view = read_profile(blobs.get_bytes(each.profile))
        figures = view.to_pandas()
        assert figures.loc["size", "distribution/max"] == max(mine)
        assert figures.loc["p1", "counts/n"] == each.rows
        assert figures.loc["colour", "types/string"] == each.rows
        assert figures.loc["prediction", "types/string"] == len(mine)
        assert figures.loc["probability.late", "distribution/n"] == len(mine)
        # and a snapshot, which holds float64 and whole numbers, can be compared with it
        rows = {
            "size": range(41),
            "colour": ["red"] * 41,
            "p0": [1] * 41,
            "late": [0, 1, *[0] * 39],
        }
        snapshot = profile_frame(pd.DataFrame(rows), start)
        drift = measure(snapshot, blobs.get_bytes(each.profile), ["size", "colour", "p0"])
        assert drift.rows == each.rows and not drift.predictions
        kinds = [(found.column, found.kind, found.problem) for found in drift.columns]
        assert kinds == [("colour", "text", None), ("p0", "number", None), ("size", "number", None)]
        colour, _, size = drift.columns
        assert (colour.psi, colour.unknown, size.out_of_range) == (0, 0, 0)
    assert await profiles(blobs, log, start - HOUR, start) == {}, "what came later is not of it"


async def test_a_file_that_is_none_is_named(blobs: BlobStore, tmp_path: Path) -> None:
    start = datetime.now(UTC)
    folder = tmp_path / "requests" / "environment=production" / "model=flights"
    broken = folder / f"date={start:%Y-%m-%d}" / f"hour={start:%H}" / "p1-000001.parquet"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"half a file")
    with pytest.raises(LogCorrupt, match=r"p1-000001.parquet of the log of requests is no Parquet"):
        await profiles(blobs, tmp_path / "requests", start, start + HOUR)
