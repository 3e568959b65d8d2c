"""How good a version is, how sure that is, and what its figures look like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perennial.card.blocks import Block, Drawn, Heading, Listed, Rows, Said
from perennial.card.known import Known
from perennial.card.words import day, figure, meaning, plain, result, sure
from perennial.contracts.examined import Calibration
from perennial.picture.plots import Scale, Trace, around, plot

_FEW = 10
"""Rows below which a share of them says nothing."""


def quality(known: Known) -> Iterator[Block]:
    """Sentences first, then the figures, then the plots."""
    evidence, primary = known.record.evidence, known.primary
    examined, metrics = evidence.examined, evidence.metrics
    intervals = examined.intervals if examined else {}
    confidence = examined.confidence if examined else 0.95
    yield Heading("How good it is, and how sure that is")
    if primary in metrics:
        told = f"What counts for it is {plain(primary)}. {result(primary, metrics[primary])} "
        yield Said(told + sure(intervals.get(primary), confidence))
    yield from _beside(known)
    yield Rows(
        ("figure", "value", f"between ({confidence:.0%})", "what it says"),
        [
            (
                plain(name),
                figure(value),
                f"{figure(between.low)} to {figure(between.high)}"
                if (between := intervals.get(name))
                else "not measured",
                meaning(name),
            )
            for name, value in metrics.items()
        ],
        numbers=(1,),
    )
    yield Said(f"Measured on {evidence.test_rows:,} rows on {day(evidence.produced_at)}.", True)
    curves = (known.details or {}).get("curves") or {}
    yield from _curves(curves, binary=known.spec.task == "binary")
    if examined and examined.calibration and examined.calibration.bins:
        yield from _calibration(examined.calibration, binary=known.spec.task == "binary")
    yield from _residuals(curves.get("residuals") or ())
    yield from _confused(curves.get("confused") or ())


def _beside(known: Known) -> Iterator[Block]:
    """Champions on the very same rows."""
    evidence, primary = known.record.evidence, known.primary
    paired = evidence.examined.paired if evidence.examined else {}
    told = []
    for version, metrics in sorted(evidence.champions.items()):
        if primary not in metrics:
            continue
        sentence = f"Version {version}, a champion of then, has {figure(metrics[primary])}"
        if each := paired.get(version):
            word = "better" if each.difference >= 0 else "worse"
            sentence += (
                f": this one is {word} by {figure(abs(each.difference))}, and is the better one "
                f"with a probability of {each.probability_better:.0%}"
            )
        told.append(f"{sentence}.")
    if told:
        yield Said("On the very same rows:")
        yield Listed(told)


def _curves(curves: dict[str, Any], *, binary: bool) -> Iterator[Block]:
    roc, pr = curves.get("roc"), curves.get("pr")
    each = "" if binary else "Each row is asked about once for each class: is it this one? "
    if roc:
        svg = plot(
            "False alarms and what is found",
            Scale("false alarms: share of the others", 0, 1, percent=True),
            Scale("found: share of those that are so", 0, 1, percent=True),
            [Trace("this version", "l1", _pairs(roc))],
            ideal=((0, 0), (1, 1)),
        )
        yield Drawn(
            "What it finds, and false alarms",
            svg,
            f"{each}Wherever one draws the line above which it says yes, it finds some of what is "
            f"so and raises some false alarms. {_at(roc)} Guessing is the dashed line; the further "
            f"the curve is above it, the better (ROC curve).",
        )
    if pr:
        base = float(curves["positives"])
        svg = plot(
            "How much is found and how often that is right",
            Scale("found: share of those that are so", 0, 1, percent=True),
            Scale("right: share of what it calls so", 0, 1, percent=True),
            [Trace("this version", "l1", _pairs(pr))],
            ideal=((0, base), (1, base)),
        )
        yield Drawn(
            "What it finds, and how often it is right",
            svg,
            f"{each}The more it is to find, the less often it is right. {base:.0%} of the rows are "
            f"so, which is how often guessing is right: the dashed line (precision-recall curve).",
        )


def _at(roc: list[list[float]]) -> str:
    """What is found at the price of one false alarm in ten."""
    found = max(y for x, y in roc if x <= 0.1)
    return f"With false alarms in at most 10 of 100 cases it finds {100 * found:.0f} of 100."


def _calibration(calibration: Calibration, *, binary: bool) -> Iterator[Block]:
    enough = [each for each in calibration.bins if each.rows >= _FEW] or calibration.bins
    points = [(each.expected, each.observed) for each in enough]
    said = "probability that it says" + ("" if binary else ", of the likeliest class")
    svg = plot(
        "Whether its probabilities are true",
        Scale(said, 0, 1, percent=True),
        Scale("how often it was so", 0, 1, percent=True),
        [Trace("this version", "l1", points, dots=True)],
        ideal=((0, 0), (1, 1)),
    )
    few = sum(each.rows for each in calibration.bins) - sum(each.rows for each in enough)
    left = f" {few} rows in parts with fewer than {_FEW} are not drawn." if few else ""
    largest = max(calibration.bins, key=lambda each: (each.rows, -each.low))
    yield Drawn(
        "Whether its probabilities are true",
        svg,
        f"When it says {largest.expected:.0%} on average ({largest.rows:,} rows), it is so in "
        f"{100 * largest.observed:.0f} of 100 cases. On the dashed line every probability would be "
        f"true; below it, it claims too much. On average it is off by "
        f"{calibration.error:.1%}.{left}",
    )


def _residuals(parts: Any) -> Iterator[Block]:
    if not parts:
        return
    edges = [edge for each in parts for edge in (each["low"], each["high"], 0.0)]
    across = around("what it predicts", [each["predicted"] for each in parts])
    middles = [(each["predicted"], each["middle"]) for each in parts]
    svg = plot(
        "Errors by what is predicted",
        across,
        around("too high (above 0), too low (below)", edges),
        [Trace("half of the rows", "l1", middles, dots=True)],
        band=[(each["predicted"], each["low"], each["high"]) for each in parts],
        ideal=((across.low, 0), (across.high, 0)),
    )
    widest = max(parts, key=lambda each: each["high"] - each["low"])
    yield Drawn(
        "How far it is off",
        svg,
        f"Nine of ten rows lie in the shaded band. It is widest where it predicts about "
        f"{figure(widest['predicted'])}: there nine of ten are off by {figure(widest['low'])} to "
        f"{figure(widest['high'])}.",
    )
    ends = [value for each in parts for value in (each["predicted"], each["truth"])]
    both = around("", ends)
    svg = plot(
        "Predictions and what was true",
        Scale("what it predicts", both.low, both.high),
        Scale("what was true, on average", both.low, both.high),
        [Trace("this version", "l1", [(p["predicted"], p["truth"]) for p in parts], dots=True)],
        ideal=((both.low, both.low), (both.high, both.high)),
    )
    yield Drawn(
        "Whether its predictions are true on average",
        svg,
        "Rows with about the same prediction together. On the dashed line they are true on "
        "average; below it, it says too much.",
    )


def _confused(pairs: Any) -> Iterator[Block]:
    if pairs:
        yield Said("What it takes for something else, most often first:")
        yield Rows(
            ("it is", "it says", "rows", "of"),
            [(e["truth"], e["said"], f"{e['rows']:,}", f"{e['of']:,}") for e in pairs],
            numbers=(2, 3),
        )


def _pairs(points: list[list[float]]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points]
