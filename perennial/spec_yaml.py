"""From the page of YAML to a `ModelSpec`, or to every mistake in it at once."""

from __future__ import annotations

import difflib
import json
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from perennial.contracts.errors import SpecInvalid
from perennial.contracts.spec import Duration, ModelSpec, Name
from perennial.marked_yaml import Document, Mark, Path, read

MAX_BYTES = 64 * 1024

Problem = dict[str, Any]
"""`{"line", "column", "field", "expected", "got"}`, the first two from 1."""

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of {ge} or more",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of {le} or less",
    "too_short": "{min_length} or more entries",
    "string_too_short": "{min_length} or more characters",
}

_PATTERNS = {
    metadata.pattern: info.description
    for info in (get_args(kind)[1] for kind in (Name, Duration))
    for metadata in info.metadata
}


def parse_spec(text: str) -> ModelSpec:
    """Read a model spec from YAML or JSON of at most 64 KiB.

    Raises:
        SpecInvalid: `details["problems"]` lists every problem in the order of the text.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        expected = f"{MAX_BYTES // 1024} KiB at most"
        raise _invalid([_problem(Mark(1, 1), (), expected, f"{size // 1024} KiB")])
    document = read(text)
    problems = [_problem(f.mark, f.path, f.expected, f.got) for f in document.flaws]
    if document.value is None and not problems:
        problems.append(_problem(Mark(1, 1), (), "a model spec", "nothing"))
    if document.value is not None:
        flawed = {flaw.path for flaw in document.flaws}
        try:
            # over JSON, since strict Python input takes no list where a tuple is meant
            spec = ModelSpec.model_validate_json(json.dumps(document.value), strict=True)
        except ValidationError as error:
            problems += _explain(error, document, flawed)
        else:
            if not problems:
                return spec
    raise _invalid(problems)


def spec_schema() -> dict[str, Any]:
    """The JSON schema of a model spec, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ModelSpec.model_json_schema(),
    }


def _invalid(problems: list[Problem]) -> SpecInvalid:
    problems.sort(key=lambda problem: (problem["line"], problem["column"]))
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = [
        f"line {p['line']}, column {p['column']}: "
        f"{p['field'] + ': ' if p['field'] else ''}expected {p['expected']}, got {p['got']}"
        for p in problems
    ]
    return SpecInvalid(
        f"the model spec has {count}; correct the lines and apply it again\n" + "\n".join(lines),
        problems=problems,
    )


def _explain(error: ValidationError, document: Document, flawed: set[Path]) -> list[Problem]:
    """pydantic's errors as problems; one for each place, however many ways it might be meant."""
    found: dict[Path, Problem] = {}
    for detail in error.errors(include_url=False):
        path, known = _place(detail, document)
        if path in flawed:
            continue
        if path in found:
            # a union: each member says what it would have taken
            found[path]["expected"] += f" or {_expected(detail, path)}"
            continue
        mark = document.values[known]
        if detail["type"] == "extra_forbidden":
            mark = document.keys[path]
        elif detail["type"] == "missing" and known:
            mark = document.keys.get(known, mark)
        got = _got(detail)
        found[path] = _problem(mark, path, _expected(detail, path), got)
    return list(found.values())


def _place(detail: ErrorDetails, document: Document) -> tuple[Path, Path]:
    """The path an error speaks of, and as much of it as stands in the text."""
    path: Path = tuple(detail["loc"])
    known = path
    while known not in document.values:
        known = known[:-1]
    # pydantic adds the members of a union to the path of a value that is there
    return (path if detail["type"] == "missing" else known), known


def _expected(detail: ErrorDetails, path: Path) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _known_keys(path)
    if kind == "missing":
        return "a value, which is required"
    if kind == "value_error":
        return f"values that agree ({context['error']})"
    if kind == "literal_error":
        return f"one of {str(context['expected']).replace(chr(39), '')}"
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return _PATTERNS.get(pattern) or _description(path) or f"text like {pattern}"
    return _EXPECTED.get(kind, detail["msg"]).format(**context)


def _got(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "nothing"
    if detail["type"] == "extra_forbidden":
        return f"the unknown key {detail['loc'][-1]!r}"
    text = json.dumps(detail["input"], ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _known_keys(path: Path) -> str:
    model = _model_at(path[:-1])
    names = list(model.model_fields) if model else []
    close = difflib.get_close_matches(str(path[-1]), names, n=1)
    return f"{close[0]!r} (did you mean that?)" if close else f"one of {', '.join(names)}"


def _model_at(path: Path) -> type[BaseModel] | None:
    """The part of the spec that a path leads to."""
    part: Any = ModelSpec
    for step in path:
        part = _there(part)
        if get_origin(part) is tuple:
            part = get_args(part)[0]
        elif isinstance(part, type) and issubclass(part, BaseModel) and step in part.model_fields:
            part = part.model_fields[str(step)].annotation
        else:
            return None
    part = _there(part)
    return part if isinstance(part, type) and issubclass(part, BaseModel) else None


def _there(part: Any) -> Any:
    """What a part is where it is not left out."""
    if get_origin(part) not in (Union, UnionType):
        return part
    return next(each for each in get_args(part) if each is not NoneType)


def _description(path: Path) -> str | None:
    model = _model_at(path[:-1])
    info = model.model_fields.get(str(path[-1])) if model else None
    return info.description if info else None


def _problem(mark: Mark, path: Path, expected: str, got: str) -> Problem:
    field = ""
    for step in path:
        field += f"[{step}]" if isinstance(step, int) else f".{step}" if field else step
    return {
        "line": mark.line,
        "column": mark.column,
        "field": field,
        "expected": expected,
        "got": got,
    }
