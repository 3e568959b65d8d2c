"""Groups: versions of several models that become champions together, or none of them does."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import Contract, Utc
from perennial.contracts.lifecycle import Asked, Promote
from perennial.contracts.records import Champion, Done, MoveChampion
from perennial.contracts.spec import Environment, Name

GROUP_WORKFLOW = "Group"
GROUP_ROLLBACK_WORKFLOW = "GroupRollback"
# Signals: of a group to a model's workflow, of a run and of a model's workflow to a group, of a
# group to a run
MEMBER_WANTED = "member_wanted"
MOVED_TOGETHER = "moved_together"
MEMBER_SAYS = "member_says"
GROUP_SAYS = "group_says"


class Member(Contract):
    """A version that is to move with others."""

    model: Name
    version: int = Field(ge=1)


class PromoteTogether(Asked):
    """Make versions of several models champions of an environment, all or none."""

    group: str
    environment: Environment
    members: tuple[Member, ...] = Field(min_length=2)
    reason: str = ""


class MemberWanted(Contract):
    """A group asks a model's workflow for the promotion of one of its versions."""

    promote: Promote


class MemberSays(Contract):
    """How a member of a group stands.

    Attributes:
        what: `joined`: its run has begun. `ready`: it may move, from this epoch by this decision.
            `out`: it will not.
    """

    model: str
    run_id: str
    what: Literal["joined", "ready", "out"]
    why: str = ""
    expected_epoch: int = 0
    decision_id: str = ""


class GroupSays(Contract):
    """What becomes of a member: it has moved with all others, is to be judged again, or none moves.

    Attributes:
        champion: of its model, where it has moved.
    """

    what: Literal["moved", "again", "off"]
    why: str = ""
    champion: Champion | None = None


class MovedTogether(Contract):
    """A model's champion was moved with those of others; its workflow did not do it."""

    champion: Champion
    run_id: str | None = Field(default=None, description="which knows already")


class GroupResult(Contract):
    """How a group ended."""

    outcome: Literal["promoted", "off"]
    reason: str
    champions: tuple[Champion, ...] = ()


class MoveTogether(Contract):
    """Compare-and-set of several champions: all of them, or none."""

    moves: tuple[MoveChampion, ...]


class RollBackTogether(Asked):
    """Put back what was champion before a group moved, of every model of it."""

    group: str
    reason: str = ""


class PutBack(Contract):
    """Compare-and-set of all champions that a group moved, to those before it, or of none."""

    effect: str
    group: str
    actor: str
    reason: str
    at: Utc


class Moved(Contract):
    """The champions after moves that were made together."""

    champions: tuple[Champion, ...]


class WaitUntilLifted(Contract):
    """Wait until no pause holds any of these models."""

    models: tuple[str, ...]
    environment: Environment


@activity.defn(name="move_together")
async def move_together(input: MoveTogether) -> Moved:
    """Raises StaleEpoch where one of them has moved since; PlatformPaused, ModelPaused."""
    raise NotImplementedError


@activity.defn(name="roll_back_together")
async def roll_back_together(input: PutBack) -> Moved:
    """Raises NotFound, Refused, and StaleEpoch where one of them has moved since."""
    raise NotImplementedError


@activity.defn(name="wait_until_lifted")
async def wait_until_lifted(input: WaitUntilLifted) -> Done:
    """Look each few seconds."""
    raise NotImplementedError
