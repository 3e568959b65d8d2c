"""All that a card is made of. The same of it makes the same card, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from perennial.contracts.base import Json, Metrics
from perennial.contracts.records import VersionRecord
from perennial.contracts.spec import ModelSpec


@dataclass(frozen=True)
class Judged:
    """What the policy said of the version; `policy` is the digest of the rules it said it by."""

    decision_id: str
    environment: str
    outcome: str
    at: datetime
    reasons: Sequence[str] = ()
    warnings: Sequence[str] = ()
    policy: str = ""


@dataclass(frozen=True)
class Voted:
    """What a person said."""

    by: str
    approve: bool
    at: datetime
    comment: str = ""


@dataclass(frozen=True)
class Asked:
    """A question to people, with their answers in order."""

    environment: str
    status: str
    at: datetime
    required: int
    votes: Sequence[Voted] = ()


@dataclass(frozen=True)
class Reigned:
    """The version was champion from then on; until None: it is now."""

    environment: str
    since: datetime
    until: datetime | None
    cause: str
    actor: str
    reason: str = ""


@dataclass(frozen=True)
class Seen:
    """A window of the version's requests.

    Attributes:
        moved: how far the column went that moved most: PSI beyond chance; None: not measured.
        column: that it was.
        metrics: by labels; empty until enough have come.
    """

    start: datetime
    end: datetime
    rows: int
    verdict: str
    reason: str
    moved: float | None = None
    column: str = ""
    quality: str | None = None
    metrics: Metrics = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What is recorded of a version.

    Attributes:
        spec: that it was made by: the owners' words of then, which approvers read.
        record: the version with the evidence that counts.
        details: of the evidence; None where the store has lost them.
        judged: in order.
        asked: in order.
        reigned: in order.
        watched: the environment of `seen`; empty where no window was judged.
        seen: the newest windows, oldest first.
    """

    spec: ModelSpec
    record: VersionRecord
    details: Json | None = None
    judged: Sequence[Judged] = ()
    asked: Sequence[Asked] = ()
    reigned: Sequence[Reigned] = ()
    watched: str = ""
    seen: Sequence[Seen] = ()

    @property
    def primary(self) -> str:
        """The metric that counts."""
        return self.spec.metrics.primary

    @property
    def champion_in(self) -> list[str]:
        """Where it is champion now, in the usual order."""
        now = {each.environment for each in self.reigned if each.until is None}
        return [each for each in self.spec.environments if each in now]
