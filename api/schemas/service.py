"""The service itself, and the ledger."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from api.schemas.base import Answer, Json

Role = Literal["viewer", "engineer", "approver", "admin", "data-plane"]


class Identity(Answer):
    """Who a token belongs to."""

    name: str
    role: Role


class Health(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Dependency(Answer):
    """Something that the platform needs, and whether it answers."""

    name: str
    ok: bool
    detail: str = ""


class Readiness(Answer):
    """Whether everything that is needed answers."""

    status: Literal["ready", "not ready"]
    dependencies: list[Dependency]


class PlatformDetail(Answer):
    """Whether new runs and promotions are stopped everywhere, and by whom."""

    paused: bool
    epoch: int = Field(description="grows by one with every pause and resumption")
    actor: str = Field(description="who paused or resumed it last; empty: nobody ever did")
    reason: str
    since: AwareDatetime | None


class LedgerEntry(Answer):
    """One row of the ledger. `hash` is SHA-256 over `prev_hash` and the row without `hash`, in
    RFC 8785 canonical JSON."""

    seq: int
    at: str
    actor: str
    kind: str
    model: str
    subject: str
    body: Json
    effect: str
    prev_hash: str
    hash: str


class LedgerPage(Answer):
    """Rows in order."""

    items: list[LedgerEntry]
    next_after: int | None = Field(description="none: these are the last rows for now")


class FirstBad(Answer):
    """The first row that does not hold."""

    seq: int
    problem: str


class LedgerVerdict(Answer):
    """Whether the chain holds from its first row to its head."""

    ok: bool
    rows: int = Field(description="rows that hold")
    head: str = Field(description="hash of the last of them")
    first_bad: FirstBad | None
