"""What runs in Ray Serve: a replica is a process of the data plane like one under uvicorn.

Each has the whole app with its routing, follows the API for itself and reports for itself. Nothing
but the choice of a replica happens before the app: no second process routes a request.
"""

from __future__ import annotations

from ray import serve

from perennial.serve_details import DEPLOYMENT
from serving.app import Send
from serving.bodies import Message, Receive
from serving.limits import Limits
from serving.process import Process
from serving.responses import REQUEST_ID
from serving.tracing import Hosted, traced


class Replica:
    """Ray Serve's handle on the process; it makes the app once, and its health is asked for."""

    def __init__(self) -> None:
        # a new one must not tell callers that a model is not served which the others serve
        self._process = Process(Limits(), knows_first=True)

    def __serve_build_asgi_app__(self) -> _NamedOnce:  # Ray Serve's name for it
        return _NamedOnce(traced(self._process.app))

    async def check_health(self) -> None:
        """Raises Unavailable where Ray Serve should replace this replica."""
        self._process.check()


class _NamedOnce:
    """The app without its header of the request's id, which Ray Serve adds by itself."""

    def __init__(self, app: Hosted) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        async def passed_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [each for each in message["headers"] if each[0] != REQUEST_ID]
                message = {**message, "headers": kept}
            await send(message)

        await self._app(scope, receive, passed_on)


application = serve.deployment(name=DEPLOYMENT)(serve.ingress()(Replica)).bind()
