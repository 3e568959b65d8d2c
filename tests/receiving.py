"""A real HTTP server that alerts are sent to: it answers as it is told, or not at all."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

from activities.channels import Channel

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


@dataclass
class Receiver:
    """What it received, and how it answers: with these statuses, then 200; hanging, not at all."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    hangs: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    came: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def channel(self) -> Channel:
        """Itself, as a channel that signs what it sends."""
        return Channel.model_validate({"webhook": f"{self.url}/hook", "secret": SECRET})

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.requests]

    def verified(self) -> list[dict[str, Any]]:
        """What came, as the library of those who receive reads it."""
        return [Webhook(SECRET).verify(body, headers) for headers, body in self.requests]

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]


@contextmanager
def receiver(*statuses: int, hangs: bool = False) -> Iterator[Receiver]:
    """One that runs for as long as the block does."""
    made = Receiver(statuses=list(statuses), hangs=hangs)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
            made.came.set()
            if made.hangs:
                made.over.wait(30)
                return
            self.send_response(made.statuses.pop(0) if made.statuses else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
