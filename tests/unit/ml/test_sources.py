"""Where rows come from: what is read is the same from every place, in parts of any size."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from pydantic import ValidationError

from perennial.authoring import Source, read_batches, read_table
from perennial.authoring.databases import read as read_database
from perennial.authoring.secrets import Resolved
from perennial.authoring.text_files import blocks
from perennial.contracts.errors import SourceInvalid, Unavailable
from tests import postgres

YEARS = {2023: [1, 2], 2024: [3, 4]}


def csv(path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(path, index=False)


def jsonl(path: Path, frame: pd.DataFrame) -> None:
    frame.to_json(path, orient="records", lines=True)


def parquet(path: Path, frame: pd.DataFrame) -> None:
    frame.to_parquet(path, index=False)


@pytest.mark.parametrize(
    ("ending", "write"), [("csv", csv), ("jsonl", jsonl), ("parquet", parquet)]
)
def test_partitions_of_a_folder_are_columns(
    tmp_path: Path, ending: str, write: Callable[[Path, pd.DataFrame], None]
) -> None:
    for year, values in YEARS.items():
        folder = tmp_path / "rows" / f"year={year}"
        folder.mkdir(parents=True)
        write(folder / f"part.{ending}", pd.DataFrame({"a": values, "b": ["x", None]}))
    (tmp_path / "rows" / "_SUCCESS").touch()
    whole = read_table(str(tmp_path / "rows"))
    assert whole["a"].tolist() == [1, 2, 3, 4]
    assert whole["year"].tolist() == [2023, 2023, 2024, 2024]
    assert whole["b"].isna().tolist() == [False, True] * 2
    assert read_table(f"file://{tmp_path}/rows/*/*.{ending}").equals(whole)
    assert read_table(f"{tmp_path}/rows/year=2024/*.{ending}")["a"].tolist() == [3, 4]


def test_files_of_one_source_share_their_types(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("n,t,d\n1,1,2024-01-01\n2,2,\n")
    (tmp_path / "2.csv").write_text('d,n,t\n2024-01-01 12:00:00,0.5,"two\nlines"\n')
    frame = read_table(str(tmp_path / "*.csv"))
    assert frame["n"].tolist() == [1.0, 2.0, 0.5]
    assert frame["t"].tolist() == ["1", "2", "two\nlines"]
    assert frame["d"].dt.hour.dropna().tolist() == [0, 12]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.csv": b"x\n1\n", "b.jsonl": b'{"x": 1}\n'}, "several formats"),
        ({"a.jsonl": b'{"x": 1}\n{"x": "one"}\n'}, "mixes types"),
        ({"a.jsonl": b'{"x": 1}\n', "b.jsonl": b'{"x": "one"}\n'}, "'x' mixes types"),
        ({"a.csv": b"x,x\n1,2\n"}, "two columns are called 'x'"),
        ({"a.parquet": b"PAR1 and no more"}, "cannot be read"),
        ({"a.csv": b"x,y\n1\n"}, "cannot be read"),
        ({"a.csv.gz": b"x\n1\n"}, "cannot be read"),
    ],
)
def test_files_that_are_no_table(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceInvalid, match=said):
        read_table(str(tmp_path))


def test_a_block_ends_where_a_row_does() -> None:
    text = b'a,b\n1,"x\ny"\n2,z\n3,"""q"""\n4,end'
    for size in range(1, len(text) + 1):
        parts = list(blocks(io.BytesIO(text), "x", quoted=True, size=size))
        assert b"".join(parts) == text
        assert all(part.count(b'"') % 2 == 0 for part in parts), size
    with pytest.raises(SourceInvalid, match="a row has more than 16 bytes"):
        list(blocks(io.BytesIO(b"x" * 100), "x", quoted=True, size=8, largest_line=16))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_source_that_changes_while_it_is_read(tmp_path: Path, ending: str) -> None:
    rows = pd.DataFrame({"a": range(200_000)})
    path = tmp_path / f"1.{ending}"
    (csv if ending == "csv" else parquet)(path, rows)
    batches = read_batches(Source(uri=str(tmp_path)))
    next(batches)
    path.with_name(f"2.{ending}").write_bytes(path.read_bytes())
    with pytest.raises(Unavailable, match="changed while it was read"):
        list(batches)


def test_a_table_of_delta_as_it_was(tmp_path: Path) -> None:
    place = str(tmp_path / "table")
    write_deltalake(place, pa.table({"a": [1, 2]}), partition_by=None)
    write_deltalake(place, pa.table({"a": [3]}), mode="append")
    first = DeltaTable(place).history()[-1]["timestamp"]
    then = datetime.fromtimestamp(first / 1000, UTC)
    assert sorted(read_table(place)["a"]) == [1, 2, 3]
    assert sorted(read_table(Source(uri=place, as_of=then))["a"]) == [1, 2]
    assert sorted(read_table(Source(uri=place, options={"version": 0}))["a"]) == [1, 2]
    with pytest.raises(SourceInvalid, match="cannot be read as a Delta table"):
        read_table(Source(uri=place, options={"version": 9}))


def test_a_password_is_refused_and_a_reference_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match=r"write \$\{NAME\}"):
        Source(uri="postgresql://ada:lovelace@db/x", query="SELECT 1")
    asked = Source(uri="postgresql://ada:${DB_PASSWORD}@127.0.0.1:1/x", query="SELECT 1")
    with pytest.raises(SourceInvalid, match=r"\$\{DB_PASSWORD\}, which is not set"):
        read_batches(asked)
    monkeypatch.setenv("DB_PASSWORD", "lovelace")
    with pytest.raises(Unavailable, match="did not answer") as caught:
        list(read_batches(asked))
    assert "lovelace" not in str(caught.value) and caught.value.__cause__ is None
    monkeypatch.setenv("URL", "postgresql://ada:love%20lace@db/x")
    assert Resolved("${URL}").shown("no: love lace, postgresql://ada:love%20lace@db/x") == (
        "no: ${URL}, ${URL}"
    )


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    import sqlalchemy as sa

    with postgres.server() as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(
                sa.text(
                    "CREATE TABLE sales AS SELECT n AS id, md5(n::text)::uuid AS code, n * 1.25 AS "
                    "price, CASE WHEN n % 3 = 0 THEN NULL ELSE 'b' || n END AS colour, "
                    "timestamptz '2024-01-01' + n * interval '1 minute' AS changed, n % 2 = 0 AS "
                    "sold FROM generate_series(1, 50000) AS n"
                )
            )
        engine.dispose()
        yield url


def test_rows_of_a_query(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_URL", database)
    asked = Source(
        uri="${SALES_URL}", query="SELECT * FROM sales ORDER BY id;", watermark="changed"
    )
    batches = list(read_batches(asked))
    assert len(batches) > 2 and sum(map(len, batches)) == 50_000
    assert {f.name: str(f.type) for f in batches[0].schema} == {
        "id": "int64",
        "code": "string",
        "price": "double",
        "colour": "string",
        "changed": "timestamp[us, tz=UTC]",
        "sold": "bool",
    }
    since = datetime(2024, 2, 4, 17, 20, tzinfo=UTC)
    fresh = read_table(asked.only_since(since))
    assert fresh["id"].tolist() == [50_000]
    then = Source(
        uri="${SALES_URL}",
        query="SELECT count(*) AS n FROM sales WHERE changed <= :as_of",
        as_of=datetime(2024, 1, 1, 1, tzinfo=UTC),
    )
    assert read_table(then)["n"].tolist() == [60]
    assert (
        len(read_table(Source(uri="${SALES_URL}", query="SELECT * FROM sales WHERE id < 0"))) == 0
    )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM nothing", 'relation "nothing" does not exist'),
        ("SELEC 1", "syntax error"),
        ("SELECT 1 / (id - 40000) AS x FROM sales ORDER BY id", "division by zero"),
    ],
)
def test_a_query_that_fails(
    database: str, monkeypatch: pytest.MonkeyPatch, query: str, said: str
) -> None:
    monkeypatch.setenv("SALES_URL", database)
    with pytest.raises(SourceInvalid, match=f"the query fails: {said}") as caught:
        list(read_batches(Source(uri="${SALES_URL}", query=query)))
    assert database not in str(caught.value)


def test_a_database_that_mixes_types(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "x.db") as file:
        file.execute("CREATE TABLE t (a)")
        file.executemany("INSERT INTO t VALUES (?)", [(1,), ("two",)])
    asked = Source(uri=f"sqlite:///{tmp_path}/x.db", query="SELECT * FROM t")
    with pytest.raises(SourceInvalid, match="'a' mixes types"):
        list(read_database(Resolved(asked.uri), asked))


def test_a_cell_beyond_the_bound_is_refused_before_it_is_read(tmp_path: Path) -> None:
    import fsspec

    from perennial.authoring import parquet_files

    path = str(tmp_path / "x.parquet")
    pq.write_table(pa.table({"a": ["x" * 5000]}), path, use_dictionary=False)
    fs = fsspec.filesystem("file")
    with pytest.raises(SourceInvalid, match=r"'a' of x\.parquet holds values of 5,"):
        list(parquet_files.batches(fs, path, pa.schema([("a", pa.string())]), "x", 4096))
    # one among so many that they are small on average
    pq.write_table(pa.table({"a": ["x" * 9000, *["y"] * 99]}), path, use_dictionary=False)
    rows = parquet_files.batches(fs, path, pa.schema([("a", pa.string())]), "x", 4096, 8192)
    with pytest.raises(
        SourceInvalid, match=r"'a' of x\.parquet has 9,\d+ bytes in one group of 100"
    ):
        list(rows)
