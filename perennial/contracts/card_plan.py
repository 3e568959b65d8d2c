"""What a model's owners say in its card, since no measurement can say it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from perennial.contracts.spec_part import SpecPart

Sentence = Annotated[str, Field(min_length=1, max_length=500)]


class CardPlan(SpecPart):
    """The owners' words in the card of each version that this spec makes."""

    intended_use: str = Field(
        default="", max_length=2_000, description="what it is for, and who uses it for that"
    )
    limits: tuple[Sentence, ...] = Field(
        default=(),
        max_length=20,
        description="what it must not be used for, a sentence each",
    )
    contact: str = Field(
        default="", max_length=200, description="whom to ask; without it, the owners"
    )
