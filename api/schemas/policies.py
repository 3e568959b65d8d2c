"""Policies as wholes: tried on the champions, and put in force."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api.schemas.base import Answer, Ask, Reasoned
from api.schemas.runs import Flip, PolicyFiles

_EXAMPLE: JsonDict = {"perennial/promotion/promotion.rego": "package perennial.promotion\n..."}


class PolicyCheckRequest(Ask):
    """Ask again, under another policy, how the champions became champions."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"policy": _EXAMPLE}]})

    policy: PolicyFiles


class PolicyApplyRequest(Reasoned):
    """Put a policy in force."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"policy": _EXAMPLE, "reason": "two approvals from now"}]}
    )

    policy: PolicyFiles


class PolicyChecked(Answer):
    """What a policy says of the champions: each one's promotion is asked again."""

    policy_digest: str
    asked: int = Field(description="champions whose promotion was asked again")
    unasked: int = Field(description="champions that no decision of a policy put there")
    flipped: list[Flip] = Field(description="those that it would not have promoted")


class PolicyApplied(PolicyChecked):
    """A policy that is in force."""

    replaced: str = Field(description="digest of the one before it")
    wished: dict[str, str] = Field(
        default_factory=dict,
        description="what became of the wish to train a model again whose champion it denies",
    )
