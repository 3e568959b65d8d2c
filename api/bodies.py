"""Bodies that are not read by FastAPI, and the media types that are."""

from __future__ import annotations

from fastapi import Request

from api.problems import UnsupportedMediaType
from perennial.contracts.errors import SpecInvalid

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")


async def json_only(request: Request) -> None:
    """A dependency of routes that read JSON. Raises UnsupportedMediaType."""
    kind = _media_type(request)
    if kind not in ("", "application/json") and not kind.endswith("+json"):
        raise UnsupportedMediaType(
            f"a body of type {kind} is not read here; send JSON with `Content-Type: "
            f"application/json`"
        )


async def spec_text(request: Request) -> str:
    """The text of a model spec. Raises UnsupportedMediaType, SpecInvalid."""
    kind = _media_type(request)
    if kind != "application/json" and kind not in YAML_TYPES:
        raise UnsupportedMediaType(
            f"a spec of type {kind or '(none named)'} is not read here; send YAML with "
            f"`Content-Type: application/yaml`, or JSON with `Content-Type: application/json`"
        )
    body = await request.body()
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        problem = {"line": line, "column": 1, "field": "", "expected": "UTF-8", "got": error.reason}
        raise SpecInvalid(
            f"the spec is not UTF-8 text (line {line}: {error.reason}); save it as UTF-8",
            problems=[problem],
        ) from None


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
