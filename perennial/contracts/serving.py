"""What is served where: the variants of a model, and which part of its requests each answers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from perennial.contracts.base import BlobRef, Contract, Sha256
from perennial.contracts.request_log import RequestLog

WHOLE = 10_000
"""All requests. Weights are whole numbers of it, so that they always add up."""
CHAMPION, CHALLENGER, CONTROL = "champion", "challenger", "control"
"""The names of variants."""


class Variant(Contract):
    """A version in a part of its own.

    Attributes:
        name: `champion`, `challenger`, or `control`: the champion again, with a share as large as
            the challenger's, so that the two can be compared.
        version: of the model.
        onnx: the file that answers.
        weight: its part of the requests, out of `WHOLE`.
        shadow: the part of the champion's requests that it answers too, for nobody: what it says
            is compared with what the champion said, and thrown away.
    """

    name: str
    version: int
    onnx: BlobRef
    weight: int = Field(ge=0, le=WHOLE)
    shadow: int = Field(default=0, ge=0, le=WHOLE)


class Deployment(Contract):
    """Everything that answers for a model in an environment.

    Attributes:
        epoch: grows with each change; a data plane ignores an older one.
        entity: header or field whose value decides who answers, so that one customer always gets
            the same variant; without it every request is decided anew.
        slow_seconds: requests that take longer are counted as slow.
        log: which requests are kept; it may change without the epoch.
        tolerance: by how much of the champion's number a copy's may be another and still agree.
        variants: in their order on the line of `serving.routing`: challenger, champion, control.
    """

    model: str
    environment: str
    epoch: int = Field(ge=1)
    entity: str | None = None
    slow_seconds: float = Field(default=0.1, gt=0)
    tolerance: float = Field(default=0.1, ge=0)
    log: RequestLog | None = None
    variants: tuple[Variant, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        names = [variant.name for variant in self.variants]
        if len(set(names)) < len(names):
            raise ValueError(f"two variants of {self.model} have one name: {', '.join(names)}")
        if (total := sum(variant.weight for variant in self.variants)) != WHOLE:
            raise ValueError(f"the weights of {self.model} add up to {total}, not to {WHOLE}")
        copying = [variant.name for variant in self.variants if variant.shadow]
        if copying and (copying != [CHALLENGER] or CONTROL not in names):
            raise ValueError(
                f"copies of {self.model} go to a challenger that has a control, not to "
                f"{', '.join(copying)}"
            )
        return self


class Deployments(Contract):
    """All that is served in an environment."""

    environment: str
    deployments: tuple[Deployment, ...]


Count = Annotated[int, Field(strict=True, ge=0, lt=2**53)]
"""As many as JSON can tell apart, and written as a number."""


LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds by which requests are counted, for a histogram."""


class Tally(Contract):
    """What a process of the data plane has answered by one variant of one deployment, so far.

    Counts only grow: a report that is lost or comes twice changes nothing.

    Attributes:
        epoch: of the deployment.
        version: that the variant is.
        sha256: of the file that it has loaded.
        requests: that arrived, answered well or not; those of testers, who name a variant, are not
            counted. Of a variant that answers copies: the copies. Of the control beside it: the
            same requests, as the champion answered them.
        refused: that it could not read. The caller's mistake, or a new version's, which wants a
            column that nobody sends: beside its control's the two can be told apart.
        errors: answered with a failure that is the model's or ours.
        slow: took longer than the limit of the deployment.
        answers: rows by category: by class, by tenths of the probability of the second of two, or
            numbers by quarters of an octave, so that one that is a fifth larger is of another.
        compared: rows of copies, answered by both.
        disagreed: those of them that got another class, or a number beyond the tolerance.
        missed: copies that found no room, and were never answered.
        logged: rows that were written to the log of requests.
        lost: rows that belong into it, and found no room or could not be written.
        latencies: requests by how long they took: up to each of `LATENCIES`, and longer.
        entities: that it has answered, each once, where the deployment names an `entity`; counted
            up to some thousands. Of two processes they may be the same ones, so they have no sum.
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
    refused: Count = 0
    compared: Count = 0
    disagreed: Count = 0
    missed: Count = 0
    logged: Count = 0
    lost: Count = 0
    latencies: tuple[Count, ...] = Field(default=(), max_length=len(LATENCIES) + 1)
    entities: Count = 0

    def __add__(self, other: Tally) -> Tally:
        """Both together: the same variant's, of two processes."""
        return self._with(other, lambda ours, theirs: ours + theirs)

    def since(self, before: Tally) -> Tally:
        """What came since; nothing where a process that was counted has been forgotten."""
        return self._with(before, lambda now, then: max(now - then, 0))

    def _with(self, other: Tally, both: Callable[[int, int], int]) -> Tally:
        counts = {name: both(getattr(self, name), getattr(other, name)) for name in COUNTS}
        lists = {
            name: tuple(
                both(ours, theirs)
                for ours, theirs in zip_longest(
                    getattr(self, name), getattr(other, name), fillvalue=0
                )
            )
            for name in ("answers", "latencies")
        }
        return self.model_copy(update={**counts, **lists})


