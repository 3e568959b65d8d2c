"""The MLflow server: its client, and what its silence means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from typing import TYPE_CHECKING

from activities.work import loading
from perennial.contracts.errors import RegistryUnavailable

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Temporal retries with patience: a server that is away should be noticed in seconds
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_OURS = frozenset(
    {"RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE", "BAD_REQUEST"}
)


@cache
def load() -> None:
    """Load all of MLflow that is used here. First in whatever imports a part of it.

    Its parts import each other, so a thread that imports one while another thread imports another
    can see one half made, and MLflow stays broken in this process. Once it is there, nobody waits
    for others who load something else.
    """
    with loading():
        import mlflow.onnx  # noqa: F401


class MlflowServer:
    """One tracking and registry server. No fluent API, hence no state beside the client's."""

    def __init__(self, uri: str) -> None:
        self.uri = uri.rstrip("/")

    @cached_property
    def client(self) -> MlflowClient:
        """Made in the thread that needs it first: MLflow takes seconds to load."""
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        load()
        from mlflow import MlflowClient

        # artefacts go by the fluent module's address, whichever client asks for them
        os.environ["MLFLOW_TRACKING_URI"] = self.uri
        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    @contextmanager
    def asked_to(self, what: str) -> Iterator[None]:
        """Turn a server that is away, or fails, into RegistryUnavailable."""
        load()
        from mlflow.exceptions import MlflowException
        from requests.exceptions import RequestException

        try:
            yield
        except (MlflowException, RequestException, ConnectionError) as error:
            if getattr(error, "error_code", None) in _OURS:
                raise
            said = " ".join(str(error).split())
            raise RegistryUnavailable(
                f"MLflow at {self.uri} could not {what}: {said[:300]}; start it with `make up`, "
                f"or set MLFLOW_TRACKING_URI"
            ) from error
