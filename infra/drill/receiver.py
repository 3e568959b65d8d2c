"""Somebody who is told of alerts, and who may be slow to say that he heard."""

from __future__ import annotations

import base64
import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHANNEL = "drill"
_SECRET = "whsec_" + base64.b64encode(b"only of a drill, known to all...").decode()
_HELD_SECONDS = 20.0


class Receiver:
    """A webhook on this machine: what has come, by model, each message once."""

    def __init__(self) -> None:
        self._messages: defaultdict[str, set[str]] = defaultdict(set)
        self._held = ""
        self._came, self._may_answer = threading.Event(), threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()

    def close(self) -> None:
        """Hear no more."""
        self._may_answer.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def channels(self) -> dict[str, Any]:
        """The file of channels of a stack whose alerts come here."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        return {CHANNEL: {"webhook": url, "secret": _SECRET}}

    def messages(self, model: str) -> int:
        """How many messages of a model have come; one that came twice is one."""
        return len(self._messages[model])

    def hold(self, model: str) -> None:
        """From now on, do not answer the first message of a model before `release`."""
        self._held = model
        self._came.clear()
        self._may_answer.clear()

    def wait(self, seconds: float) -> bool:
        """Whether the message that is held has come by then."""
        return self._came.wait(seconds)

    def release(self) -> None:
        """Answer what was held, and whatever comes."""
        self._held = ""
        self._may_answer.set()

    def _hear(self, message: str, body: bytes) -> None:
        model = json.loads(body)["data"]["model"]
        self._messages[model].add(message)
        if model == self._held:
            self._came.set()
            # its sender gives up after some time, too
            self._may_answer.wait(_HELD_SECONDS)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hear = self._hear

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hear(
                    self.headers["webhook-id"],
                    self.rfile.read(int(self.headers["content-length"])),
                )
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
