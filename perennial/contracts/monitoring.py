"""A champion that is watched: its windows, what was found in each, and what was done about it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from temporalio import activity

from perennial.contracts.analysis import Verdict
from perennial.contracts.base import BlobRef, Contract, Metrics, Utc
from perennial.contracts.beside_rows import Multivariate, SegmentVerdict
from perennial.contracts.causes import AnswersMoved, Upstream
from perennial.contracts.concept import ConceptDrift
from perennial.contracts.drift import EarlierWindow, JudgedWindow, WindowVerdict
from perennial.contracts.estimates import EstimatedQuality
from perennial.contracts.monitoring_plan import MonitoringPlan, QualityPlan, RetrainPlan
from perennial.contracts.records import Done
from perennial.contracts.spec_part import Environment

MONITOR_WORKFLOW = "Monitor"
ACTOR = "monitor"
"""Who wishes and rolls back by what windows show, and tells people of it with the window."""
LOOK_AGAIN = "look_again"
"""Signal: the champion, the spec or the labels are others than they were."""

Action = Literal["ignore", "alert", "retrain", "roll_back", "stop_serving"]
"""What a policy has done about a window."""


class MonitorState(Contract):
    """All that a monitor carries through continue-as-new.

    Attributes:
        next_start: of the window that is judged next; None before the first.
        newest: hour of the log, as far as it has been looked at.
        epoch: of the champion that the windows below are of.
        first: start of its first window.
        drift: the newest windows as they were judged, oldest first.
        quality: the same by their labels.
        concept: the same by when errors became others.
        alerted: kinds of alerts that were raised and not closed.
        labels_away: since when the table of labels cannot be read; None where it can.
        log_away: the same of the log of requests.
    """

    model: str
    environment: Environment
    next_start: Utc | None = None
    newest: Utc | None = None
    epoch: int = 0
    first: Utc | None = None
    drift: tuple[JudgedWindow, ...] = ()
    quality: tuple[JudgedWindow, ...] = ()
    concept: tuple[JudgedWindow, ...] = ()
    alerted: tuple[str, ...] = ()
    labels_away: Utc | None = None
    log_away: Utc | None = None


class ReadMonitored(Contract):
    """Ask for all that a monitor needs to know of what it watches."""

    model: str
    environment: Environment


class Monitored(Contract):
    """What is watched, as it is now.

    Attributes:
        plan: None where nothing is to be watched: the spec has none for this environment, there is
            no champion, or the model is retired.
        retraining: None where the model is not trained again by itself.
        version: the champion.
        epoch: its epoch.
        since: when it became champion.
        run_id: that made the version.
        back_to: the champion before it, if there was one.
        guard_seconds: how long after its promotion it is rolled back rather than trained again.
        reference: whylogs profile of the rows that it was trained on.
        snapshot: the rows themselves as Parquet, for segments and for the domain classifier.
        answers: whylogs profile of what it answered to the held-out rows; None of old versions.
        promised: its metrics at promotion.
        judged_until: end of the newest window that was judged, whatever champion it was of.
        onnx: the file that answers.
        inputs: names of the columns that it is asked with; empty: those that the file names.
        rolling: the champion's newest windows, oldest first, which are the reference where the plan
            says so; else empty.
        now: what it answers from; without the policy, which is not asked yet, and the traffic.
        before: the same of the newest window that was judged, of whichever champion.
    """

    model: str
    environment: Environment
    plan: MonitoringPlan | None = None
    retraining: RetrainPlan | None = None
    risk_tier: str = "medium"
    task: str = "binary"
    project: str = ""
    primary: str = ""
    goal: Literal["maximize", "minimize"] = "maximize"
    version: int = 0
    epoch: int = 0
    since: Utc | None = None
    run_id: str = ""
    back_to: int | None = None
    guard_seconds: float = 0.0
    reference: BlobRef | None = None
    snapshot: BlobRef | None = None
    answers: BlobRef | None = None
    promised: Metrics = Field(default_factory=dict)
    judged_until: Utc | None = None
    onnx: BlobRef | None = None
    inputs: tuple[str, ...] = ()
    rolling: tuple[EarlierWindow, ...] = ()
    now: Upstream = Upstream()
    before: Upstream | None = None


class JudgeWindow(Contract):
    """Profile a window of the champion's requests, and compare it with the reference.

    Attributes:
        version: the champion; what others answered is counted in `traffic` alone.
        start: of the window, by the time of its events.
        end: of it; not in it itself.
    """

    model: str
    environment: Environment
    version: int
    start: Utc
    end: Utc
    monitored: Monitored


class WindowJudged(Contract):
    """What a window shows.

    Attributes:
        rows: that the champion answered.
        failed: rows of them that got no answer.
        traffic: rows by version, of all variants.
        drift: beside the reference.
        beside: what columns and answers were compared with, in words.
        beside_rows: what segments and the domain classifier were compared with, in words.
        profile: whylogs profile of the champion's requests and answers; None where there are none.
        details: JSON of the `WindowDrift`, with every column's bins.
        segments: the same by the plan's segments, those that moved most first, 20 at most.
        multivariate: None where the reference's rows are not at hand.
        estimated: quality that is to be expected before labels come; of calibrated classifiers.
        answers: what each column changes in the answers; of windows that fail.
        seconds: that judging took.
        broken: which file of the log is none, and what to do; empty where all can be read.
    """

    rows: int
    failed: int = 0
    traffic: dict[int, int] = Field(default_factory=dict)
    drift: WindowVerdict
    beside: str = ""
    beside_rows: str = ""
    profile: BlobRef | None = None
    details: BlobRef | None = None
    segments: tuple[SegmentVerdict, ...] = ()
    multivariate: Multivariate | None = None
    estimated: EstimatedQuality | None = None
    answers: AnswersMoved | None = None
    seconds: float = 0.0
    broken: str = ""


class JoinLabels(Contract):
    """Find the requests that labels are of.

    Attributes:
        window_seconds: length of a window; windows begin at whole multiples of it, as
            `perennial.windows` says.
        until: the newest window that was judged ends here.
        within: how long before that requests are looked for.
    """

    model: str
    environment: Environment
    window_seconds: float
    until: Utc
    within_seconds: float


class LabelsJoined(Contract):
    """What became of labels.

    Attributes:
        windows: starts of those that have labels which they were not measured with, oldest first.
            Each is told again and again until `judge_quality` has measured it, for whatever
            version: so nothing is lost where a process dies in between.
        joined: labels that found their request.
        waiting: labels whose request is not in the log, or not yet.
        broken: as of a window.
    """

    windows: tuple[Utc, ...] = ()
    joined: int = 0
    waiting: int = 0
    broken: str = ""


class JudgeQuality(Contract):
    """Measure a window's answers by the labels that there are by now."""

    model: str
    environment: Environment
    version: int
    start: Utc
    end: Utc
    monitored: Monitored
    plan: QualityPlan


