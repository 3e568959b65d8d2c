"""Features of rows as they were at the rows' times. Feast's interpreter runs it, once a question.

A question is a line of JSON on standard input:

    {"ask": "describe" or "join", "repo": ..., "service": ... or null, "features": ["view:feature"],
     "full_names": ..., "time": ..., "rows": PATH, "joined": PATH, "answer": PATH}

The answer is a file of JSON: `{"views": [{"name", "digest", "features"}]}`, or `{"error": ...,
"final": ...}`. `rows` is an Arrow stream; `joined` becomes an Arrow file with a row for each of
them, in their order, and a column for each feature. Nothing is pickled on the way.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

_NOBODY = "__dummy"
"""Feast's own name for the entity of a view that has none."""
_TIME, _ROW = "event_timestamp", "perennial_row"
_EXACT = 2**53
"""From here on floats skip whole numbers."""


class Refused(Exception):
    """Asking again cannot help; the message says why and what to mend."""


class View(NamedTuple):
    """A feature view, as it is to be joined.

    Attributes:
        view: Feast's own.
        name: in the registry, or as the service calls it.
        features: their names in the view.
        spec: its definition in the registry; materializing changes nothing of it.
    """

    view: Any
    name: str
    features: list[str]
    spec: dict[str, Any]

    @property
    def keys(self) -> dict[str, Any]:
        """Columns of the rows that name an entity, with the types that Feast has for them."""
        renamed = self.view.projection.join_key_map
        return {renamed.get(c.name, c.name): c.dtype for c in self.view.entity_columns}

    def column(self, feature: str, full: bool) -> str:
        """What the joined column is called."""
        return f"{self.name}__{feature}" if full else feature

    def digest(self) -> str:
        """Of the definition, and of what it is joined by."""
        keys = dict(self.view.projection.join_key_map)
        definition = {"spec": self.spec, "name": self.name, "keys": keys}
        form = json.dumps(definition, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(form.encode()).hexdigest()


class WithoutCode:
    """A registry that has no on-demand views: Feast runs the code of all to look for some."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    def list_on_demand_feature_views(self, *args: Any, **options: Any) -> list[Any]:
        """None."""
        return []


def main() -> None:
    """Answer one question."""
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer = _answered(asked)
    except Exception as error:
        answer = {"error": _told(error), "final": _is_final(error)}
    place = Path(asked["answer"])
    place.with_suffix(".part").write_text(json.dumps(answer))
    place.with_suffix(".part").rename(place)
    sys.stdout.flush()
    # dask's threads can hold up the end of a process for ever
    os._exit(0)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _answered(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        from feast import FeatureStore
    except ImportError as error:
        raise Refused(f"{sys.executable} has no Feast: {error}; run `make feast`") from error
    repo = Path(asked["repo"])
    settings = repo / "feature_store.yaml"
    if not settings.is_file():
        raise Refused(f"there is no {settings}; mend feature_views.repo")
    store = FeatureStore(repo_path=str(repo), fs_yaml_file=settings)
    views = _views(store, asked)
    if asked["ask"] == "join":
        _join(store, views, asked)
    return {
        "views": [
            {"name": each.name, "digest": each.digest(), "features": each.features}
            for each in views
        ]
    }


def _views(store: Any, asked: dict[str, Any]) -> list[View]:
    """What is asked for, by view: in the order of the service, or of the list."""
    known = _Known(store)
    if asked["service"]:
        return [
            known.view(
                each.name, [feature.name for feature in each.features], each.name_to_use(), each
            )
            for each in store.get_feature_service(asked["service"]).feature_view_projections
        ]
    by_view: dict[str, list[str]] = {}
    for reference in asked["features"]:
        name, _, feature = reference.partition(":")
        by_view.setdefault(name, []).append(feature)
    return [known.view(name, features, name) for name, features in by_view.items()]


class _Known:
    """The registry's views, without the code that it holds: that is pickled, and not ours."""

    def __init__(self, store: Any) -> None:
        self._registry, self._project = store.registry, store.project
        self._views = {each.name: each for each in self._listed("feature_views")}

    def _listed(self, kind: str) -> Any:
        return getattr(self._registry, f"list_{kind}")(self._project, skip_udf=True)

    def view(self, name: str, features: list[str], called: str, projection: Any = None) -> View:
        """One of them.

        Raises:
            Refused: it is of another kind, or there is no such view or feature.
        """
        from google.protobuf.json_format import MessageToDict

        view = self._views.get(name)
        if view is None:
            raise Refused(self._missing(name))
        known = [field.name for field in view.features]
        if missing := [feature for feature in features if feature not in known]:
            raise Refused(
                f"feature view {name!r} has no feature {missing[0]!r}; it has {', '.join(known)}"
            )
        spec = _lasting(MessageToDict(view.to_proto().spec))
        if projection is not None:
            view = view.with_projection(projection)
        if view.entities == [_NOBODY]:
            view.entities, view.entity_columns = [], []
        return View(view, called, features, spec)

    def _missing(self, name: str) -> str:
        if name in {each.name for each in self._listed("on_demand_feature_views")}:
            return (
                f"feature view {name!r} computes its features on demand, from code that Feast "
                f"keeps in its registry; compute them in the project's batches(), or in the "
                f"network, which is served with the model, and leave the view out"
            )
        if name in {each.name for each in self._listed("stream_feature_views")}:
            return (
                f"feature view {name!r} is a stream feature view, which holds code; use a "
                f"FeatureView with a PushSource"
            )
        known = ", ".join(sorted(self._views)[:40])
        return f"there is no feature view {name!r} in the registry; it has {known}"


def _lasting(definition: dict[str, Any]) -> dict[str, Any]:
    """Without the moments at which sources were applied: each apply that changes any has others."""
    for name in ("batchSource", "streamSource"):
        if name in definition:
            definition[name].pop("meta", None)
            _lasting(definition[name])
    for view in definition.get("sourceViews", ()):
        _lasting(view)
    return definition


def _join(store: Any, views: list[View], asked: dict[str, Any]) -> None:
    import pyarrow as pa

    full = asked["full_names"]
    rows = _rows(Path(asked["rows"]), views, asked)
    columns: dict[str, Any] = {}
    for each in views:
        joined = _of_view(store, each, rows, asked["time"], full)
        for feature in each.features:
            name = each.column(feature, full)
            columns[name] = joined[name]
    table = pa.table(columns)
    with pa.OSFile(asked["joined"], "wb") as file, pa.ipc.new_file(file, table.schema) as kept:
        kept.write_table(table)


def _rows(path: Path, views: list[View], asked: dict[str, Any]) -> Any:
    """Keys and times of all rows."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        have = pa.ipc.open_stream(file).schema.names
    added = [each.column(f, asked["full_names"]) for each in views for f in each.features]
    if twice := [name for name in added if added.count(name) > 1]:
        raise Refused(
            f"two features would both be the column {twice[0]!r}; set feature_views.full_names"
        )
    if both := [name for name in added if name in have]:
        raise Refused(
            f"the rows have a column {both[0]!r} already, as the features do; leave it out of the "
            f"rows, or set feature_views.full_names"
        )
    wanted = list(dict.fromkeys([asked["time"], *(key for each in views for key in each.keys)]))
    for name in wanted:
        if name not in have:
            needs = [each.name for each in views if name in each.keys]
            why = f"feature view {needs[0]!r} is joined by" if needs else "feature_views.time names"
            raise Refused(
                f"the rows have no column {name!r}, which {why}; they have {', '.join(have[:40])}"
            )
    options = pa.ipc.IpcReadOptions(included_fields=[have.index(name) for name in wanted])
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_stream(file, options=options).read_all().select(wanted)


def _of_view(store: Any, each: View, rows: Any, time: str, full: bool) -> Any:
    """The features of one view, a row for each of the rows.

    Views are asked for one at a time, and about each entity and moment once: Feast's local store
    drops rows that have the keys and the time of another, and rows for which it finds nothing.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    every = pa.array(range(len(rows)))
    keys = {name: _key(rows[name], name, kind, each.name) for name, kind in each.keys.items()}
    known = pa.table({**keys, _TIME: _moments(rows[time], time), _ROW: every}).drop_null()
    at = pa.nulls(len(rows), pa.int32())
    joined = None
    if len(known):
        frame = known.to_pandas()
        first = frame.groupby([*keys, _TIME], sort=False)[_ROW].transform("min")
        distinct = frame[frame[_ROW] == first].reset_index(drop=True)
        joined = _asked(store, each, distinct, full)
        answered = joined[_ROW].cast(pa.int64()).combine_chunks()
        if len(pc.unique(answered)) < len(answered):
            raise Refused(f"feature view {each.name!r} gave several values for one entity and time")
        places = pc.index_in(pa.array(first), value_set=answered)
        at = places.take(pc.index_in(every, value_set=known[_ROW].combine_chunks()))
    return pa.table(
        {
            each.column(feature, full): _typed(joined, each, feature, full, at)
            for feature in each.features
        }
    )


def _asked(store: Any, each: View, distinct: Any, full: bool) -> Any:
    from feast.infra.provider import get_provider

    # by the provider: the store's own method knows no view under another name
    job = get_provider(store.config).get_historical_features(
        config=store.config,
        feature_views=[each.view],
        feature_refs=[f"{each.name}:{feature}" for feature in each.features],
        entity_df=distinct,
        registry=WithoutCode(store.registry),
        project=store.project,
        full_feature_names=full,
    )
    return job.to_arrow()


def _moments(column: Any, name: str) -> Any:
    import pyarrow as pa

    if not pa.types.is_timestamp(column.type) and not pa.types.is_date(column.type):
        raise Refused(
            f"column {name!r}, which feature_views.time names, should hold dates and times, but "
            f"holds {column.type}"
        )
    if column.null_count:
        raise Refused(
            f"column {name!r}, which feature_views.time names, is missing in {column.null_count:,} "
            f"rows; features are of a moment"
        )
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"))
    return column.cast(pa.timestamp("us", "UTC"), safe=False)


def _key(column: Any, name: str, kind: Any, view: str) -> Any:
    """A key as Feast has it, so that the number 7 is not looked for among texts."""
    import pyarrow as pa
    from feast.types import from_feast_to_pyarrow_type

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    wanted = from_feast_to_pyarrow_type(kind)
    whole = pa.types.is_integer(wanted) and (
        pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    )
    text = pa.types.is_string(wanted) and (
        pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type)
    )
    empty = pa.types.is_null(column.type)
    if column.type.equals(wanted):
        return column
    try:
        if whole or text or empty:
            return column.cast(wanted)
    except pa.ArrowException:
        pass  # a fraction, or too large
    raise Refused(
        f"column {name!r} holds {column.type}, and the key of feature view {view!r} is {wanted}; "
        f"make them one in the source, or in the registry"
    )


