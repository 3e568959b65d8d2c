"""One process of the data plane under uvicorn."""

from __future__ import annotations

from serving.app import App
from serving.limits import Limits
from serving.process import Process


def create() -> App:
    """The app of this process, which follows the API as long as it runs."""
    return Process(Limits()).app
