"""Whether a version came out again, and which of its inputs are not what they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from perennial.contracts.base import Metrics
from perennial.contracts.reproduction import Changed, MetricAgain, Reproduced, WeightsCompared
from perennial.contracts.training import CodeIdentity, Installed, TrainedModel

_DIGITS = 12
_UNKNOWN = "unknown"


def changed(then: CodeIdentity, now: CodeIdentity) -> tuple[Changed, ...]:
    """The inputs of two trainings on the same rows with the same plan that are not the same.

    What is unknown of either, as of a version that was made before it was kept, is not counted as
    changed: there is nothing to hold against it.
    """
    return tuple(_changes(then, now))


def _changes(then: CodeIdentity, now: CodeIdentity) -> Iterator[Changed]:
    if then.source_digest != now.source_digest:
        yield Changed(what="the project's code", then=_code(then), now=_code(now))
    yield from _digest("the platform's code", then.platform_digest, now.platform_digest)
    yield from _digest("the environment's lock", then.lock_digest, now.lock_digest)
    if then.installed is not None and now.installed is not None:
        yield from _installed(then.installed, now.installed)


def _installed(then: Installed, now: Installed) -> Iterator[Changed]:
    pairs = [("Python", then.python, now.python), ("the machine", then.machine, now.machine)]
    for name in sorted(then.libraries.keys() | now.libraries.keys()):
        absent = "not installed"
        pairs.append((name, then.libraries.get(name, absent), now.libraries.get(name, absent)))
    found = [Changed(what=what, then=was, now=is_) for what, was, is_ in pairs if was != is_]
    yield from found
    # the digest has every package; of the machine it says nothing
    if not any(change.what in then.libraries | now.libraries for change in found):
        yield from _digest("packages that do not compute", then.digest, now.digest)


def _digest(what: str, then: str | None, now: str | None) -> Iterator[Changed]:
    if then is not None and now is not None and then != now:
        yield Changed(what=what, then=then[:_DIGITS], now=now[:_DIGITS])


def _code(code: CodeIdentity) -> str:
    """Its digest, and the commit to check out in order to have it again."""
    where = ""
    if code.git_commit is not None:
        where = f" (commit {code.git_commit[:_DIGITS]}{' with changes' if code.dirty else ''})"
    return code.source_digest[:_DIGITS] + where


def judged(
    version: int,
    then: TrainedModel,
    now: TrainedModel,
    metrics_then: Metrics,
    metrics_now: Metrics,
    weights: WeightsCompared,
    tolerance: float,
) -> Reproduced:
    """Whether a version came out again.

    Args:
        version: its number.
        then: the version's training.
        now: the same training, done again.
        metrics_then: as they were recorded.
        metrics_now: on the same held-out rows.
        weights: of the two, compared.
        tolerance: as `Reproduce.tolerance`.
    """
    others = list(changed(then.code, now.code))
    if then.device != now.device:
        others.append(Changed(what="the device", then=then.device, now=now.device))
    metrics = tuple(
        _again(name, value, metrics_now.get(name), tolerance)
        for name, value in metrics_then.items()
    )
    off = [metric for metric in metrics if not metric.within]
    same = not off and (weights.identical or tolerance > 0)
    verdict: Literal["reproduced", "differs"] = "reproduced" if same else "differs"
    said = _reached(metrics, weights, tolerance) if same else _missed(off, weights, tolerance)
    return Reproduced(
        verdict=verdict,
        reason=f"version {version} {said}; {_because(others, same, weights.identical)}",
        tolerance=tolerance,
        weights=weights,
        metrics=metrics,
        changed=tuple(others),
        trained=now.weights,
    )


def _again(name: str, then: float, now: float | None, tolerance: float) -> MetricAgain:
    within = now is not None and abs(now - then) <= tolerance * max(1.0, abs(then))
    return MetricAgain(name=name, then=then, now=now, within=within)


def _reached(metrics: Sequence[MetricAgain], weights: WeightsCompared, tolerance: float) -> str:
    if weights.identical:
        return f"came out again with the same weights to the last bit, and {len(metrics)} metrics"
    return f"came out again: {len(metrics)} metrics within {tolerance:g}{_apart(weights)}"


def _missed(off: Sequence[MetricAgain], weights: WeightsCompared, tolerance: float) -> str:
    if not off:
        return f"did not come out again to the last bit{_apart(weights)}"
    told = ", ".join(
        f"{metric.name} is "
        + ("not measured" if metric.now is None else f"{metric.now:.6g}")
        + f" instead of {metric.then:.6g}"
        for metric in off
    )
    return f"did not come out again within {tolerance:g}: {told}{_apart(weights)}"


def _apart(weights: WeightsCompared) -> str:
    if weights.identical:
        return ", although the weights are the same"
    if weights.max_abs_diff is None:
        return ""
    return f", no weight further off than {weights.max_abs_diff:.1e}"


def _because(others: Sequence[Changed], same: bool, identical: bool) -> str:
    if not others:
        if same or identical:
            return "every input is as it was"
        return (
            "every input is as it was, so something in the training does not follow from its seed: "
            "random numbers of a library's own, threads that add in no fixed order, or the source"
        )
    return "changed since: " + ", ".join(str(change) for change in others)
