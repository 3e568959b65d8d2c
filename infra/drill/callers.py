"""Callers, so that a rollout has requests to be judged by."""

from __future__ import annotations

import http.client
import json
import threading
from urllib.parse import urlsplit

_PAUSE_SECONDS = 0.005
_TIMEOUT_SECONDS = 5.0


class Callers:
    """Ask the data plane without a pause worth the name, whether it answers or not."""

    def __init__(self, serving: str, model: str) -> None:
        self._where = urlsplit(serving).netloc
        self._path = f"/v1/models/{model}:predict"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="callers", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ask no more."""
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        turn = 0
        connection = self._connect()
        while not self._over.wait(_PAUSE_SECONDS):
            turn += 1
            row = {"x": turn * 37 % 101 / 50 - 1, "y": turn * 53 % 89 / 44 - 1}
            try:
                connection.request("POST", self._path, json.dumps({"instances": [row]}))
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                # what answers may be what is killed
                connection.close()
                connection = self._connect()
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._where, timeout=_TIMEOUT_SECONDS)
