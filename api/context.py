"""What the routes need: the records, the tokens, and clients of the systems beside us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import httpx
from fastapi import Depends, Request
from temporalio.client import Client

from api.auth import Tokens
from api.db.store import Store
from perennial import tracing
from perennial.settings import Settings
from perennial.temporal import connect

if TYPE_CHECKING:
    from perennial.tracing.spans import Tracing


@dataclass
class Context:
    """One for each process."""

    settings: Settings
    store: Store
    tokens: Tokens
    replays: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Replays run the OPA program; one at a time is enough."""
    tracing: Tracing | None = None
    """None where nothing is traced."""
    _temporal: Client | None = None
    _http: httpx.AsyncClient | None = None

    @classmethod
    def open(cls, settings: Settings) -> Context:
        """Migrate and open the records, and read the tokens, making them at the first start.

        Raises:
            PerennialError: one of the two cannot be had; the message says why.
        """
        tokens = Tokens.load(settings.tokens)
        store = Store.open(settings.database)
        return cls(settings, store, tokens, tracing=tracing.start("perennial-api"))

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[None]:
        """Have clients for as long as the application runs."""
        async with httpx.AsyncClient(timeout=2.0) as self._http:
            # lazily: the API reads and answers also while Temporal is away
            self._temporal = await connect(
                lazy=True, interceptors=tracing.interceptors(self.tracing)
            )
            try:
                yield
            finally:
                self._temporal = self._http = None
                self.store.close()

    @property
    def temporal(self) -> Client:
        """Temporal's client; its first call connects."""
        assert self._temporal is not None, "only while the application runs"
        return self._temporal

    @property
    def http(self) -> httpx.AsyncClient:
        """For the health of OPA and MLflow."""
        assert self._http is not None, "only while the application runs"
        return self._http


async def _of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Ctx = Annotated[Context, Depends(_of)]
"""The process's context, in a route."""
