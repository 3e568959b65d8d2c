"""What came of a cell."""

from __future__ import annotations

from dataclasses import dataclass

from infra.drill.plan import Cell


@dataclass(frozen=True)
class Result:
    """A cell that was tried.

    Attributes:
        cell: what was killed, and when.
        seconds: from the kill to the end of the run, or of what follows for a watched champion.
        differences: to a life undisturbed, in words.
    """

    cell: Cell
    seconds: float
    differences: tuple[str, ...] = ()

    @property
    def green(self) -> bool:
        """Whether the life came to the same end."""
        return not self.differences
