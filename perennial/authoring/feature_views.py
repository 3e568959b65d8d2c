"""Rows with what a feature store knew of them at their times.

Feast runs in a process and an environment of its own (ADR 28); Arrow files go between.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perennial.authoring.secrets import Resolved
from perennial.canonical import digest
from perennial.contracts.errors import SourceInvalid, Unavailable
from perennial.contracts.feature_views import FeatureViews, JoinedView
from perennial.contracts.spec import Source
from perennial.feast.environment import interpreter
from perennial.quiet import QUIET

if TYPE_CHECKING:
    import pyarrow as pa

_HISTORICAL = Path(__file__).parents[1] / "feast" / "historical.py"
_SECONDS = 3600.0
_SAID = 600
"""Characters of what a process said that ended without an answer."""
_PASSWORD = re.compile(r"(://[^/@\s:]*):[^/@\s]+@")


def describe(source: Source) -> tuple[JoinedView, ...]:
    """The feature views of a source, as they are defined now; none where it names none.

    Raises:
        SourceInvalid: there is no such view, or Feast's environment is not here.
        Unavailable: the registry does not answer.
    """
    if source.feature_views is None:
        return ()
    with tempfile.TemporaryDirectory(prefix="perennial-features-") as folder:
        return _ask("describe", source, source.feature_views, Path(folder))


def definitions(views: tuple[JoinedView, ...]) -> str:
    """A digest of all of them."""
    return digest([each.model_dump(mode="json") for each in views])


def read(rows: Iterator[pa.RecordBatch], source: Source) -> Iterator[pa.RecordBatch]:
    """The rows, with a column for each feature. Rows wait on disk until Feast has answered.

    A feature that nothing is known of at a row's time is missing. What a row holds itself goes
    through nobody else's hands.

    Raises:
        SourceInvalid: the rows lack a key or the time, have a column that a feature is called,
            or Feast refuses.
        Unavailable: a store does not answer, there is no room, or the views have changed since
            the source was described.
    """
    plan = source.feature_views
    assert plan is not None
    interpreter(f"source {source.uri!r}")  # before the first row is read
    with tempfile.TemporaryDirectory(prefix="perennial-features-") as name:
        folder = Path(name)
        try:
            _keep(rows, folder / "rows.arrow")
        except OSError as error:
            if error.errno is None or isinstance(error, FileNotFoundError | PermissionError):
                raise
            raise Unavailable(
                f"the rows of source {source.uri!r} could not be kept in {folder}: {error}; make "
                f"room there, or set TMPDIR of the workers to a larger disk"
            ) from error
        views = _ask("join", source, plan, folder)
        if source.defined not in (None, definitions(views)):
            raise Unavailable(
                f"source {source.uri!r}: feature views of {plan.repo} have changed while rows were "
                f"read: what was read is of neither definition; it is read again"
            )
        yield from _side_by_side(folder)


def _keep(rows: Iterator[pa.RecordBatch], path: Path) -> None:
    import pyarrow as pa

    first = next(rows)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, first.schema) as kept:
        kept.write_batch(first)
        for batch in rows:
            kept.write_batch(batch)


def _side_by_side(folder: Path) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    with (
        pa.OSFile(str(folder / "rows.arrow")) as rows,
        pa.memory_map(str(folder / "joined.arrow")) as joined,
    ):
        features = pa.ipc.open_file(joined).read_all()  # mapped, not read
        start = 0
        for batch in pa.ipc.open_stream(rows):
            part = features.slice(start, len(batch))
            start += len(batch)
            columns = [column.combine_chunks() for column in part.columns]
            yield pa.RecordBatch.from_arrays(
                [*batch.columns, *columns], [*batch.schema.names, *part.schema.names]
            )


def _ask(what: str, source: Source, plan: FeatureViews, folder: Path) -> tuple[JoinedView, ...]:
    where = f"source {source.uri!r}"
    repo = Resolved(plan.repo)
    question = {
        "ask": what,
        "repo": str(Path(repo.value).resolve()),
        "rows": str(folder / "rows.arrow"),
        "joined": str(folder / "joined.arrow"),
        "answer": str(folder / "answer.json"),
        **plan.model_dump(mode="json", exclude={"repo"}),
    }
    said = _run(interpreter(where), question, folder, where)
    try:
        answer: dict[str, Any] = json.loads((folder / "answer.json").read_text())
    except FileNotFoundError:
        raise Unavailable(
            f"{where}: Feast's process ended without an answer: {repo.shown(said)}"
        ) from None
    if "error" in answer:
        told = f"{where}: {_plain(repo.shown(answer['error']))}"
        raise SourceInvalid(told) if answer["final"] else Unavailable(told)
    return tuple(JoinedView.model_validate(each) for each in answer["views"])


def _run(python: Path, question: dict[str, Any], folder: Path, where: str) -> str:
    """Have a process answer, and tell the end of what it said."""
    # isolated: it must not see what is installed for us
    command = [str(python), "-I", "-W", "ignore", str(_HISTORICAL)]
    quiet = {**os.environ, **QUIET, "FEAST_USAGE": "False"}
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=said, stderr=said, text=True, env=quiet
        )
        try:
            assert process.stdin is not None
            # left open: its end tells the process that we are gone
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            status = process.wait(_SECONDS)
        except BrokenPipeError:
            status = process.wait()
        except subprocess.TimeoutExpired:
            raise Unavailable(
                f"{where}: Feast did not answer within {_SECONDS / 60:.0f} minutes"
            ) from None
        finally:
            process.kill()
            process.communicate()
        said.seek(0)
        return _plain(f"status {status}: {said.read()[-_SAID:].strip()}")


def _plain(text: str) -> str:
    """Without passwords: a repository's settings hold addresses of stores."""
    return _PASSWORD.sub(r"\1:***@", text)
