"""A model that was watched for sixteen weeks: a summer comes, and it is trained again."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from api.db.store import Store
from perennial.analysis.judging import judge
from perennial.blobs import BlobStore
from perennial.canonical import canonical, digest
from perennial.contracts import records
from perennial.contracts.analysis import Verdict
from perennial.contracts.beside_rows import Multivariate, SegmentVerdict
from perennial.contracts.causes import AnswersMoved, ColumnEffect, SegmentEffect
from perennial.contracts.concept import ConceptDrift
from perennial.contracts.drift import Bin, ColumnDrift, DriftLimits, Side, WindowDrift
from perennial.contracts.estimates import EstimatedQuality
from perennial.contracts.monitoring import (
    QualityJudged,
    RecordAction,
    RecordQuality,
    RecordWindow,
    WindowJudged,
)
from tests.samples import decision, move, record_trigger, spec
from tests.seeded import BAD

FIRST = datetime(2026, 3, 30, tzinfo=UTC)
WEEK = timedelta(days=7)
RETRAINED = 7
"""Windows that version 1 answered."""
_LIMITS = DriftLimits()


def watch(store: Store, blobs: BlobStore, weeks: int = 16) -> None:
    """Windows of versions 1 and 2 of the model that `seed` leaves."""
    watched = spec(
        request_log={},
        monitoring={"window": "7d", "segments": ["origin"]},
        retraining={},
        description="Will this flight arrive late?",
    )
    store.record_spec(records.RecordSpec(effect="w", spec=watched, actor="engineer", at=FIRST))
    for week in range(weeks):
        _window(store, blobs, week)
        if week < weeks - 2:
            _labels(store, week)
        _answer(store, week)
        if week == RETRAINED - 1:
            trained = record_trigger("t-summer", 0, at=FIRST + week * WEEK + WEEK)
            store.record_trigger(trained.model_copy(update={"run_id": BAD}))
            moved = FIRST + (week + 1) * WEEK
            store.move_champion(move(2, 1, run_id=BAD, at=moved, reason="drift: temp has moved"))


def _version(week: int) -> int:
    return 1 if week < RETRAINED else 2


def _warmth(week: int) -> float:
    """How far a summer is from what the version has learnt; version 2 knows May."""
    return max(0.0, week - (0 if week < RETRAINED else 5)) / 8


def _at(week: int) -> dict[str, Any]:
    start = FIRST + week * WEEK
    return {
        "model": "flights",
        "environment": "production",
        "version": _version(week),
        "start": start,
        "at": start + WEEK + timedelta(minutes=2),
    }


def _window(store: Store, blobs: BlobStore, week: int) -> None:
    drift, rows = _drift(week, 1.0, 6200 + 37 * week % 400), 6200 + 37 * week % 400
    verdict = judge(drift, _LIMITS)
    shares = {"EWR": 0.36, "JFK": 0.33 + 0.004 * week, "LGA": 0.31 - 0.004 * week}
    segments = tuple(
        SegmentVerdict(
            segment=f"origin={origin}",
            rows=int(rows * share),
            share=share,
            verdict=judge(_drift(week, 1.3 - share, int(rows * share)), _LIMITS),
        )
        for origin, share in shares.items()
    )
    warmth = _warmth(week)
    auc = 0.5 + 0.3 * math.tanh(warmth)
    version = _version(week)
    traffic = {version: rows} | ({2: 900} if week == RETRAINED - 1 else {})
    judged = WindowJudged(
        rows=rows,
        traffic=traffic,
        drift=verdict,
        beside=f"the rows that version {version} learnt from",
        answers=_answers(warmth) if verdict.verdict == "fail" else None,
        details=blobs.put_bytes(canonical(drift)),
        segments=segments,
        multivariate=Multivariate(
            auc=auc,
            verdict="fail" if auc > 0.75 else "inconclusive" if auc > 0.6 else "pass",
            reason=f"a classifier tells the window's rows by {auc:.2f}",
            columns=("temp", "dewp"),
        ),
        estimated=EstimatedQuality(rows=rows, metrics={"roc_auc": 0.705 - 0.01 * warmth}),
        seconds=1.4,
    )
    store.record_window(
        RecordWindow(effect=f"w/{week}", end=FIRST + (week + 1) * WEEK, judged=judged, **_at(week))
    )


def _answers(warmth: float) -> AnswersMoved:
    parts = {"temp": 0.06 * warmth, "dewp": 0.02 * warmth, "pressure": -0.004 * warmth}
    whole = sum(abs(change) for change in parts.values())
    origins = {"EWR": 0.5, "JFK": 0.3, "LGA": 0.2}
    segments = tuple(
        SegmentEffect(segment=f"origin={name}", change=0.07 * warmth * part, share=part, rows=300)
        for name, part in origins.items()
    )
    return AnswersMoved(
        segments=segments,
        answer="probability.1",
        mean=0.25 + 0.08 * warmth,
        together=0.08 * warmth,
        rows=1000,
        columns=tuple(
            ColumnEffect(column=name, change=change, share=abs(change) / whole)
            for name, change in parts.items()
        ),
    )


def _drift(week: int, strength: float, rows: int) -> WindowDrift:
    warmth = _warmth(week) * strength
    moved = {"temp": 0.6, "dewp": 0.35, "pressure": 0.08, "carrier_delay": 0.05, "distance": 0.004}
    columns = [
        _number(name, part * warmth + 0.01, rows, out=0.08 * warmth if name == "temp" else 0.0)
        for name, part in moved.items()
    ]
    dest = ColumnDrift(
        column="dest",
        kind="text",
        reference=Side(rows=77911),
        window=Side(rows=rows),
        psi=0.02 + 0.01 * warmth,
        chance=0.012,
        unknown=0.002 + 0.004 * warmth,
        unknown_chance=0.001,
        new=("ANC", "TVC"),
    )
    answers = _number("probability.1", 0.09 * warmth + 0.01, rows, out=0.0)
    return WindowDrift(
        rows=rows, reference_rows=77911, columns=(*columns, dest), predictions=(answers,)
    )


def _number(name: str, psi: float, rows: int, *, out: float) -> ColumnDrift:
    missing = 0.09 if name == "pressure" else 0.004
    return ColumnDrift(
        column=name,
        kind="number",
        reference=Side(rows=77911, missing=missing),
        window=Side(rows=rows, missing=missing + 0.03 * psi),
        bins=(Bin(label="below 40", high=40.0, reference=0.5, window=0.5 - min(psi, 0.5)),),
        psi=psi,
        chance=0.003,
        ks=psi / 2,
        out_of_range=out,
    )


def _labels(store: Store, week: int) -> None:
    about = _at(week)
    rows = 6200 + 37 * week % 400
    promised = 0.71 if week < RETRAINED else 0.55
    value = promised - 0.07 * _warmth(week)
    fails = promised - value > 0.05
    judged = QualityJudged(
        rows=rows,
        labelled=int(rows * (0.97 if week < 13 else 0.6)),
        metrics={"roc_auc": value, "brier": 0.16},
        promised={"roc_auc": promised, "brier": 0.15},
        deviation=0.008,
        concept=_concept(week, rows),
        verdict="fail" if fails else "pass",
        reason=f"roc_auc {value:.3f}, {promised:.3f} was promised",
        excess=1.4 if fails else 0.2,
    )
    store.record_quality(
        RecordQuality(effect=f"q/{week}", end=FIRST + (week + 1) * WEEK, judged=judged, **about)
    )


def _concept(week: int, rows: int) -> ConceptDrift:
    windows = week + 1 if week < RETRAINED else week - RETRAINED + 1
    told = f"errors of {rows * windows:,} rows in {windows} windows"
    grown = _warmth(week) > 0.6
    told += ": +31%, +25% is allowed" if grown else " are of one kind"
    verdict: Verdict = "fail" if grown else "pass"
    return ConceptDrift(
        rows=rows * windows,
        windows=windows,
        verdict=verdict,
        excess=1.24 if grown else 0,
        reason=told,
    )


def _answer(store: Store, week: int) -> None:
    action, followed = "ignore", "all is as it should be"
    if week in (4, 5, 7):
        action, followed = "alert", "drift fails in 2 of 5 windows; 3 are needed to train again"
    if week == RETRAINED - 1:
        action, followed = "retrain", f"run {BAD}: allowed, the first of 8 runs in 30 days"
    said = decision(f"d-window-{week}").model_copy(
        update={"policy_digest": digest("policy of May" if week > 5 else "policy"), "reasons": ()}
    )
    about = _at(week)
    store.record_decision(
        f"d/{week}",
        said,
        {"kind": "monitoring"},
        {"action": action},
        model="flights",
        environment="production",
        version=about["version"],
        run_id=BAD,
    )
    store.record_action(
        RecordAction.model_validate(
            {
                "effect": f"a/{week}",
                "action": action,
                "decision_id": said.decision_id,
                "followed": followed,
                **about,
            }
        )
    )
