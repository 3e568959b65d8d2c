"""How often a canary that is no worse is called off, and how soon one that is worse is found.

No peers and no clock: seeds, counts and shares. A canary here is a sequence of minutes, each with
requests of the canary and of its control, and is judged after each of them.
"""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.results import Row, row
from perennial.analysis import comparing, labelling, splitting
from perennial.contracts.analysis import Comparison, Counted, Split
from perennial.contracts.serving import CHALLENGER, CONTROL, Labelled

ROUNDS = "PERENNIAL_BENCH_ROUNDS"
_CANARIES = 10_000
_PLANTED_CANARIES = 500
_LOOKS = 240
_A_MINUTE = 30
_ALPHA = 0.05
_GUARDRAILS = (0.01, 0.05)
"""What both sides hit alike: errors, and answers that come too late."""
_WEIGHTS = (0.9, 0.05, 0.05)
_SPLIT_ALPHA = 0.01
_PLANTED = ((0.001, 0.01), (0.01, 0.02), (0.01, 0.05), (0.05, 0.1), (0.1, 0.15), (0.3, 0.5))
_LABELLED = (0.1, 0.15)
"""Wrong answers of the requests that have a label."""
_COME, _LABELS_A_LUMP = 0.3, 60
"""How often labels of a side have come since the last look, and how many then."""
_PARTS = 8
"""Of the day: labels of a lump are of all of them."""
_PROMISE = 2
"""Within so many times the requests that `comparing.requests_to_find` tells."""
_MISSED = 0.1
_SEED = 20261124


def run() -> list[Row]:
    """Shares of canaries, and requests."""
    canaries = int(os.environ.get(ROUNDS, _CANARIES))
    dice = np.random.default_rng(_SEED)
    return [
        *_alike(dice, canaries),
        *_divided(dice, canaries),
        *_worse(dice),
        *_late(dice, canaries),
    ]


def _alike(dice: np.random.Generator, canaries: int) -> Iterator[Row]:
    enough = math.log(len(_GUARDRAILS) / _ALPHA)
    off = 0
    for _ in range(canaries):
        off += any(
            _most(dice, (share, share), _A_MINUTE, _LOOKS) >= enough for share in _GUARDRAILS
        )
    case = f"{canaries:,} canaries that are no worse, {_LOOKS} looks, 2 guardrails: rolled back"
    yield row(case, off / canaries, "of 1", target=_ALPHA)


def _divided(dice: np.random.Generator, canaries: int) -> Iterator[Row]:
    off = 0
    for _ in range(canaries):
        split = Split()
        for counts in dice.multinomial(20 * _A_MINUTE, _WEIGHTS, size=_LOOKS // 4):
            split = splitting.seen(split, counts.tolist(), _WEIGHTS)
        off += split.most >= -math.log(_SPLIT_ALPHA)
    case = f"{canaries:,} divisions as meant, {_LOOKS // 4} looks: called off"
    yield row(case, off / canaries, "of 1", target=_SPLIT_ALPHA)


def _worse(dice: np.random.Generator) -> Iterator[Row]:
    for usual, raised in _PLANTED:
        told = comparing.requests_to_find(usual, raised, _ALPHA)
        each = max(1, told // 20)
        taken = [_found(dice, (usual, raised), each) for _ in range(_PLANTED_CANARIES)]
        missed = sum(requests > _PROMISE * told for requests in taken) / len(taken)
        case = f"hits {100 * usual:g} % -> {100 * raised:g} %"
        yield row(f"{case}: requests of each side, told", told, "requests")
        yield row(f"{case}: until found, median", statistics.median(taken), "requests")
        yield row(
            f"{case}: not found in {_PROMISE} times those told", missed, "of 1", target=_MISSED
        )


def _late(dice: np.random.Generator, canaries: int) -> Iterator[Row]:
    """Labels that come in lumps, most looks without one, and never as many of both sides."""
    usual, raised = _LABELLED
    enough = -math.log(_ALPHA)
    off = sum(
        _labelled(dice, (usual, usual), _LABELS_A_LUMP, _LOOKS // 4).most >= enough
        for _ in range(canaries)
    )
    case = f"{canaries:,} canaries that are no worse, {_LOOKS // 4} looks, late labels: rolled back"
    yield row(case, off / canaries, "of 1", target=_ALPHA)
    told = comparing.requests_to_find(usual, raised, _ALPHA)
    missed = sum(
        _labelled(dice, _LABELLED, told // 5, _LOOKS, most=_PROMISE * told).most < enough
        for _ in range(_PLANTED_CANARIES)
    )
    case = f"wrong {100 * usual:g} % -> {100 * raised:g} % by late labels"
    yield row(
        f"{case}: not found in {_PROMISE} times the labels told",
        missed / _PLANTED_CANARIES,
        "of 1",
        target=_MISSED,
    )


def _labelled(
    dice: np.random.Generator,
    shares: tuple[float, float],
    lump: int,
    looks: int,
    most: float = math.inf,
) -> Comparison:
    """What labels say after so many looks, or once so many of each side have come."""
    known: Comparison = Comparison()
    before: Sequence[Labelled] = ()
    come = dice.random((looks, 2, 1)) < _COME
    sizes = dice.poisson(lump / _PARTS, size=(looks, 2, _PARTS)) * come
    wrong = dice.binomial(sizes, np.array(shares)[:, None])
    for requests, hits in zip(sizes.cumsum(0).tolist(), wrong.cumsum(0).tolist(), strict=True):
        now = [
            Labelled(
                variant=name,
                version=1,
                part=part,
                requests=requests[side][part],
                wrong=hits[side][part],
            )
            for side, name in enumerate((CONTROL, CHALLENGER))
            for part in range(_PARTS)
        ]
        known, before = labelling.seen(known, before, now)
        if min(known.control.requests, known.challenger.requests) >= most:
            break
    return known


def _most(dice: np.random.Generator, shares: tuple[float, float], each: int, looks: int) -> float:
    comparison = Comparison()
    for hits in dice.binomial(each, shares, size=(looks, 2)).tolist():
        comparison = _seen(comparison, hits, each)
    return comparison.most


def _found(dice: np.random.Generator, shares: tuple[float, float], each: int) -> float:
    comparison, enough = Comparison(), -math.log(_ALPHA)
    longest = 10 * comparing.requests_to_find(*shares, _ALPHA)
    while comparison.most < enough:
        if comparison.challenger.requests > longest:
            return math.inf
        comparison = _seen(comparison, dice.binomial(each, shares).tolist(), each)
    return comparison.challenger.requests


def _seen(comparison: Comparison, hits: list[int], each: int) -> Comparison:
    ours, theirs = (Counted(requests=each, hits=number) for number in hits)
    return comparing.seen(comparison, ours, theirs)
