"""From what a window's drift measures to a verdict, and to what moved most."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.analysis.assessing import worst
from perennial.contracts.analysis import Assessment, Verdict
from perennial.contracts.drift import (
    Band,
    ColumnDrift,
    DriftLimits,
    Finding,
    Measure,
    Moved,
    WindowDrift,
    WindowVerdict,
)

_OF_VALUES: tuple[Measure, ...] = (
    "psi",
    "jensen_shannon",
    "ks",
    "total_variation",
    "out_of_range",
    "unknown",
)
_WORDS: dict[Measure, str] = {
    "psi": "PSI beyond chance",
    "jensen_shannon": "Jensen-Shannon distance",
    "ks": "KS",
    "total_variation": "total variation",
    "missing": "change of missing values",
    "out_of_range": "values out of range",
    "unknown": "unknown values beyond chance",
}
_SHARES: tuple[Measure, ...] = ("total_variation", "missing", "out_of_range", "unknown")
_SAID = 3


def judge(drift: WindowDrift, limits: DriftLimits) -> WindowVerdict:
    """What a window says by itself.

    The population stability index and the share of unknown values count with what they are beyond
    chance, so that neither few rows nor many names are taken for a change. A column whose known
    values are fewer than `limits.rows`, on one side, is judged by what is missing.

    Args:
        drift: of the window.
        limits: on each column, of requests and of answers alike.

    Returns:
        `no_data` where a side has too few rows or nothing could be compared; `error` where a column
        is not there or holds something else, whatever the others do: a person has to look, and no
        retraining helps; `fail` where a measure is beyond its alert limit; `inconclusive` where one
        is beyond its warn limit alone; else `pass`.
    """
    sizes = (
        f"{drift.rows:,} rows beside {drift.reference_rows:,} of the reference, "
        f"{limits.rows:,} of each are needed"
    )
    if min(drift.rows, drift.reference_rows) < limits.rows:
        nothing = Assessment(verdict="no_data", reason=sizes)
        return WindowVerdict(verdict="no_data", reason=sizes, columns=nothing)
    columns = _assess("columns", drift.columns, limits)
    predictions = _assess("predictions", drift.predictions, limits) if drift.predictions else None
    both = [columns] if predictions is None else [columns, predictions]
    overall = next((each for each in both if each.verdict == "error"), worst(both))
    findings = _findings([*drift.columns, *drift.predictions], limits)
    return WindowVerdict(
        verdict=overall.verdict,
        reason=overall.reason,
        columns=columns,
        predictions=predictions,
        findings=tuple(findings),
        moved=moved(drift, limits),
        excess=max((_excess(each, limits) for each in findings), default=0.0),
    )


def moved(drift: WindowDrift, limits: DriftLimits) -> tuple[Moved, ...]:
    """Which columns make up the change, the largest part first.

    The index is a sum of divergences, and those of independent columns add up to that of them
    together; where columns depend on each other the parts overlap.
    """
    found = {
        each.column: beyond
        for each in drift.columns
        if (beyond := _value(each, "psi", limits)) is not None and beyond > 0
    }
    total = sum(found.values())
    return tuple(
        Moved(column=column, psi=psi, share=psi / total)
        for column, psi in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    )


def _assess(what: str, drifts: Sequence[ColumnDrift], limits: DriftLimits) -> Assessment:
    broken = [f"{each.column}: {each.problem}" for each in drifts if each.problem]
    findings = _findings(drifts, limits)
    told = [_sentence(each) for each in findings]
    if broken:
        return Assessment(verdict="error", reason=_few(what, [*broken, *told]))
    if findings:
        failed = any(each.verdict == "fail" for each in findings)
        verdict: Verdict = "fail" if failed else "inconclusive"
        return Assessment(verdict=verdict, reason=_few(what, told))
    compared = sum(_comparable(each, limits) for each in drifts)
    if not compared:
        few = f"{what}: none of {len(drifts)} has {limits.rows:,} known values on both sides"
        return Assessment(verdict="no_data", reason=few)
    largest = max(0.0, *(_value(each, "psi", limits) or 0.0 for each in drifts))
    within = f"{what}: {compared} within their limits, the largest PSI beyond chance {largest:.3f}"
    return Assessment(verdict="pass", reason=within)


def _findings(drifts: Sequence[ColumnDrift], limits: DriftLimits) -> list[Finding]:
    found = []
    for each in drifts:
        if each.problem:
            continue
        for measure in (*_OF_VALUES, "missing"):
            band, value = _band(limits, measure), _value(each, measure, limits)
            if band is None or value is None or value <= band.warn:
                continue
            failed = value > band.alert
            found.append(
                Finding(
                    column=each.column,
                    measure=measure,
                    value=value,
                    limit=band.alert if failed else band.warn,
                    verdict="fail" if failed else "inconclusive",
                    values=each.new[:_SAID] if measure == "unknown" else (),
                )
            )
    return sorted(found, key=lambda each: (-_excess(each, limits), each.column))


def _value(drift: ColumnDrift, measure: Measure, limits: DriftLimits) -> float | None:
    if measure == "missing":
        return abs(drift.window.missing - drift.reference.missing)
    if not _comparable(drift, limits):
        return None
    value: float | None = getattr(drift, measure)
    if value is None:
        return None
    chance = {"psi": drift.chance, "unknown": drift.unknown_chance}.get(measure)
    return value - (chance or 0.0)


def _comparable(drift: ColumnDrift, limits: DriftLimits) -> bool:
    known = min(drift.reference.known, drift.window.known)
    return drift.psi is not None and known >= limits.rows


def _band(limits: DriftLimits, measure: Measure) -> Band | None:
    band: Band | None = getattr(limits, measure)
    return band


def _excess(finding: Finding, limits: DriftLimits) -> float:
    band = _band(limits, finding.measure)
    return finding.value / band.alert if band is not None else 0.0


def _sentence(finding: Finding) -> str:
    shown = "{:.1%}" if finding.measure in _SHARES else "{:.3f}"
    value, limit = shown.format(finding.value), shown.format(finding.limit)
    told = f"{finding.column}: {_WORDS[finding.measure]} {value}, {limit} is allowed"
    return f"{told} (such as {', '.join(finding.values)})" if finding.values else told


def _few(what: str, sentences: Sequence[str]) -> str:
    more = len(sentences) - _SAID
    told = "; ".join(sentences[:_SAID])
    return f"{what}: {told}" + (f"; {more} more" if more > 0 else "")
