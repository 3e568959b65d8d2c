"""What is served where: the variants of a model, and which part of its requests each answers."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from perennial.contracts.base import BlobRef, Contract, Utc

WHOLE = 10_000
"""All requests. Weights are whole numbers of it, so that they always add up."""


class Variant(Contract):
    """A version in a part of its own.

    Attributes:
        name: `champion`, `challenger`, or `control`: the champion again, with a share as large as
            the challenger's, so that the two can be compared.
        version: of the model.
        onnx: the file that answers.
        weight: its part of the requests, out of `WHOLE`.
    """

    name: str
    version: int
    onnx: BlobRef
    weight: int = Field(ge=0, le=WHOLE)


class Deployment(Contract):
    """Everything that answers for a model in an environment.

    Attributes:
        epoch: grows with each change; a data plane ignores an older one.
        entity: header or field whose value decides who answers, so that one customer always gets
            the same variant; without it every request is decided anew.
        slow_seconds: requests that take longer are counted as slow.
        variants: in their order on the line of `serving.routing`: challenger, champion, control.
    """

    model: str
    environment: str
    epoch: int = Field(ge=1)
    entity: str | None = None
    slow_seconds: float = Field(default=0.1, gt=0)
    variants: tuple[Variant, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        names = [variant.name for variant in self.variants]
        if len(set(names)) < len(names):
            raise ValueError(f"two variants of {self.model} have one name: {', '.join(names)}")
        if (total := sum(variant.weight for variant in self.variants)) != WHOLE:
            raise ValueError(f"the weights of {self.model} add up to {total}, not to {WHOLE}")
        return self


class Deployments(Contract):
    """All that is served in an environment."""

    environment: str
    deployments: tuple[Deployment, ...]


class Serves(Contract):
    """What a process of the data plane says of itself.

    Attributes:
        process: its name, unique among all.
        epoch: of the deployment that it answers by.
        versions: of the variants that it has loaded, by name.
        digests: of their files, by name.
    """

    process: str
    model: str
    environment: str
    epoch: int
    versions: dict[str, int]
    digests: dict[str, str]


class Window(Contract):
    """What a process has answered for one variant in one stretch of time.

    Attributes:
        began: of the stretch.
        requests: that were answered, well or not.
        errors: answered with a failure that is the model's or ours.
        slow: took longer than the limit of the deployment.
        answers: rows by category: by class, or by tenths of the probability of the second of two.
    """

    process: str
    model: str
    environment: str
    epoch: int
    variant: str
    version: int
    began: Utc
    requests: int = 0
    errors: int = 0
    slow: int = 0
    answers: tuple[int, ...] = ()
