"""Whether what a version was made with is known to be vulnerable."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennial.contracts.base import Contract, Utc


class Vulnerable(Contract):
    """A package of the environment that advisories name."""

    package: str
    version: str
    advisories: tuple[str, ...]


class DependencyCheck(Contract):
    """What a source of advisories said of the locked packages. Nobody asked is not nothing found.

    Attributes:
        why: it was not checked; empty where it was.
        source: that was asked.
        packages: that it was asked about.
        advisories: how many it knows of them; None where it was not asked or did not answer.
        vulnerable: 100 at most.
    """

    status: Literal["checked", "not checked"]
    why: str = ""
    source: str = ""
    packages: int = 0
    advisories: int | None = None
    vulnerable: tuple[Vulnerable, ...] = Field(default=())
    checked_at: Utc
