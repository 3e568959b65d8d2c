"""Every error as problem details (RFC 9457), saying what to do next."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.headers import SECURITY
from perennial.contracts.errors import PerennialError, Unavailable

MEDIA_TYPE = "application/problem+json"

_RETRY_SECONDS = "5"
_OWN_KEYS = {"type", "title", "status", "detail", "instance"}
_GOT = 60
_TOLD = 20
"""Mistakes that an answer tells of: a request may hold ten thousand."""

_TITLES = {
    400: "The request cannot be read",
    404: "No such path",
    405: "Method not allowed",
    413: "Too large",
    415: "Unsupported media type",
}


class UnsupportedMediaType(PerennialError):
    """The body is of a kind that is not read here."""

    http_status = 415


def problem(
    request: Request,
    status: int,
    name: str,
    title: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """An answer with problem details; `name` ends its type."""
    body = {
        "type": f"urn:perennial:error:{name}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        **{key: value for key, value in more.items() if key not in _OWN_KEYS},
    }
    return JSONResponse(
        jsonable_encoder(body), status_code=status, media_type=MEDIA_TYPE, headers=headers
    )


def of_error(request: Request, error: PerennialError) -> JSONResponse:
    """The problem that an error of the platform is."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__)
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = _RETRY_SECONDS
    if error.http_status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        request,
        error.http_status,
        words.replace(" ", "-").lower(),
        words.capitalize(),
        error.message,
        headers=headers,
        **error.details,
    )


def register(app: FastAPI) -> None:
    """Answer every exception with a problem."""
    app.exception_handler(PerennialError)(_platform)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(Exception)(_internal)


async def _platform(request: Request, error: PerennialError) -> JSONResponse:
    return of_error(request, error)


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    errors = error.errors()
    if errors and errors[0]["type"] == "json_invalid":
        return problem(
            request,
            400,
            "malformed-request",
            _TITLES[400],
            f"the body is not JSON: {errors[0].get('ctx', {}).get('error', errors[0]['msg'])} at "
            f"character {errors[0]['loc'][-1]}; correct it and send it again",
        )
    items = [
        {"field": _field(e["loc"]), "expected": _words(e["msg"]), "got": _got(e)}
        for e in errors[:_TOLD]
    ]
    listed = "; ".join(f"{i['field']}: {i['expected']}, got {i['got']}" for i in items)
    if len(errors) > _TOLD:
        listed += f"; and {len(errors) - _TOLD:,} more"
    return problem(
        request,
        422,
        "invalid-request",
        "Invalid request",
        f"the request does not fit: {listed}; /openapi.json says what does",
        problems=items,
    )


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    title = _TITLES.get(error.status_code, "The request was not answered")
    detail, headers = str(error.detail), dict(error.headers or {})
    if error.status_code == 404:
        detail = f"there is nothing at {request.url.path}; /openapi.json lists every path"
    elif error.status_code == 405:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "")
        detail = f"{request.method} is not for {request.url.path}; it takes {headers['Allow']}"
    elif error.status_code == 400:
        detail = f"{detail}; correct the request and send it again"
    return problem(
        request,
        error.status_code,
        title.lower().replace(" ", "-"),
        title,
        detail,
        headers=headers,
    )


def _allowed(request: Request) -> str | None:
    """The methods of a path: each has a route of its own, which knows nothing of the others."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    fitting = [
        template
        for template in paths
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), request.url.path)
    ]
    if not fitting:
        return None
    # a path that stands literally is not also the value of another one's parameter
    nearest = min(fitting, key=lambda template: template.count("{"))
    return ", ".join(sorted(method.upper() for method in paths[nearest]))


async def _internal(request: Request, error: Exception) -> JSONResponse:
    # what broke is in the log, where the server puts it; it is not for strangers
    return problem(
        request,
        500,
        "internal",
        "Internal error",
        "this should not have happened, and nothing you sent explains it; the API's log says "
        "more (`make logs`)",
        # this answer is made outside of the middleware
        headers=SECURITY,
    )


def _field(location: tuple[Any, ...]) -> str:
    field = ""
    for step in location:
        field += f"[{step}]" if isinstance(step, int) else f".{step}" if field else str(step)
    return field


def _words(message: str) -> str:
    return message[:1].lower() + message[1:]


def _got(error: dict[str, Any]) -> str:
    if error["type"] == "missing":
        return "nothing"
    try:
        text = json.dumps(error.get("input"), ensure_ascii=True)
    except (TypeError, ValueError, RecursionError):
        text = type(error.get("input")).__name__
    return text if len(text) <= _GOT else f"{text[: _GOT - 3]}..."
