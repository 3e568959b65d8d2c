"""What a model's workflow knows of the platform's pauses."""

from __future__ import annotations

from temporalio import workflow

from perennial.contracts import platform
from workflows.steps import options


class PlatformWatch:
    """Hears of pauses by signal, and looks for itself where it matters.

    Both bring the platform's epoch, so that neither a late signal nor a look that took long undoes
    what is newer. A pause is fenced by the records; a resumption is signalled until it has arrived.
    """

    def __init__(self) -> None:
        self._known = platform.Platform()

    @property
    def paused(self) -> bool:
        """Whether no run may start and none promote."""
        return self._known.paused

    def hear(self, now: platform.Platform) -> None:
        """Take what is newer."""
        if now.epoch > self._known.epoch:
            self._known = now

    async def look(self) -> None:
        """Read the records."""
        self.hear(
            await workflow.execute_local_activity(
                platform.read_platform,
                platform.ReadPlatform(),
                **options.record(),
                summary="is the platform paused?",
            )
        )

    def describe(self) -> str:
        """For the Temporal UI."""
        if not self.paused:
            return ""
        return f"\n\nthe platform is paused by {self._known.actor}: {self._known.reason}"
