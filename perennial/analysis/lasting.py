"""Do windows go on saying the same? One window alone is often an accident."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.contracts.drift import JudgedWindow, Lasting, LastingPlan, Severity

_TWICE = 2.0


def last(windows: Sequence[JudgedWindow], plan: LastingPlan) -> Lasting:
    """What the newest windows say together: m of n, and the newest one among them.

    A window without data says nothing and takes nobody's place: a model that nobody asks at night
    is judged by its days. So hand over no window that is too old to matter.

    Args:
        windows: oldest first. Those of one start count once: the last one handed over.
        plan: how many have to agree.

    Returns:
        The verdict of the newest window, where it is `fail` or `error` and enough of the others say
        the same; `inconclusive` where too few do, or where the newest one is that itself; else
        `pass`, or `no_data` where the newest one has none.
    """
    once = {window.start: window for window in windows}
    if not once:
        return Lasting(
            verdict="no_data", severity="none", windows=0, of=0, reason="no window was judged"
        )
    newest = once[max(once)]
    judged = [once[at] for at in sorted(once) if once[at].verdict != "no_data"][-plan.of :]
    alike = sum(window.verdict == newest.verdict for window in judged)
    counted = f"{alike} of the last {len(judged)} windows"
    if newest.verdict == "no_data":
        told = "the newest window has too little data to say anything"
        return Lasting(verdict="no_data", severity="none", windows=0, of=len(judged), reason=told)
    verdict, severity = newest.verdict, _severity(newest, alike, plan)
    told = f"{counted} say {newest.verdict}"
    if newest.verdict in ("fail", "error"):
        told += f", {plan.windows} of {plan.of} are enough"
        if alike < plan.windows:
            verdict = "inconclusive"
    return Lasting(verdict=verdict, severity=severity, windows=alike, of=len(judged), reason=told)


def _severity(newest: JudgedWindow, alike: int, plan: LastingPlan) -> Severity:
    if newest.verdict == "pass":
        return "none"
    if newest.verdict == "inconclusive" or alike < plan.windows:
        return "low"
    return "critical" if newest.verdict == "fail" and newest.excess >= _TWICE else "high"
