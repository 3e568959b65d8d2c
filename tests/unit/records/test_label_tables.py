"""Labels out of tables that somebody else fills: a real database, Parquet and CSV."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from sqlalchemy import Connection, create_engine, text
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities import label_tables
from activities.label_tables import LabelTableActivities
from api.db.monitoring_tables import LabelRow
from api.db.store import Store
from perennial.contracts import records
from perennial.contracts.label_sources import LabelSource, LabelsRead, ReadLabels
from perennial.contracts.label_table import LabelTable
from tests.samples import spec
from tests.unit.records.conftest import create_database

T = datetime(2026, 3, 2, 10, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
QUERY = "SELECT *, ':x'::text AS odd, 5 % 3 AS rest FROM outcomes WHERE NOT void;"
COLUMNS = {"request_id": "flight", "value": "late", "at": "known", "asked_at": "asked"}


class Reader:
    """A model whose labels are in a table."""

    def __init__(self, store: Store, **table: Any) -> None:
        self.store = store
        plan = {"columns": COLUMNS, "watermark": "updated", **table}
        self.table = LabelTable.model_validate(plan)
        monitoring = {"labels": plan}
        with_table = spec(monitoring=monitoring, request_log={})
        store.record_spec(records.RecordSpec(effect="a", spec=with_table, actor="ada", at=T))
        self._activities = LabelTableActivities(store)

    async def read(self) -> LabelsRead:
        ask = ReadLabels(model="flights", table=self.table)
        return await ActivityEnvironment().run(self._activities.read_labels, ask)

    @property
    def source(self) -> LabelSource:
        found = self.store.count_labels("flights").table
        assert found is not None
        return found

    def labels(self) -> dict[str, str]:
        with self.store.database.reading() as session:
            return {row.request_id: row.value for row in session.exec(select(LabelRow))}


@pytest.fixture
def store(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copyfile(migrated_file, tmp_path / "records.db")
    opened = Store.open(f"sqlite:///{tmp_path / 'records.db'}")
    yield opened
    opened.close()


@pytest.fixture
def warehouse(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, Connection]]:
    """Its address, as a spec has it, and a connection of whoever fills it."""
    url = create_database(postgres_server, "template1")
    monkeypatch.setenv("PERENNIAL_LABELS_PASSWORD", "s@cr/t")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text(
                "CREATE TABLE outcomes (flight int, late numeric, known timestamptz, asked date, "
                "updated timestamp, void bool DEFAULT false)"
            )
        )
        connection.execute(text("CREATE SEQUENCE numbers"))
        yield url.replace("postgres@", "postgres:${PERENNIAL_LABELS_PASSWORD}@"), connection
    engine.dispose()


def fill(connection: Connection, *rows: tuple[Any, ...]) -> None:
    """Flight, its value, and when the row was written, in minutes after ten. Sydney is ahead."""
    connection.execute(text("SET TIME ZONE 'Australia/Sydney'"))
    for flight, late, minutes in rows:
        written = T + minutes * MINUTE
        connection.execute(
            text("INSERT INTO outcomes VALUES (:flight, :late, :known, '2026-03-01', :updated)"),
            {
                "flight": flight,
                "late": late,
                "known": written - MINUTE,
                "updated": written.replace(tzinfo=None),
            },
        )


async def test_rows_of_a_database_are_read_as_they_come(
    store: Store, warehouse: tuple[str, Connection]
) -> None:
    url, connection = warehouse
    reader = Reader(store, url=url, query=QUERY)
    fill(connection, (1, 1, 0), (2, 0.25, 1), (3, None, 2))
    connection.execute(text("INSERT INTO outcomes VALUES (4, 1, now(), now(), NULL)"))
    assert await reader.read() == LabelsRead(rows=3)
    assert reader.labels() == {"1": "1", "2": "0.25"}, "a value that is not known yet is no label"
    assert reader.source.watermark == T + 2 * MINUTE
    assert await reader.read() == LabelsRead(), "known rows are no news"

    # one changes, one is seen late, since its transaction took so long, and one comes too late
    fill(connection, (1, 0, 90), (5, 1, 50), (6, 1, 29))
    for when in ("infinity", "-infinity"):
        connection.execute(
            text("INSERT INTO outcomes SELECT 7, 1, now(), now(), CAST(:at AS timestamp)"),
            {"at": when},
        )
    assert await reader.read() == LabelsRead(rows=3)
    fill(connection, (8, 1, 40), (9, 1, 20))
    assert await reader.read() == LabelsRead()
    assert reader.labels() == {"1": "0", "2": "0.25", "5": "1", "6": "1", "8": "1"}
    assert store.count_labels("flights").changed == 1
    assert (reader.source.rows, reader.source.refused) == (6, 0)


async def test_bad_rows_are_told_and_hold_up_nothing(
    store: Store, warehouse: tuple[str, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, connection = warehouse
    reader = Reader(store, url=url, query="SELECT * FROM outcomes")
    late = (datetime.now(UTC) + HOUR - T) / MINUTE
    fill(connection, (None, 1, 0), (2, 1, 1), (3, 1, late))
    connection.execute(
        text("UPDATE outcomes SET known = '2025-01-01' WHERE flight = 2")
    )  # before it was asked
    fill(connection, (4, 1, 2))
    connection.execute(text("UPDATE outcomes SET known = 'infinity' WHERE flight = 4"))
    fill(connection, *((10 + number, 1, 5) for number in range(6)))
    monkeypatch.setattr(label_tables, "MOST", 4)
    monkeypatch.setattr(label_tables, "_BATCH", 2)
    assert await reader.read() == LabelsRead(rows=9, refused=3), "rows of one time are not parted"
    fill(connection, *((20 + number, 1, 6 + number) for number in range(5)))
    assert await reader.read() == LabelsRead(rows=4, more=True)
    assert await reader.read() == LabelsRead(rows=1)
    assert len(reader.labels()) == 11
    source = reader.source
    assert source.watermark == T + 10 * MINUTE, "the future holds up nobody"
    assert (source.rows, source.refused, source.error) == (14, 3, "")
    assert [problem.partition(": ")[2] for problem in source.problems] == [
        "request_id is missing",
        "at is before asked_at: it was known before it was asked",
        "at is no time",
        "its watermark is in the future",
    ]


async def test_a_database_that_is_away_loses_nothing_and_tells_no_secret(
    store: Store, warehouse: tuple[str, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, connection = warehouse
    real = url.replace("${PERENNIAL_LABELS_PASSWORD}", "hushhush")
    reader = Reader(store, url="${PERENNIAL_LABELS_URL}", query="SELECT * FROM outcomes")
    assert "PERENNIAL_LABELS_URL is not set where the ML worker runs" in (await reader.read()).error
    monkeypatch.setenv("PERENNIAL_LABELS_URL", real)
    fill(connection, (1, 1, 0))
    assert (await reader.read()).rows == 1
    host = real.rpartition("@")[2].partition("/")[0]
    monkeypatch.setenv("PERENNIAL_LABELS_URL", real.replace(host, "127.0.0.1:1"))
    fill(connection, (2, 1, 1))
    first = await reader.read()
    again = await reader.read()
    assert "refused" in first.error and "refused" in again.error
    away = reader.source
    assert away.away_since is not None and away.read_at is not None
    assert first.away_since == again.away_since == away.away_since, "of the first time"
    assert away.read_at < away.away_since and away.watermark == T
    assert "hushhush" not in away.model_dump_json()
    monkeypatch.setenv("PERENNIAL_LABELS_URL", real)
    assert await reader.read() == LabelsRead(rows=1)
    assert (reader.source.error, reader.source.away_since) == ("", None)
    for wrong, said in (
        ("SELECT flight FROM outcomes", "column"),
        ("SELECT * FROM hushhush", 'relation "***" does not exist'),
        ("SELECT *, nextval('numbers') FROM outcomes", "read-only transaction"),
        ("DELETE FROM outcomes RETURNING *", "syntax error"),
    ):
        assert said in (await Reader(store, url=reader.table.url, query=wrong).read()).error
    assert len(reader.labels()) == 2


@pytest.mark.parametrize("kind", ["parquet", "csv"])
async def test_files_are_read_once_they_change(
    store: Store, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "outcomes"
    folder.mkdir()

    def write(name: str, *rows: tuple[str, Any, datetime | None]) -> None:
        told = pa.table(
            {
                "flight": [row[0] for row in rows],
                "late": [row[1] for row in rows],
                "updated": pa.array([row[2] for row in rows], pa.timestamp("us", "UTC")),
            }
        )
        if kind == "parquet":
            pq.write_table(told, folder / name)
        else:
            lines = [",".join("" if v is None else str(v) for v in row) for row in rows]
            (folder / name).write_text("\n".join(["flight,late,updated", *lines]))

    columns = {"request_id": "flight", "value": "late"}
    reader = Reader(store, url=f"file://{folder}", columns=columns)
    assert "no file whose name ends with" in (await reader.read()).error
    write(f"b.{kind}", ("r3", 0.5, T), ("r1", 1.5, T - HOUR), ("r2", None, T), ("", 1.5, T))
    write(f"_a.{kind}", ("hidden", 1.0, T))
    assert await reader.read() == LabelsRead(rows=4, refused=1)
    assert reader.labels().keys() == {"r1", "r3"}
    assert await reader.read() == LabelsRead()
    write(f"a.{kind}", *((f"n{number}", 1.5, T + number * MINUTE) for number in range(5)))
    monkeypatch.setattr(label_tables, "MOST", 3)
    assert await reader.read() == LabelsRead(rows=3, more=True)
    assert (await reader.read()).rows == 1
    assert len(reader.labels()) == 7 and reader.source.rows == 8
    (folder / f"b.{kind}").write_bytes(b"flight\n1" if kind == "csv" else b"half a file")
    broken = await reader.read()
    assert broken.error and broken.rows == 0
    assert reader.source.watermark == T + 4 * MINUTE


def test_what_a_spec_may_say_of_a_table() -> None:
    good = {"url": "s3://lake/*.parquet", "columns": COLUMNS, "watermark": "updated"}
    assert LabelTable.model_validate(good).query is None
    user = "postgresql://u:${PERENNIAL_LABELS_PASSWORD}@db/w?sslmode=require"
    LabelTable.model_validate(good | {"url": user, "query": "SELECT 1"})
    for wrong, said in (
        ({"url": "postgresql://u:secret@db/w"}, "a password would be kept with the spec"),
        ({"url": "postgresql://db/w?user=u&password=secret"}, "a password would be kept"),
        ({"url": "postgresql://u:${PERENNIAL_DATABASE_URL}@db/w"}, "PERENNIAL_DATABASE_URL} is no"),
        ({"columns": {"value": "late"}}, "one of both"),
        ({"columns": {"entity": "c"}}, "name the column of asked_at"),
    ):
        with pytest.raises(ValidationError, match=said.replace("$", r"\$").replace("{", r"\{")):
            LabelTable.model_validate(good | wrong)