class GroupQuality(Contract):
    """The rows that have one value of a column."""

    group: str
    rows: int
    metrics: Metrics = Field(default_factory=dict)


class QualityJudged(Contract):
    """What labels say of a window.

    Attributes:
        rows: that the champion answered.
        labelled: rows of them that have a label.
        metrics: the evidence's metrics on the labelled rows; empty where nothing is judged.
        promised: the same at promotion.
        deviation: of the primary metric, from the rows' chance alone.
        groups: by the plan's columns.
        concept: when, up to the window's end, the champion's errors became others; none below
            the floors.
        verdict: `no_data` below the plan's floors.
        excess: how many times the alert limit the worst metric is, chance taken off.
    """

    rows: int
    labelled: int
    metrics: Metrics = Field(default_factory=dict)
    promised: Metrics = Field(default_factory=dict)
    deviation: float | None = None
    groups: tuple[GroupQuality, ...] = ()
    concept: ConceptDrift | None = None
    verdict: Verdict
    reason: str
    excess: float = Field(default=0.0, ge=0)


class RecordWindow(Contract):
    """Keep what a window showed; one that is judged again keeps what it showed first."""

    effect: str
    model: str
    environment: Environment
    version: int
    start: Utc
    end: Utc
    judged: WindowJudged
    at: Utc