def _typed(joined: Any, each: View, feature: str, full: bool, at: Any) -> Any:
    """A column of the type that the view declares, whatever pandas made of missing values."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from feast.types import from_feast_to_pyarrow_type

    declared = next(field.dtype for field in each.view.features if field.name == feature)
    wanted = from_feast_to_pyarrow_type(declared)
    if joined is None:
        return pa.nulls(len(at), wanted)
    column = joined[each.column(feature, full)]
    if pa.types.is_floating(column.type) and pa.types.is_integer(wanted):
        # pandas has no whole number that is missing
        largest = pc.max(pc.abs(column)).as_py() or 0
        if largest >= _EXACT:
            raise Refused(
                f"feature {each.name}:{feature} has whole numbers of {largest:,.0f} beside "
                f"missing ones, and Feast's store rounds such; keep them as text"
            )
    try:
        return column.cast(wanted).take(at)
    except pa.ArrowException as error:
        raise Refused(
            f"feature {each.name}:{feature} is declared as {declared}, and holds {column.type}: "
            f"{error}; mend the feature view"
        ) from error


def _told(error: Exception) -> str:
    if isinstance(error, Refused):
        return str(error)
    said = " ".join(str(error).split())
    return f"Feast: {type(error).__name__}: {said[:600]}"


def _is_final(error: Exception) -> bool:
    """Whether asking again gives the same. Drivers of stores have trees of errors of their own."""
    if isinstance(error, ConnectionError | TimeoutError):
        return False
    final = (Refused, FileNotFoundError, PermissionError, AssertionError)
    wrong = (ValueError, TypeError, LookupError, AttributeError, ImportError, NotImplementedError)
    return isinstance(error, final + wrong) or type(error).__module__ == "feast.errors"


if __name__ == "__main__":
    main()
