"""Who is told of a model's alerts: channels by name, and who hears of it when nobody answers."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from perennial.contracts.spec_part import DurationText, SpecPart, at_most

Severity = Literal["low", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the least to the most severe."""

_UpToAYear = Annotated[DurationText, at_most(366, "a year at most")]
CHANNEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9@._+-]{0,99}$"
ChannelName = Annotated[
    str,
    Field(
        pattern=CHANNEL_NAME,
        description="the name of a channel that the platform has (PERENNIAL_CHANNELS); addresses "
        "and secrets are kept there and never in a spec",
        examples=["data-team"],
    ),
]


def rank(severity: str) -> int:
    """The place of a severity among all; the least severe has 0."""
    return [*map(str, SEVERITIES)].index(severity)


class AlertChannel(SpecPart):
    """A channel of the platform, and from which severity on it is told."""

    name: ChannelName
    min_severity: Severity = "low"


class AlertPlan(SpecPart):
    """Who is told of alerts, how often, and what happens when nobody acknowledges one."""

    channels: tuple[AlertChannel, ...] = Field(min_length=1)
    repeat: _UpToAYear = Field(
        default="24h",
        description="an alert that is raised again is sent again after this time, until somebody "
        "acknowledges it; one that was not raised for as long is over",
    )
    escalate_after: _UpToAYear | None = Field(
        default=None,
        description="when an alert that is not low and that nobody has acknowledged goes to others",
    )
    escalate_to: tuple[ChannelName, ...] = Field(
        default=(), description="channels; empty: those that are called as the model's owners"
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        names = [channel.name for channel in self.channels]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"alerts name the channel {twice[0]!r} twice")
        if self.escalate_to and self.escalate_after is None:
            raise ValueError("escalate_to needs escalate_after: when it is escalated")
        return self

    def channels_for(self, severity: str) -> tuple[str, ...]:
        """The channels that are told of an alert."""
        return tuple(
            channel.name
            for channel in self.channels
            if rank(severity) >= rank(channel.min_severity)
        )
