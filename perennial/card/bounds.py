"""What a version had to show before it was let in, beside what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perennial.card.blocks import Block, Heading, Rows, Said
from perennial.card.known import Known
from perennial.card.words import day, exact, plain, strain
from perennial.contracts.evidence_plan import Rule
from perennial.contracts.examined import Examined, Groups, Interval

_OTHERWISE = {"enforce": "refused", "warn": "a warning", "dry-run": "only noted"}
_FIGURES = {
    ("champion", "difference"): "how much better than the champion",
    ("champion", "probability_better"): "how probably it is better than the champion",
    ("parity", "max_abs_diff"): "how far the file's answers are from the model's",
    ("parity", "flips"): "rows that the file puts into another class",
    ("opset", "version"): "version of the file's operators",
    ("latency", "p50_ms_1"): "milliseconds for a row, usually",
    ("latency", "p99_ms_1"): "milliseconds for a row, 99 times of 100",
    ("latency", "p50_ms_64"): "milliseconds for 64 rows, usually",
    ("latency", "p99_ms_64"): "milliseconds for 64 rows, 99 times of 100",
    ("latency", "rows_per_second"): "rows in a second",
    ("size", "megabytes"): "megabytes of the file",
    ("freshness", "age_days"): "days since it was measured",
    ("dependencies", "advisories"): "known vulnerabilities",
    ("calibration", "error"): "how far its probabilities are from the truth",
    ("calibration", "brier"): "brier score",
}
_NONE = "not measured"
Line = tuple[str, str, str, str, str]


def bounds(known: Known) -> Iterator[Block]:
    """Its owners' bounds, each with what was measured."""
    lines = [
        *_thresholds(known),
        *_beside(known),
        *(_line(known, rule) for rule in known.spec.evidence.rules),
    ]
    yield Heading("What it had to show")
    yield Said(
        "Before a version is let in anywhere, what was measured is held against the bounds that "
        "its owners have set. What is not measured is refused. The policy has rules of its own "
        "beside these, and the last word; what it said is further down."
    )
    if not lines:
        yield Said("Its owners have set no bounds.")
        return
    yield Rows(("what", "measured", "has to be", "for", "otherwise"), lines)


def _thresholds(known: Known) -> Iterator[Line]:
    evidence, plan = known.record.evidence, known.spec.evidence
    for each in known.spec.metrics.thresholds:
        yield (
            plain(each.metric),
            _figure(evidence.metrics.get(each.metric)) or _NONE,
            _within(each.min, each.max),
            _where(each.environments),
            _OTHERWISE[plan.modes.thresholds],
        )


def _beside(known: Known) -> Iterator[Line]:
    """No worse than the champion, which holds for every spec."""
    evidence, primary = known.record.evidence, known.primary
    mine, allowed = evidence.metrics.get(primary), known.spec.metrics.max_regression
    better = 1 if known.spec.metrics.goal == "maximize" else -1
    others = {
        version: better * (mine - metrics[primary])
        for version, metrics in sorted(evidence.champions.items())
        if mine is not None and primary in metrics
    }
    measured = [f"{exact(ahead)} (version {version})" for version, ahead in others.items()]
    yield (
        f"how much better {plain(primary)} is than the champion's",
        ", ".join(measured) or "there was no champion",
        _within(-allowed if allowed else 0.0, None),
        "everywhere",
        _OTHERWISE[known.spec.evidence.modes.champion],
    )


def _line(known: Known, rule: Rule) -> Line:
    measured = _measured(known, rule)
    return (
        _what(rule) + (", its whole interval" if rule.by == "interval" else ""),
        measured or _NONE,
        _within(rule.min, rule.max),
        _where(rule.environments),
        _OTHERWISE[rule.mode],
    )


def _what(rule: Rule) -> str:
    if rule.of == "slice":
        return f"{plain(rule.measure)} of each {rule.column}"
    if rule.of == "fairness":
        return f"{plain(rule.measure)} between the groups of {rule.column}"
    if rule.of == "robustness":
        return f"how much worse with {strain(rule.measure)}"
    return _FIGURES.get((rule.of, rule.measure), plain(rule.measure))


def _measured(known: Known, rule: Rule) -> str:
    """What the evidence has of it, in words; empty where it has nothing."""
    evidence = known.record.evidence
    examined, name, sure = evidence.examined, rule.measure, rule.by == "interval"
    if rule.of == "metric" and not sure:
        return _figure(evidence.metrics.get(name))
    if rule.of == "parity":
        return _figure(getattr(evidence.parity, name))
    if rule.of == "opset":
        return _figure(evidence.opset or None)
    if rule.of == "latency":
        return _figure(getattr(evidence.speed, name, None))
    if rule.of == "size":
        return _figure(evidence.megabytes)
    if rule.of == "freshness":
        return f"on {day(evidence.produced_at)}"
    if rule.of == "dependencies":
        return _figure(evidence.dependencies.advisories if evidence.dependencies else None)
    if examined is None:
        return ""
    if rule.of == "metric":
        return _interval(examined.intervals.get(name))
    if rule.of == "calibration":
        return _figure(getattr(examined.calibration, name, None))
    if rule.of == "robustness":
        strains = examined.robustness.strains if examined.robustness else {}
        return _figure(strains[name].drop if name in strains else None)
    if rule.of == "champion":
        return _beside_each(examined, name, sure)
    groups = examined.groups.get(rule.column)
    if groups is None:
        return ""
    if rule.of == "fairness":
        found = groups.intervals.get(name)
        return _interval(found) if sure else _figure(groups.fairness.get(name))
    return _of_groups(groups, name, sure)


def _beside_each(examined: Examined, name: str, sure: bool) -> str:
    told = []
    for version, each in sorted(examined.paired.items()):
        between = Interval(low=each.low, high=each.high)
        figure = _interval(between) if sure else exact(getattr(each, name))
        told.append(f"{figure} (version {version})")
    return ", ".join(told) or "there was no champion"


def _of_groups(groups: Groups, name: str, sure: bool) -> str:
    """The least and the most of the groups that are judged."""
    ends = []
    for group in groups.groups:
        if not group.judged:
            continue
        if sure and name in group.intervals:
            between = group.intervals[name]
            ends += [(between.low, group.value), (between.high, group.value)]
        elif not sure and name in group.metrics:
            ends.append((group.metrics[name], group.value))
    if not ends:
        return ""
    return " to ".join(f"{exact(v)} ({who or '(empty)'})" for v, who in (min(ends), max(ends)))


def _figure(value: float | None) -> str:
    return "" if value is None else exact(value)


def _interval(found: Interval | None) -> str:
    return f"{exact(found.low)} to {exact(found.high)}" if found else ""


def _within(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return exact(low) if low == high else f"{exact(low)} to {exact(high)}"
    return f"at least {exact(low)}" if low is not None else f"at most {exact(high or 0)}"


def _where(environments: Sequence[str]) -> str:
    return ", ".join(environments) or "everywhere"