class RecordQuality(Contract):
    """Keep what labels say of a window; the newest word counts."""

    effect: str
    model: str
    environment: Environment
    version: int
    start: Utc
    end: Utc
    judged: QualityJudged
    at: Utc


class RecordAction(Contract):
    """Keep what was done about a window.

    Attributes:
        followed: a sentence for people: what came of the action.
    """

    effect: str
    model: str
    environment: Environment
    version: int
    start: Utc
    action: Action
    decision_id: str
    followed: str
    at: Utc


class KeepMonitors(Contract):
    """See that whatever is to be watched is watched, and knows of its labels."""


class MonitorsKept(Contract):
    """What was seen to.

    Attributes:
        wanted: environments that are to be watched.
        started: ids of monitors that were not there.
        woken: ids of those that were told of labels.
    """

    wanted: int = 0
    started: tuple[str, ...] = ()
    woken: tuple[str, ...] = ()


class ReadMeasured(Contract):
    """Ask which versions answered in windows that labels have come for."""

    model: str
    environment: Environment
    starts: tuple[Utc, ...]


class MeasuredWindow(Contract):
    """A window as it was judged, and what was promised of its version."""

    start: Utc
    end: Utc
    version: int
    promised: Metrics = Field(default_factory=dict)


class MeasuredWindows(Contract):
    """Oldest first; none of those that were not judged."""

    windows: tuple[MeasuredWindow, ...] = ()


class AwaitEvents(Contract):
    """Wait until the log has requests of an hour that begins at `due` or later; else of any."""

    model: str
    environment: Environment
    due: Utc | None = None


class EventsSeen(Contract):
    """How far the log of requests is.

    Attributes:
        oldest: hour in it; None where it is empty.
        newest: hour up to which all is there that was answered before it was seen.
        labels: that wait to be joined.
    """

    oldest: Utc | None = None
    newest: Utc | None = None
    labels: int = 0


@activity.defn(name="read_monitored")
async def read_monitored(input: ReadMonitored) -> Monitored:
    """What is watched, as it is now. Raises NotFound."""
    raise NotImplementedError


@activity.defn(name="keep_monitors")
async def keep_monitors(input: KeepMonitors) -> MonitorsKept:
    """Start the monitors that are not there: somebody ended them, or they failed. Tell those that
    sleep until their window is over of the labels that have come."""
    raise NotImplementedError


@activity.defn(name="read_measured")
async def read_measured(input: ReadMeasured) -> MeasuredWindows:
    """Windows that were judged, by their starts."""
    raise NotImplementedError


@activity.defn(name="judge_window")
async def judge_window(input: JudgeWindow) -> WindowJudged:
    """Raises Unavailable where the log cannot be read."""
    raise NotImplementedError


@activity.defn(name="join_labels")
async def join_labels(input: JoinLabels) -> LabelsJoined:
    """Each label finds its request once, however often it is looked for."""
    raise NotImplementedError


@activity.defn(name="judge_quality")
async def judge_quality(input: JudgeQuality) -> QualityJudged:
    """Raises Unavailable where the log cannot be read, ProjectInvalid."""
    raise NotImplementedError


@activity.defn(name="await_events")
async def await_events(input: AwaitEvents) -> EventsSeen:
    """Look every few seconds."""
    raise NotImplementedError


@activity.defn(name="count_waiting_labels")
async def count_waiting_labels(input: ReadMonitored) -> EventsSeen:
    """Labels that there is something to do about: those whose request is to be looked for (again),
    and those that windows in the records were not measured with. The log is not looked at."""
    raise NotImplementedError


@activity.defn(name="record_window")
async def record_window(input: RecordWindow) -> Done:
    """Keep a window."""
    raise NotImplementedError


@activity.defn(name="record_quality")
async def record_quality(input: RecordQuality) -> Done:
    """Keep a window's quality."""
    raise NotImplementedError


@activity.defn(name="record_action")
async def record_action(input: RecordAction) -> Done:
    """Keep what was done."""
    raise NotImplementedError