COUNTS = (
    "requests",
    "errors",
    "slow",
    "refused",
    "compared",
    "disagreed",
    "missed",
    "logged",
    "lost",
)
"""What a tally counts, beside answers by category."""


class Met(Contract):
    """Entities that a process has answered by each variant of the deployment of now."""

    process: str
    entities: dict[str, int]


class Labelled(Contract):
    """Requests of a rollout that a variant answered and that have a label by now.

    A challenger's copies count too, and for its control the same requests as the champion answered
    them.

    Attributes:
        version: that the variant was.
        part: of the day, by the hour of the requests: many labels that come at once are several
            samples, and what the first ones show is known when the next ones are looked at.
        requests: with a label at least; of several labelled rows the first one counts.
        wrong: those of them with another class than the label's, or a number beyond the tolerance.
    """

    variant: str
    version: int
    part: int = Field(default=0, ge=0)
    requests: int = Field(default=0, ge=0)
    wrong: int = Field(default=0, ge=0)


class Report(Contract):
    """What a process says of itself each second: what it serves, and what it has answered.

    Attributes:
        tallies: of every deployment that it serves, and of those that it has just left.
        busy: the part of its last seconds that it was busy, from 0 to 1; 1 where it had to turn
            requests away.
        leaving: it answers no more, and nobody is to wait for it.
        memory_bytes: of the machine's that it has (resident); what it shares with others, too.
        cpu_seconds: of processors that it has had since it began. An older process tells neither.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"tallies": []}]})

    leaving: bool = Field(default=False, strict=True)
    busy: float = Field(default=0.0, strict=True, ge=0, le=1)
    memory_bytes: Count = 0
    cpu_seconds: float = Field(default=0.0, strict=True, ge=0, lt=2**53)
    tallies: tuple[Tally, ...] = ()


class Serving(Contract):
    """What is to be served, who serves it, and what was answered.

    Attributes:
        deployment: as it is to be; None where nothing is.
        run_id: of the run that rolls a version out, if any.
        champion_epoch: of the champion; 0 where there never was one.
        held: which pause keeps a version from more requests; empty for none.
        tallies: sums over all processes, of the epochs that were asked for.
        met: entities by process, where the deployment names one.
        labelled: of the rollout that began with that epoch, where a guardrail wants labels.
        processes: that have reported within `ALIVE_SECONDS`.
        busy: the part of its time that the busiest of them had to do, from 0 to 1.
        behind: those of them that do not serve the deployment yet, in its epoch, file by file.
    """

    deployment: Deployment | None = None
    run_id: str | None = None
    champion_epoch: int = 0
    held: str = ""
    tallies: tuple[Tally, ...] = ()
    met: tuple[Met, ...] = ()
    labelled: tuple[Labelled, ...] = ()
    processes: int = 0
    busy: float = 0.0
    behind: tuple[str, ...] = ()


ALIVE_SECONDS = 15.0
"""A process that has said nothing for so long is taken for gone."""
