"""For whom a version is worse, what it does not bear, and the file that answers."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.card.blocks import Block, Drawn, Heading, Listed, Rows, Said
from perennial.card.known import Known
from perennial.card.words import day, fairness, figure, listed, plain, strain
from perennial.contracts.advisories import DependencyCheck
from perennial.contracts.examined import Group, Groups, Interval
from perennial.picture.plots import Bar, Scale, bars

_SHUFFLED = 5
_NOTHING = 0.0005
"""A drop below it would be told as 0.000."""


def for_whom(known: Known) -> Iterator[Block]:
    """Groups of rows, worst and best."""
    examined = known.record.evidence.examined
    yield Heading("For whom it is worse")
    if not examined or not examined.groups:
        yield Said(
            "It was not measured by groups, so whether it is worse for some is not known. The "
            "spec's evidence.groups names the columns to measure it by."
        )
        return
    for column, groups in examined.groups.items():
        yield from _of_column(known, column, groups)


def disturbed(known: Known) -> Iterator[Block]:
    """What becomes of it when its input is not as it should be."""
    examined = known.record.evidence.examined
    robustness = examined.robustness if examined else None
    yield Heading("What it does not bear")
    if robustness is None:
        yield Said("How it does on rows that are not as they should be was not measured.")
        return
    primary = plain(known.primary)
    yield Said(
        f"{robustness.rows:,} of the rows were disturbed and asked again. Undisturbed, {primary} "
        f"of these is {figure(robustness.undisturbed)}."
    )
    told = []
    for name, each in robustness.strains.items():
        which = f" ({each.column})" if each.column else ""
        told.append(
            f"With {strain(name)}{which}: {primary} {figure(each.value)}, "
            + (f"worse by {figure(each.drop)}." if each.drop > _NOTHING else "no worse.")
        )
    yield Listed(told)
    shuffled = (known.details or {}).get("shuffled") or {}
    ranked = sorted(shuffled.items(), key=lambda item: (-item[1], item[0]))
    costly = [(name, drop) for name, drop in ranked if drop > _NOTHING][:_SHUFFLED]
    if len(costly) > 1:
        shown = [Bar(name, drop, f"worse by {figure(drop)}") for name, drop in costly]
        yield Drawn(
            "What it relies on most",
            bars("Columns by what mixing them up costs", Scale("", 0, costly[0][1]), shown),
            f"Each column's values were mixed up between the rows; the more {primary} becomes "
            f"worse by it, the more it relies on that column.",
            wide=True,
        )


def file(known: Known) -> Iterator[Block]:
    """The file that is served: whether it is what was trained, how large and how fast."""
    evidence = known.record.evidence
    parity = evidence.parity
    yield Heading("The file that answers")
    same = (
        f"It is asked as a file of its own, which was compared with what was trained on "
        f"{parity.rows:,} rows: the answers differ by {parity.max_abs_diff:.1e} at most "
        f"({parity.tolerance:.0e} is allowed)"
    )
    if parity.flips is not None:
        same += f", and {parity.flips:,} rows get another class"
    told = [f"{same}."]
    if parity.sorts:
        told.append(f"Those were rows of these sorts: {listed([e.sort for e in parity.sorts])}.")
    if evidence.megabytes is not None:
        size = evidence.megabytes
        told.append(f"It has {size:.1f} MB." if size >= 1 else f"It has {1000 * size:.0f} kB.")
    if speed := evidence.speed:
        told.append(
            f"It answers one row in {speed.p50_ms_1:.2g} ms, on the machine that wrote it and one "
            f"core of it."
        )
    if evidence.opset:
        told.append(f"It is written in version {evidence.opset} of ONNX's operators.")
    if small := evidence.int8:
        kept = "kept" if small.kept else "not kept"
        told.append(f"Weights of 8 bits were tried and {kept}: {small.reason}.")
    yield Said(" ".join(told))
    yield from _dependencies(evidence.dependencies)


def _dependencies(checked: DependencyCheck | None) -> Iterator[Block]:
    about = "Whether the packages that it was made with are known to be vulnerable was not checked"
    if checked is None or checked.advisories is None:
        yield Said(f"{about}: {checked.why}." if checked and checked.why else f"{about}.")
        return
    asked = f"{checked.source} was asked about the {checked.packages:,} packages it was made with"
    if not checked.vulnerable:
        yield Said(f"{asked}, and on {day(checked.checked_at)} knew of no vulnerability in them.")
        return
    yield Said(f"{asked}, and on {day(checked.checked_at)} knew of vulnerabilities in these:")
    yield Listed(
        [f"{e.package} {e.version}: {', '.join(e.advisories)}" for e in checked.vulnerable]
    )


def _of_column(known: Known, column: str, groups: Groups) -> Iterator[Block]:
    primary, maximize = known.primary, known.spec.metrics.goal == "maximize"
    judged = [each for each in groups.groups if each.judged and primary in each.metrics]
    ranked = sorted(judged, key=lambda each: each.metrics[primary], reverse=maximize)
    if len(ranked) > 1:
        best, worst = ranked[0], ranked[-1]
        yield Said(
            f"By {column}: it is worst for {_name(worst)} ({plain(primary)} "
            f"{figure(worst.metrics[primary])}, {worst.rows:,} rows) and best for {_name(best)} "
            f"({figure(best.metrics[primary])}, {best.rows:,} rows)."
        )
        yield from _chance(known, worst, best)
    else:
        yield Said(
            f"By {column}: fewer than two groups have the {groups.smallest:,} rows that it takes "
            f"to compare them, so nothing can be said."
        )
    if groups.note:
        yield Said(f"{groups.note[0].upper()}{groups.note[1:]}.")
    shown = [each for each in groups.groups if primary in each.metrics]
    if shown:
        yield _bars(known, column, shown)
    if groups.fairness:
        yield Rows(
            ("between the groups", "value", f"between ({_confidence(known):.0%})", "what it says"),
            [
                (plain(n), figure(v), _between(groups.intervals.get(n)), fairness(n))
                for n, v in groups.fairness.items()
            ],
            numbers=(1,),
        )


def _chance(known: Known, worst: Group, best: Group) -> Iterator[Block]:
    """Whether the difference between two groups may be one of the rows that were drawn."""
    low, high = (each.intervals.get(known.primary) for each in (worst, best))
    if low is None or high is None:
        return
    apart = low.high < high.low or high.high < low.low
    yield Said(
        f"With a confidence of {_confidence(known):.0%}, {_name(worst)} lies between "
        f"{_between(low, 'and')}, and {_name(best)} between {_between(high, 'and')}. "
        + (
            "The two are apart, so that chance alone hardly explains the difference."
            if apart
            else "The two overlap, so that the difference may be chance: more rows would tell."
        )
    )


def _confidence(known: Known) -> float:
    examined = known.record.evidence.examined
    return examined.confidence if examined else 0.95


def _between(interval: Interval | None, word: str = "to") -> str:
    if interval is None:
        return "not measured"
    return f"{figure(interval.low)} {word} {figure(interval.high)}"


def _bars(known: Known, column: str, shown: list[Group]) -> Drawn:
    primary = known.primary
    values = [each.metrics[primary] for each in shown]
    low = min(0.0, *values)
    whole = known.record.evidence.metrics.get(primary)
    ends = [*values, *([whole] if whole is not None else [])]
    high = 1.0 if known.spec.task != "regression" and max(ends) <= 1 else max(ends)
    found = [
        Bar(
            _name(each),
            each.metrics[primary],
            f"{figure(each.metrics[primary])}, {each.rows:,} rows"
            + ("" if each.judged else ", too few"),
            faint=not each.judged,
        )
        for each in shown
    ]
    svg = bars(f"{plain(primary)} by {column}", Scale("", low, high), found, mark=whole)
    across = "" if whole is None else f" The line across is all rows: {figure(whole)}."
    return Drawn(f"{plain(primary)} by {column}", svg, f"Largest group first.{across}", wide=True)


def _name(group: Group) -> str:
    return group.value or "(empty)"
