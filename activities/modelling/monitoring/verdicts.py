"""Verdicts of what could not be measured."""

from __future__ import annotations

from perennial.contracts.analysis import Assessment, Verdict
from perennial.contracts.drift import WindowVerdict


def without(verdict: Verdict, reason: str) -> WindowVerdict:
    """The verdict on a window, or a part of it, of which nothing was measured, and why."""
    columns = Assessment(verdict=verdict, reason=reason)
    return WindowVerdict(verdict=verdict, reason=reason, columns=columns)
