"""From counts to a verdict, and to a sentence that carries its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from perennial.analysis.drifting import distance
from perennial.contracts.analysis import (
    Assessment,
    Comparison,
    Drift,
    Guardrail,
    Lone,
    Split,
    Verdict,
)

_WORST_FIRST: tuple[Verdict, ...] = ("fail", "error", "no_data", "inconclusive", "pass")


def assess(guardrail: Guardrail, comparison: Comparison, alpha: float) -> Assessment:
    """What one guardrail says of all that was counted so far.

    Args:
        guardrail: what is not to be.
        comparison: every window, in order.
        alpha: how often a challenger that is no worse may fail, over all looks.

    Returns:
        `fail` where it is certain enough that the challenger is worse, by more than is allowed;
        `pass` where both sides have answered enough requests and the challenger is not worse by
        more than is allowed; `no_data` where one side has answered none; else `inconclusive`.
    """
    control, challenger = comparison.control, comparison.challenger
    if not control.requests or not challenger.requests:
        missing = "the challenger" if control.requests else "the control"
        return _say("no_data", f"{guardrail.name}: {missing} has answered no request")
    worse = challenger.share - control.share
    told = (
        f"{guardrail.name}: {_percent(challenger.share)} of {challenger.requests:,} requests, "
        f"{_percent(control.share)} of {control.requests:,} of the control"
    )
    allowed = f"{_percent(guardrail.allowed)} more is allowed"
    if comparison.most >= -math.log(alpha) and worse > guardrail.allowed:
        against, enough = _odds(comparison.most), _odds(-math.log(alpha))
        return _say("fail", f"{told}; {allowed}; {against} that it is worse, {enough} is enough")
    if min(control.requests, challenger.requests) < guardrail.requests:
        return _say("inconclusive", f"{told}; {guardrail.requests:,} of each are needed")
    if worse > guardrail.allowed:
        return _say("inconclusive", f"{told}; {allowed}, and it is not certain yet")
    return _say("pass", f"{told}; {allowed}")


def assess_drift(drift: Drift, allowed: float, requests: int, alpha: float) -> Assessment:
    """Whether the challenger answers otherwise than the control, by more than is allowed.

    Args:
        drift: every window, in order.
        allowed: share of answers that may be others, from 0 to 1.
        requests: of each side before it may pass.
        alpha: how often a challenger that answers alike may fail, over all looks.
    """
    sizes = sum(drift.control), sum(drift.challenger)
    if not all(sizes):
        missing = "the challenger" if sizes[0] else "the control"
        return _say("no_data", f"answers: {missing} has given none")
    differ = distance(drift)
    told = (
        f"answers: {_percent(differ)} differ between {sizes[1]:,} of the challenger and "
        f"{sizes[0]:,} of the control"
    )
    limit = f"{_percent(allowed)} is allowed"
    if drift.most >= -math.log(alpha) and differ > allowed:
        against, enough = _odds(drift.most), _odds(-math.log(alpha))
        return _say("fail", f"{told}; {limit}; {against} that they do, {enough} is enough")
    if min(sizes) < requests:
        return _say("inconclusive", f"{told}; {requests:,} of each are needed")
    if differ > allowed:
        return _say("inconclusive", f"{told}; {limit}, and it is not certain yet")
    return _say("pass", f"{told}; {limit}")


def assess_disagreement(lone: Lone, allowed: float, requests: int, alpha: float) -> Assessment:
    """Whether a challenger answers copies otherwise than the champion answered them.

    Args:
        lone: every window of `perennial.analysis.guarding`, in order.
        allowed: share of rows that may be answered otherwise, from 0 to 1.
        requests: rows before it may pass.
        alpha: how often a challenger within its bound may fail, over all looks.
    """
    counted = lone.counted
    if not counted.requests:
        return _say("no_data", "disagreement: no copy has been answered by both")
    told = (
        f"disagreement: {_percent(counted.share)} of {counted.requests:,} rows were answered "
        f"otherwise than by the champion; {_percent(allowed)} is allowed"
    )
    if counted.share > allowed:
        if lone.most < -math.log(alpha):
            return _say("inconclusive", f"{told}, and it is not certain yet")
        against, enough = _odds(lone.most), _odds(-math.log(alpha))
        return _say("fail", f"{told}; {against} that it is more, {enough} is enough")
    if counted.requests < requests:
        return _say("inconclusive", f"{told}; {requests:,} rows are needed")
    return _say("pass", told)


def assess_split(
    split: Split, weights: Sequence[float], alpha: float, what: str = "requests"
) -> Assessment:
    """Whether requests were divided as meant; `error` where they were not.

    Args:
        split: every window with these weights.
        weights: of each variant, with sum 1.
        alpha: how often a division that is as meant may be called off, over all looks.
        what: was divided.
    """
    total = sum(split.counts)
    if not total:
        return _say("no_data", "no request was answered")
    parts = zip(split.counts, weights, strict=True)
    told = ", ".join(f"{_percent(count / total)} for {_percent(weight)}" for count, weight in parts)
    if split.most >= -math.log(alpha):
        return _say(
            "error",
            f"{total:,} {what} were divided {told}: {_odds(split.most)} that this is no chance; "
            f"something loses or repeats requests of one variant",
        )
    return _say("pass", f"{total:,} {what} were divided {told}")


def worst(assessments: Sequence[Assessment]) -> Assessment:
    """All of them as one: the worst verdict, with every sentence that says so.

    No assessment at all is `no_data`: nothing was judged.
    """
    if not assessments:
        return _say("no_data", "nothing was judged")
    found = {assessment.verdict for assessment in assessments}
    verdict = next(verdict for verdict in _WORST_FIRST if verdict in found)
    reasons = [each.reason for each in assessments if each.verdict == verdict]
    return _say(verdict, "; ".join(reasons))


def _say(verdict: Verdict, reason: str) -> Assessment:
    return Assessment(verdict=verdict, reason=reason)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _odds(logarithm: float) -> str:
    """Evidence as odds to 1; what is beyond a million needs no more digits."""
    return (
        f"{math.exp(logarithm):,.0f} to 1" if logarithm < math.log(1e6) else "over a million to 1"
    )
