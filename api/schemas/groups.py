"""Groups: versions of several models that move together."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from api.schemas.base import Answer, Ask, Reasoned, VersionNumber
from api.schemas.runs import RunSummary
from perennial.contracts.spec import Environment, Name


class GroupMember(Ask):
    """A version that is to move with others."""

    model: Name
    version: VersionNumber


class GroupRequest(Reasoned):
    """Make versions of several models champions of an environment, all or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "environment": "production",
                    "members": [
                        {"model": "flights", "version": 3},
                        {"model": "digits", "version": 2},
                    ],
                    "reason": "one encoding of airports",
                }
            ]
        }
    )

    environment: Environment
    members: list[GroupMember] = Field(min_length=2, max_length=20)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [member.model for member in self.members]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"a model moves to one version at a time; {twice[0]} is named twice")
        return self


class GroupRollbackRequest(Reasoned):
    """Put back what was champion before a group moved."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "too many alarms"}]})


class GroupAccepted(Answer):
    """The group that a request started."""

    group_id: str


class GroupDetail(Answer):
    """A group by the runs of its members, each of which is judged on its own."""

    group_id: str
    status: Literal["under_way", "promoted", "off"] = Field(
        description="promoted: all moved at one moment. off: none did"
    )
    runs: list[RunSummary] = Field(description="by model; those that have been asked for so far")


class GroupMoved(Answer):
    """A champion that was put back with others."""

    model: str
    environment: Environment
    version: int | None
    epoch: int


class GroupRolledBack(Answer):
    """All champions that a group had moved, as they are now."""

    group_id: str
    champions: list[GroupMoved]
