"""One process of the data plane under uvicorn."""

from __future__ import annotations

from serving.limits import Limits
from serving.process import Process
from serving.tracing import Hosted, traced


def create() -> Hosted:
    """The app of this process, which follows the API as long as it runs."""
    return traced(Process(Limits()).app)
