"""One tree of exceptions. The branch says what may be done about it.

    PerennialError
    ├── Final                    asking again cannot help: ends the run, or answers the request
    │   ├── BadInput             what was given is wrong (HTTP 422)
    │   │   ├── SpecInvalid      the YAML of a model
    │   │   ├── SourceInvalid    the data cannot be read, is empty, or misses a column
    │   │   ├── DataInvalid      the data breaks the project's schema
    │   │   ├── ProjectInvalid   the project's code cannot be loaded, or raised
    │   │   ├── TrainingDiverged the loss is no longer a finite number
    │   │   ├── ExportFailed     the model has no ONNX form, or the form answers differently
    │   │   ├── EvidenceInvalid  a metric is missing or not a number
    │   │   └── PolicyInvalid    Rego or its data does not compile
    │   ├── NotFound             no such model, run, version, approval (404)
    │   ├── Refused              the state of things forbids it (409)
    │   │   ├── StaleEpoch       somebody else moved the champion first
    │   │   ├── KeyReused        an idempotency key that was used for another request
    │   │   ├── PlatformPaused   nothing is promoted until the platform is resumed
    │   │   ├── ModelPaused      nor of this model, until it is
    │   │   └── ModelRetired     the model's life has ended
    │   └── NotAllowed           this person may not (403)
    └── Unavailable              a system is away or too slow: retried with patience (503)
        ├── PolicyUnavailable    OPA
        ├── RegistryUnavailable  MLflow
        ├── ClusterUnavailable   Ray
        └── RecordsUnavailable   the database

A message says what happened, to which thing, and what to do next.
"""

from __future__ import annotations

from typing import Any, ClassVar


class PerennialError(Exception):
    """Root of every error this platform raises on purpose."""

    retryable: ClassVar[bool] = False
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details


class Final(PerennialError):
    """Asking again cannot help."""


class BadInput(Final):
    """What was given is wrong."""

    http_status = 422


class SpecInvalid(BadInput):
    """A model spec is wrong; `details["problems"]` lists every problem with its line."""


class SourceInvalid(BadInput):
    """The data cannot be read, is empty, or misses a column that the project names."""


class DataInvalid(BadInput):
    """The data breaks the project's schema; the message names rows and reasons."""


class ProjectInvalid(BadInput):
    """A model project cannot be loaded, or its own code raised."""


class TrainingDiverged(BadInput):
    """The loss is no longer a finite number."""


class ExportFailed(BadInput):
    """The model has no ONNX form, or that form answers differently from the model."""


class EvidenceInvalid(BadInput):
    """A metric is missing or is not a finite number."""


class PolicyInvalid(BadInput):
    """Rego or its data does not compile; the message carries OPA's own words, file and line."""


class NotFound(Final):
    """No such model, run, version, decision or approval."""

    http_status = 404


class Refused(Final):
    """The state of things forbids it; the message says which state and what would change it."""

    http_status = 409


class StaleEpoch(Refused):
    """Somebody else moved the champion first."""


class KeyReused(Refused):
    """An idempotency key came back with a different request."""


class PlatformPaused(Refused):
    """Nothing is promoted until the platform is resumed."""


class ModelPaused(Refused):
    """Nothing of this model is promoted until it is resumed."""


class ModelRetired(Refused):
    """The model's life has ended."""


class NotAllowed(Final):
    """This person may not do that."""

    http_status = 403


class Unavailable(PerennialError):
    """A system is away or too slow; the caller retries for as long as the spec's patience."""

    retryable = True
    http_status = 503


class PolicyUnavailable(Unavailable):
    """OPA did not answer."""


class RegistryUnavailable(Unavailable):
    """MLflow did not answer."""


class ClusterUnavailable(Unavailable):
    """Ray did not answer."""


class RecordsUnavailable(Unavailable):
    """The database did not answer."""


class NotYet(Unavailable):
    """A workflow lives through its past again, and is not where its records say it is."""


def by_name(name: str) -> type[PerennialError] | None:
    """The class of this tree with that name: how an error crosses Temporal and comes back."""
    pending: list[type[PerennialError]] = [PerennialError]
    while pending:
        cls = pending.pop()
        if cls.__name__ == name:
            return cls
        pending.extend(cls.__subclasses__())
    return None
