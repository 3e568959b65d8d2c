"""A real HTTP server that speaks the interface and plays back what a test gives it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

Json = dict[str, Any]
Answer = tuple[int, Any]


@dataclass
class Frame:
    """One event of a run, and the run's document from then on."""

    event: str
    data: Json
    run: Json
    seen: threading.Event | None = None
    """Where given, nothing more happens until the document has been read."""


@dataclass
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    token: str
    key: str | None
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Script:
    """What the server answers. `answers` maps "METHOD /path" to status and document."""

    answers: dict[str, Answer | Callable[[Asked], Answer]] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    first_run: Json | None = None
    breaks_after: list[int] = field(default_factory=list)
    """The stream is cut behind these many events of a connection, once for each entry."""
    asked: list[Asked] = field(default_factory=list)
    joined_after: list[str | None] = field(default_factory=list)
    """The Last-Event-ID of each connection to the stream."""
    played: int = 0

    def requests(self, method: str, path: str) -> list[Asked]:
        return [asked for asked in self.asked if (asked.method, asked.path) == (method, path)]

    def run(self) -> Json:
        if self.played:
            frame = self.frames[self.played - 1]
            if frame.seen:
                frame.seen.set()
            return frame.run
        assert self.first_run is not None
        return self.first_run

    def stream(self, after: str | None) -> Iterator[str]:
        self.joined_after.append(after)
        left = self.breaks_after.pop(0) if self.breaks_after else len(self.frames)
        yield ": here\n\n"
        for number, frame in enumerate(self.frames, 1):
            if number <= int(after or 0):
                continue
            if left == 0:
                return
            left -= 1
            self.played = max(self.played, number)
            yield f"id: {number}\nevent: {frame.event}\ndata: {json.dumps(frame.data)}\n\n"
            if frame.seen:
                frame.seen.wait(timeout=10)
        if self.frames and self.frames[-1].run["status"] == "finished":
            yield f"event: end\ndata: {json.dumps(self.frames[-1].run)}\n\n"


class Server:
    """The server in a thread of this process, on a free port."""

    def __init__(self) -> None:
        self.script = Script()
        app = FastAPI()
        app.add_api_route("/{path:path}", self._answer, methods=["GET", "POST"])
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
        self._uvicorn = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        socket = self._uvicorn.config.bind_socket()
        self.url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        # The socket listens from here on; uvicorn accepts what has queued up by then.
        socket.listen()
        self._thread = threading.Thread(
            target=self._uvicorn.run, kwargs={"sockets": [socket]}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._uvicorn.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)

    async def _answer(self, request: Request) -> Response:
        script = self.script
        asked = Asked(
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            token=request.headers.get("authorization", "").removeprefix("Bearer "),
            key=request.headers.get("idempotency-key"),
            body=await request.body(),
        )
        script.asked.append(asked)
        if asked.path.endswith("/events"):
            after = request.headers.get("last-event-id")
            return StreamingResponse(script.stream(after), media_type="text/event-stream")
        found = script.answers.get(f"{asked.method} {asked.path}")
        if found is None and asked.path.startswith("/v1/runs/") and script.first_run:
            found = (200, script.run())
        if found is None:
            found = (404, {"title": "Not found", "status": 404, "detail": f"no {asked.path}"})
        status, document = found(asked) if callable(found) else found
        if isinstance(document, Response):
            return document
        kind = "application/json" if status < 400 else "application/problem+json"
        return JSONResponse(document, status, media_type=kind)
