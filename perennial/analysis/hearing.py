"""What a window is judged by besides its columns and its answers, where its plan says so."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.analysis.assessing import worst
from perennial.contracts.analysis import Assessment
from perennial.contracts.beside_rows import Multivariate, SegmentVerdict
from perennial.contracts.drift import Heard, WindowVerdict

_SAID = 3


def heard(
    verdict: WindowVerdict,
    also: Sequence[Heard],
    segments: Sequence[SegmentVerdict],
    together: Multivariate | None,
) -> WindowVerdict:
    """A window's verdict with those of its parts, or of all its columns at once.

    Args:
        verdict: by its columns and predictions. One without data stays as it is.
        also: what else it is judged by.
        segments: of the window, those that moved most first.
        together: what the domain classifier says; None where it had no rows to compare with. An
            `error` is that they cannot be read, so that there are no segments either.
    """
    if verdict.verdict == "no_data":
        return verdict
    others, excess = [], verdict.excess
    if "segments" in also:
        for each in segments:
            excess = max(excess, each.verdict.excess)
            reason = f"{each.segment}: {each.verdict.reason}"
            others.append(Assessment(verdict=each.verdict.verdict, reason=reason))
    if also and together is not None and ("together" in also or together.verdict == "error"):
        others.append(Assessment(verdict=together.verdict, reason=together.reason))
    # what has too little data, or passes, changes nothing
    others = [each for each in others if each.verdict not in ("no_data", "pass")]
    if not others:
        return verdict
    every = [Assessment(verdict=verdict.verdict, reason=verdict.reason), *others]
    errors = [each for each in every if each.verdict == "error"]
    overall = worst(errors or every)
    said = [each.reason for each in every if each.verdict == overall.verdict]
    more = f"; {len(said) - _SAID} more" if len(said) > _SAID else ""
    return verdict.model_copy(
        update={
            "verdict": overall.verdict,
            "reason": "; ".join(said[:_SAID]) + more,
            "excess": excess,
        }
    )
