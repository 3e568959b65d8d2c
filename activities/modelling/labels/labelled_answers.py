"""An hour's labelled requests, by the variant that answered, and how many it answered wrongly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from activities.modelling.labels.live_quality import join
from activities.modelling.requests.answers_log import PLACE, Answers, AnswersLog
from perennial.contracts.labels import JoinedLabel
from perennial.contracts.serving import CONTROL, Labelled

_BY = ["variant", "version"]
_REQUEST = ["request_id", "at"]


def count(
    log: AnswersLog,
    hour: datetime,
    labels: Sequence[JoinedLabel],
    since_epoch: int,
    tolerance: float | None,
) -> list[Labelled]:
    """Count an hour.

    Of a request the first row that has a readable label counts, and no other: rows of one request
    resemble each other, and are not independent as the tests want them. An answer that is no number
    is wrong. The requests of testers do not count.

    A copy has the label of its request. Both sides count it then: the challenger what it answered,
    the control what the caller got, as it is with errors of copies.

    Args:
        log: of the model.
        hour: the beginning of it.
        labels: of its requests.
        since_epoch: of the deployment; what earlier ones answered does not count.
        tolerance: of numbers: what is off by more is wrong.

    Returns:
        Sums by variant.

    Raises:
        LogCorrupt: a file is none.
        OSError: the log cannot be reached.
    """
    parts = [
        _judged(answers, labels, tolerance) for answers in _answers(log, hour, labels, since_epoch)
    ]
    if not parts:
        return []
    rows = pd.concat(parts).sort_values("row", kind="stable")
    requests = rows.drop_duplicates([*_REQUEST, "copy"])
    callers = requests[~requests["copy"]]
    both = callers.merge(requests[requests["copy"]], on=_REQUEST, suffixes=("", "_copy"))
    copies = both[[f"{name}_copy" for name in (*_BY, "wrong")]].set_axis([*_BY, "wrong"], axis=1)
    counted = pd.concat([callers, both.assign(variant=CONTROL), copies])
    sums = counted.groupby(_BY, sort=True)["wrong"].agg(["size", "sum"])
    return [
        Labelled(
            variant=str(variant),
            version=int(version),
            requests=int(size),
            wrong=int(wrong),
        )
        for (variant, version), size, wrong in sums.itertuples()
    ]


def _answers(
    log: AnswersLog, hour: datetime, labels: Sequence[JoinedLabel], since_epoch: int
) -> Iterator[Answers]:
    """The answers that have a label, a file at a time: each is of one version."""
    ids = pa.array({label.request_id for label in labels}, pa.string())
    for table in log.tables(hour, [*PLACE, *_BY, "epoch", "answer"], copies=True):
        recent = pc.greater_equal(table["epoch"], since_epoch)
        mine = table.filter(pc.and_(recent, pc.is_in(table["request_id"], ids)))
        if not len(mine):
            continue
        classes = tuple(json.loads(mine.schema.metadata[b"perennial"])["classes"])
        answer = mine["answer"].combine_chunks()
        columns = [answer.field(name).to_numpy() for name in classes or ("value",)]
        scores = np.column_stack(columns).astype(np.float64)
        odd = np.asarray(~np.isfinite(scores).all(axis=1))
        scores[odd] = 0.0
        frame = pd.DataFrame({name: mine[name].to_pandas() for name in [*PLACE, *_BY, "copy"]})
        frame["odd"] = odd
        yield Answers(frame, scores if classes else scores[:, 0], classes, ())


def _judged(
    answers: Answers, labels: Sequence[JoinedLabel], tolerance: float | None
) -> pd.DataFrame:
    joined = join(answers, labels)
    if answers.classes:
        wrong = np.not_equal(joined.scores.argmax(axis=1), joined.truth)
    else:
        off = np.abs(joined.scores - joined.truth.astype(np.float64))
        wrong = np.greater(off, 0.0 if tolerance is None else tolerance)
    return joined.frame.assign(wrong=pd.Series(wrong, joined.frame.index) | joined.frame["odd"])
