"""A window's rows beside what the champion learnt from: all that is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from activities.modelling.data.sketches import ProfileCorrupt, Sketch, read_merged, read_sketches
from activities.modelling.evidence.estimating import estimate
from activities.modelling.monitoring.drift import compare, is_answer
from activities.modelling.monitoring.multivariate import tell_apart
from activities.modelling.monitoring.reference_rows import ReferenceRows
from activities.modelling.monitoring.segments import Sides, judge_segments
from activities.modelling.monitoring.verdicts import without
from activities.modelling.requests.frames import PREDICTION, PROBABILITY
from perennial.analysis.judging import judge
from perennial.blobs import BlobCorrupt, BlobStore
from perennial.contracts.base import BlobRef
from perennial.contracts.beside_rows import Multivariate, SegmentVerdict
from perennial.contracts.drift import DriftLimits, WindowDrift, WindowVerdict
from perennial.contracts.estimates import EstimatedQuality
from perennial.contracts.monitoring import JudgeWindow, Monitored

_CALIBRATED = 0.1


@dataclass(frozen=True)
class Beside:
    """A window beside its reference.

    Attributes:
        verdict: that follows.
        words: what it was compared with.
        usual: the reference's columns, by name.
        drift: None where the reference cannot be read.
    """

    verdict: WindowVerdict
    words: str = ""
    usual: Mapping[str, Sketch] = field(default_factory=dict)
    drift: WindowDrift | None = None


def beside_reference(blobs: BlobStore, window: Mapping[str, Sketch], asked: Monitored) -> Beside:
    """Compare a window's columns with the champion's reference.

    A reference that is corrupt is a verdict, `error`, since a person has to look, and no trying
    again would help. Raises Unavailable where blobs cannot be read now.
    """
    if asked.plan is not None and asked.plan.reference == "rolling":
        return _beside_earlier(blobs, window, asked, asked.plan.reference_windows)
    words = f"the rows that version {asked.version} learnt from"
    if asked.reference is None:
        reason = f"no reference profile is kept of version {asked.version}: train a new version"
        return Beside(without("no_data", reason), words)
    try:
        usual = _sketches(blobs, asked.reference, "reference profile", asked)
        said = None
        if asked.answers is not None:
            said = _sketches(blobs, asked.answers, "profile of held-out answers", asked)
    except ProfileCorrupt as error:
        return Beside(without("error", str(error)), words)
    drift = compare(usual, window, asked.inputs, said)
    return Beside(judge(drift, _limits(asked)), words, usual, drift)


def _beside_earlier(
    blobs: BlobStore, window: Mapping[str, Sketch], asked: Monitored, least: int
) -> Beside:
    """Compare with the champion's own newest windows, their answers too."""
    earlier = asked.rolling
    if len(earlier) < least:
        reason = (
            f"{len(earlier)} of {least} windows of version {asked.version} with requests are there "
            f"to compare with; the first {least} are not judged"
        )
        return Beside(without("no_data", reason), f"{least} windows before it")
    words = (
        f"the {len(earlier)} windows before it from {earlier[0].start:%Y-%m-%d %H:%M} "
        f"to {earlier[-1].end:%Y-%m-%d %H:%M}"
    )
    wanted = {*asked.inputs, *(name for name in window if is_answer(name))}
    try:
        usual = read_merged((blobs.get_bytes(each.profile) for each in earlier), wanted)
    except (BlobCorrupt, ProfileCorrupt) as error:
        reason = (
            f"a profile of {words} is corrupt, so nothing can be compared with them: {error}; "
            f"`monitoring.reference: training` does without them"
        )
        return Beside(without("error", reason), words)
    drift = compare(usual, window, asked.inputs)
    return Beside(judge(drift, _limits(asked)), words, usual, drift)


def _sketches(blobs: BlobStore, ref: BlobRef, what: str, asked: Monitored) -> dict[str, Sketch]:
    try:
        return read_sketches(blobs.get_bytes(ref))
    except (BlobCorrupt, ProfileCorrupt) as error:
        raise ProfileCorrupt(
            f"the {what} of version {asked.version} of {asked.model} is corrupt, so nothing can be "
            f"compared with it: {error}"
        ) from error


def beside_rows(
    references: ReferenceRows, rows: pd.DataFrame, asked: JudgeWindow
) -> tuple[tuple[SegmentVerdict, ...], Multivariate | None]:
    """What needs rows of a reference, which are always the snapshot's: segments, and the domain
    classifier.

    Nothing where they are not at hand; a snapshot that is corrupt is an `error`.
    """
    monitored = asked.monitored
    plan, snapshot = monitored.plan, monitored.snapshot
    if snapshot is None:
        return (), None
    by = plan.segments if plan else ()
    try:
        reference = references.read(snapshot, {*monitored.inputs, *by})
    except BlobCorrupt as error:
        reason = f"domain classifier and segments: the snapshot cannot be read: {error}"
        return (), Multivariate(auc=0.5, verdict="error", reason=reason)
    limits, seed = _limits(monitored), int(asked.start.timestamp()) % 2**32
    whole = tell_apart(rows, reference, monitored.inputs, limits.rows, seed)
    sides = Sides(rows, reference, monitored.inputs)
    return judge_segments(sides, by, limits, seed), whole


def rows_in_words(asked: Monitored) -> str:
    """What segments and the domain classifier are compared with: rows, which a profile has none
    of, so that it is the snapshot's even where the reference is rolling."""
    return f"the rows that version {asked.version} learnt from" if asked.snapshot else ""


def estimated(rows: pd.DataFrame, monitored: Monitored) -> EstimatedQuality | None:
    """What is to be expected of a calibrated classifier's answers; None of other models.

    An estimate is off by about as much as the probabilities that it follows from: one whose
    held-out rows have shown them to be off by more than 0.1 has none.
    """
    names = [name for name in rows if str(name).startswith(PROBABILITY)]
    calibrated = monitored.promised.get("calibration_error", 0.0) <= _CALIBRATED
    return estimate(rows[names].to_numpy()) if len(names) > 1 and calibrated else None


def unanswered(rows: pd.DataFrame) -> int:
    """Rows that got no answer."""
    return int(rows[PREDICTION].isna().sum()) if PREDICTION in rows else len(rows)


def _limits(asked: Monitored) -> DriftLimits:
    return asked.plan.drift if asked.plan else DriftLimits()
