"""What a replayed year has come to: by week, and altogether."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sklearn import metrics as sk

from benchmarks.results import Row, row
from perennial.documents import Run, Window
from perennial.trigger_documents import Trigger

_MONTH = timedelta(days=30)
_TARGET_SECONDS = 600.0


@dataclass(frozen=True)
class Week:
    """A window, with the quality of both on all of its flights that arrived.

    Attributes:
        window: as it was judged, read again at the end of the year: with all of its labels.
        versions: that answered in it.
        arrived: flights of it whose end is known.
        roc_auc: with the loop, and without.
        brier: the same.
    """

    window: Window
    versions: tuple[int, ...]
    arrived: int
    roc_auc: tuple[float, float]
    brier: tuple[float, float]

    @property
    def start(self) -> datetime:
        """Of the window."""
        return datetime.fromisoformat(self.window["start"])

    @property
    def end(self) -> datetime:
        """Of the window."""
        return datetime.fromisoformat(self.window["end"])


@dataclass(frozen=True)
class Outcome:
    """A year.

    Attributes:
        weeks: in order.
        roc_auc: over all flights that arrived, with the loop, and without.
        brier: the same.
        triggers: wishes to train it again, newest first.
        runs: that followed, by id.
        reigns: champions of production, newest first.
        most: retrains that the spec allows in any 30 days.
        labels: that were sent.
        failed: requests without an answer.
        difference: between the data plane and the same file offline, at most.
        seconds: that the replay took, from the first request on.
        share: of the year's flights.
    """

    weeks: Sequence[Week]
    roc_auc: tuple[float, float]
    brier: tuple[float, float]
    triggers: Sequence[Trigger]
    runs: dict[str, Run]
    rollbacks: int
    most: int
    labels: int
    failed: int
    difference: float
    seconds: float
    share: float

    @property
    def training_seconds(self) -> float:
        """Of all runs that followed a wish."""
        return sum(
            (_at(stage["finished_at"]) - _at(stage["started_at"])).total_seconds()
            for run in self.runs.values()
            for stage in run["stages"]
            if stage["stage"] == "train" and stage["started_at"] and stage["finished_at"]
        )


def quality(late: Sequence[int], likely: Sequence[float]) -> tuple[float, float]:
    """ROC AUC and the Brier score of some answers."""
    truth, found = np.array(late), np.array(likely)
    return float(sk.roc_auc_score(truth, found)), float(np.mean((found - truth) ** 2))


def rows(year: Outcome) -> list[Row]:
    """The figures of a year."""
    ended = [run["outcome"] for run in year.runs.values()]
    allowed = [_at(each["at"]) for each in year.triggers if each["decision"] == "allow"]
    in_a_month = max((sum(at - _MONTH < b <= at for b in allowed) for at in allowed), default=0)
    verdicts = [week.window["verdict"] for week in year.weeks]
    answered = sum(week.window["rows"] for week in year.weeks)
    named = "without the loop"
    return [
        row(
            "roc_auc of all flights that arrived, with the loop",
            year.roc_auc[0],
            "",
            peer=named,
            peer_value=year.roc_auc[1],
            target=1.0,
            at_least=True,
        ),
        row(
            "brier of all flights that arrived, with the loop",
            year.brier[0],
            "",
            peer=named,
            peer_value=year.brier[1],
            target=1.0,
        ),
        row("weeks judged", len(year.weeks), "weeks"),
        row("flights asked about", answered, "rows"),
        row("labels that came later", year.labels, "labels"),
        row("weeks whose drift fails", verdicts.count("fail"), "weeks"),
        row("retrains", len(year.runs), "runs"),
        row("retrains that were promoted", ended.count("promoted"), "runs"),
        row("retrains that the policy denied", ended.count("denied"), "runs"),
        row(
            "wishes that the limits held back",
            sum(each["decision"] != "allow" for each in year.triggers),
            "wishes",
        ),
        row("retrains in any 30 days, at most", in_a_month, "runs", target=year.most),
        row("training of all retrains", year.training_seconds, "s"),
        row("rollbacks", year.rollbacks, "times"),
        row("requests without an answer", year.failed, "requests", target=0),
        row(
            "first champion, data plane beside its file here, at most",
            year.difference,
            "",
            target=1e-5,
        ),
        row("replay", year.seconds, "s", target=_TARGET_SECONDS),
    ]


def _at(text: str | None) -> datetime:
    assert text is not None
    return datetime.fromisoformat(text)
