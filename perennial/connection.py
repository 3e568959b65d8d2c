"""How a document is asked for: one HTTP connection, and what is made of a bad answer."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import quote

import httpx

from perennial.documents import Json, Problem

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
# The API sends a comment every few seconds; silence for longer is a broken connection.
_STREAM_TIMEOUT = httpx.Timeout(45.0, connect=5.0)
_LARGEST_PAGE = 100


class ApiError(Exception):
    """The API answered with problem details (RFC 9457)."""

    def __init__(self, status: int, problem: Problem, asked: str = "") -> None:
        self.status = status
        self.problem = problem
        self.asked = asked
        """The path of the request, as it was sent."""
        super().__init__(problem.get("detail") or problem.get("title") or f"HTTP {status}")

    @property
    def kind(self) -> str:
        """The last part of the problem's type: `spec-invalid`, `not-found`."""
        return self.problem.get("type", "").rpartition(":")[2]


class ServiceAway(Exception):
    """The API did not answer; the message names its address."""


class Connection:
    """A connection to one API, as one principal. Safe to keep, not to share between threads."""

    def __init__(self, url: str, token: str | None) -> None:
        """Make no connection yet: that happens with the first request.

        Raises:
            ServiceAway: the address is no HTTP address.
        """
        self.url = url.rstrip("/")
        self._token = token
        try:
            self._http = httpx.Client(
                base_url=self.url,
                headers={"Authorization": f"Bearer {token}"} if token else {},
                timeout=_TIMEOUT,
                # A connection that cannot be made is tried again: nothing was sent.
                transport=httpx.HTTPTransport(retries=2),
            )
        except httpx.InvalidURL as error:
            raise ServiceAway(f"{url!r} is not the address of an API ({error})") from error

    def another(self) -> Self:
        """A second connection to the same API as the same principal, for another thread."""
        return type(self)(self.url, self._token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _get(self, where: str, **query: Any) -> Any:
        return self._answer(self._send("GET", where, params=_present(query)))

    def _text(self, where: str, **query: Any) -> str:
        """A document that is no JSON."""
        response = self._send("GET", where, params=_present(query))
        if not response.is_success:
            raise _problem(response)
        return response.text

    def _post(
        self,
        where: str,
        body: Json | None = None,
        *,
        content: bytes | None = None,
        content_type: str | None = None,
        key: str | None = None,
    ) -> Any:
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        if content_type:
            headers["Content-Type"] = content_type
        send: dict[str, Any] = {"content": content} if content is not None else {"json": body}
        return self._answer(self._send("POST", where, headers=headers, **send))

    def _items(self, where: str, limit: int, **query: Any) -> list[Any]:
        """Up to `limit` items of a list that comes in pages."""
        items: list[Any] = []
        cursor: str | None = None
        while len(items) < limit:
            size = min(limit - len(items), _LARGEST_PAGE)
            page = self._get(where, cursor=cursor, limit=size, **query)
            items += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                break
        return items[:limit]

    def _lines(self, where: str, headers: dict[str, str]) -> Iterator[str]:
        """The lines of a stream of events, as they come."""
        headers = {"Accept": "text/event-stream"} | headers
        try:
            with self._http.stream(
                "GET", where, headers=headers, timeout=_STREAM_TIMEOUT
            ) as response:
                if response.status_code != 200:
                    response.read()
                    raise _problem(response)
                yield from response.iter_lines()
        except httpx.TransportError as error:
            raise self._away(error) from error

    def _send(self, method: str, where: str, **options: Any) -> httpx.Response:
        try:
            return self._http.request(method, where, **options)
        except httpx.TransportError as error:
            raise self._away(error) from error

    def _away(self, error: httpx.TransportError) -> ServiceAway:
        slow = isinstance(error, httpx.TimeoutException)
        why = "it took too long" if slow else str(error) or type(error).__name__
        return ServiceAway(f"the API at {self.url} does not answer ({why})")

    @staticmethod
    def _answer(response: httpx.Response, *, or_status: int | None = None) -> Any:
        if not (response.is_success or response.status_code == or_status):
            raise _problem(response)
        try:
            return response.json()
        except ValueError:
            raise _problem(response) from None


def path(*parts: str | int) -> str:
    """A path of the interface, each part quoted: what a person typed stays one part."""
    return "/v1/" + "/".join(quote(str(part), safe="") for part in parts)


def _present(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _problem(response: httpx.Response) -> ApiError | ServiceAway:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "title" in problem:
        path = response.request.url.path
        return ApiError(response.status_code, cast(Problem, problem), path)
    # Not our API's words: a proxy in between, or another program on that port.
    request = response.request
    return ServiceAway(
        f"{request.method} {request.url} answered {response.status_code}, but not in the words "
        f"of a Perennial API"
    )
