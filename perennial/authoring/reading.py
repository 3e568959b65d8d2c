"""Read a table from any place that fsspec knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.contracts.errors import SourceInvalid

if TYPE_CHECKING:
    import pandas as pd

FORMATS = (".csv", ".csv.gz", ".parquet", ".jsonl", ".ndjson")


def read_table(uri: str) -> pd.DataFrame:
    """Read CSV, Parquet or JSON lines, as the name's ending says.

    Empty fields of a CSV are missing values, in text columns also.

    Raises:
        FileNotFoundError: there is nothing at that place.
        SourceInvalid: the ending is of no known format, or the file is not of its format.
    """
    # pyarrow and fsspec are loaded when a table is read: a project is imported in light processes
    import fsspec
    import pyarrow as pa
    from pyarrow import csv, json, parquet

    name = uri.lower().split("?")[0]
    if not name.endswith(FORMATS):
        raise SourceInvalid(
            f"source {uri!r} has none of the endings {', '.join(FORMATS)}; "
            f"rename it, or read it in the project's own load()"
        )
    try:
        with fsspec.open(uri, "rb", compression="infer") as file:
            if name.endswith(".parquet"):
                table = parquet.read_table(file)
            elif name.endswith((".csv", ".csv.gz")):
                options = csv.ConvertOptions(strings_can_be_null=True)
                table = csv.read_csv(file, convert_options=options)
            else:
                table = json.read_json(file)
    except pa.ArrowInvalid as error:
        raise SourceInvalid(f"source {uri!r} cannot be read: {error}") from error
    frame: pd.DataFrame = table.to_pandas()
    return frame
