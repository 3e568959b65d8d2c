"""What is served where: the variants of a model, and which part of its requests each answers."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from perennial.contracts.base import BlobRef, Contract, Sha256

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


Count = Annotated[int, Field(strict=True, ge=0, lt=2**53)]
"""As many as JSON can tell apart, and written as a number."""


class Tally(Contract):
    """What a process of the data plane has answered by one variant of one deployment, so far.

    Counts only grow: a report that is lost or comes twice changes nothing.

    Attributes:
        epoch: of the deployment.
        version: that the variant is.
        sha256: of the file that it has loaded.
        requests: that were answered, well or not; those of testers, who name a variant, are not
            counted.
        errors: answered with a failure that is the model's or ours.
        slow: took longer than the limit of the deployment.
        answers: rows by category: by class, or by tenths of the probability of the second of two.
    """

    model: str
    epoch: int = Field(strict=True, ge=1, lt=2**31)
    variant: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    version: int = Field(strict=True, ge=1, lt=2**31)
    sha256: Sha256
    requests: Count = 0
    errors: Count = 0
    slow: Count = 0
    answers: tuple[Count, ...] = Field(default=(), max_length=10_000)

    def __add__(self, other: Tally) -> Tally:
        """Both together: the same variant's, of two processes."""
        ours, theirs = self.answers, other.answers
        longer = max(len(ours), len(theirs))
        return self.model_copy(
            update={
                "requests": self.requests + other.requests,
                "errors": self.errors + other.errors,
                "slow": self.slow + other.slow,
                "answers": tuple(
                    sum(counts[place] for counts in (ours, theirs) if place < len(counts))
                    for place in range(longer)
                ),
            }
        )


class Report(Contract):
    """What a process says of itself each second: what it serves, and what it has answered.

    Attributes:
        tallies: of every deployment that it serves, and of those that it has just left.
        leaving: it answers no more, and nobody is to wait for it.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"tallies": []}]})

    leaving: bool = Field(default=False, strict=True)
    tallies: tuple[Tally, ...] = ()


class Serving(Contract):
    """What is to be served, who serves it, and what was answered.

    Attributes:
        deployment: as it is to be; None where nothing is.
        run_id: of the run that rolls a version out, if any.
        champion_epoch: of the champion; 0 where there never was one.
        held: which pause keeps a version from more requests; empty for none.
        tallies: sums over all processes, of the epochs that were asked for.
        processes: that have reported within `ALIVE_SECONDS`.
        behind: those of them that do not serve the deployment yet, in its epoch, file by file.
    """

    deployment: Deployment | None = None
    run_id: str | None = None
    champion_epoch: int = 0
    held: str = ""
    tallies: tuple[Tally, ...] = ()
    processes: int = 0
    behind: tuple[str, ...] = ()


ALIVE_SECONDS = 15.0
"""A process that has said nothing for so long is taken for gone."""
