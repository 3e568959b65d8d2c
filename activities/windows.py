"""Windows of a champion's requests, judged by what the log of requests holds."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from temporalio import activity

from activities.work import in_thread, loading
from perennial.analysis.hearing import heard
from perennial.blobs import BlobStore
from perennial.contracts.errors import Unavailable
from perennial.contracts.monitoring import JudgeWindow, WindowJudged

if TYPE_CHECKING:
    import pandas as pd

    from activities.modelling.data.sketches import Use
    from activities.modelling.monitoring.reference_rows import ReferenceRows


class WindowActivities:
    """Reads the log that the data plane writes, and blobs that runs have made."""

    def __init__(self, blobs: BlobStore, log: str) -> None:
        self._blobs = blobs
        self._log = log
        self._references: ReferenceRows | None = None

    @activity.defn(name="judge_window")
    async def judge_window(self, input: JudgeWindow) -> WindowJudged:
        """Profile a window, and compare it with the reference."""
        return await in_thread(self._judge, input)

    def _judge(self, input: JudgeWindow) -> WindowJudged:
        began = time.monotonic()
        with loading():
            import pandas as pd

            from activities.modelling.monitoring.verdicts import without
            from activities.modelling.requests.frames import SHADOW, LogCorrupt, read_window
        where = (input.environment, input.model, input.start, input.end)
        try:
            frames = read_window(self._log, *where)
        except LogCorrupt as error:
            return WindowJudged(rows=0, drift=without("error", str(error)), broken=str(error))
        except OSError as error:
            raise Unavailable(
                f"the log of requests of {input.model} at {self._log} cannot be read: {error}"
            ) from error
        traffic: dict[int, int] = {}
        mine: list[pd.DataFrame] = []
        for (variant, version), frame in frames.items():
            if variant == SHADOW:  # copies, which nobody waits for
                continue
            traffic[version] = traffic.get(version, 0) + len(frame)
            if version == input.version:
                mine.append(frame)
        if not mine:
            reason = f"no requests that version {input.version} answered"
            if traffic:
                reason += f"; others answered {sum(traffic.values()):,} rows"
            return WindowJudged(rows=0, traffic=traffic, drift=without("no_data", reason))
        rows = mine[0] if len(mine) == 1 else pd.concat(mine, ignore_index=True)
        input = self._with_inputs(input)
        judged = self._judge_rows(input, rows)
        took = time.monotonic() - began
        return judged.model_copy(update={"traffic": traffic, "seconds": took})

    def _with_inputs(self, input: JudgeWindow) -> JudgeWindow:
        """The question with the columns that the file of the version is asked with."""
        with loading():
            from activities.modelling.export.graphs import Graph
        onnx = input.monitored.onnx
        if input.monitored.inputs or onnx is None:
            return input
        columns = Graph(self._blobs.get(onnx)).columns
        monitored = input.monitored.model_copy(update={"inputs": columns})
        return input.model_copy(update={"monitored": monitored})

    def _judge_rows(self, input: JudgeWindow, rows: pd.DataFrame) -> WindowJudged:
        with loading():
            from activities.modelling.data.profiles import profile_and_read
            from activities.modelling.export.graphs import Graph
            from activities.modelling.monitoring import windows
            from activities.modelling.monitoring.attributing import what_moved
            from activities.modelling.monitoring.reference_rows import ReferenceRows
        if self._references is None:
            self._references = ReferenceRows(self._blobs)
        # blobs of its own, which nobody else refers to: some day they are removed with it
        of = f"{input.model}/{input.environment}/{input.version}/{input.start.isoformat()}"
        plan = input.monitored.plan
        later: Use = "rolling" if plan is not None and plan.reference == "rolling" else "window"
        profile, columns = profile_and_read(rows, input.start, of, later)
        beside = windows.beside_reference(self._blobs, columns, input.monitored)
        segments, whole = windows.beside_rows(self._references, rows, input)
        also = plan.drift.also if plan is not None else ()
        verdict = heard(beside.verdict, also, segments, whole)
        answers = None
        if verdict.verdict == "fail" and input.monitored.onnx is not None:
            graph = Graph(self._blobs.get(input.monitored.onnx))
            by = plan.segments if plan is not None else ()
            answers = what_moved(graph, rows, beside.usual, verdict, input.start, by)
        details = None
        if beside.drift is not None:
            measured = f'{{"window":{json.dumps(of)},{beside.drift.model_dump_json()[1:]}'
            details = self._blobs.put_bytes(measured.encode())
        return WindowJudged(
            rows=len(rows),
            failed=windows.unanswered(rows),
            drift=verdict,
            beside=beside.words,
            beside_rows=windows.rows_in_words(input.monitored),
            profile=self._blobs.put_bytes(profile),
            details=details,
            segments=segments,
            multivariate=whole,
            estimated=windows.estimated(rows, input.monitored),
            answers=answers,
        )
