"""Measure a candidate, and champions on the very same rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from temporalio import activity

from activities.advisories import Advisories
from activities.work import in_thread, loading
from perennial.blobs import BlobStore
from perennial.contracts.base import BlobRef, Metrics
from perennial.contracts.examined import Paired
from perennial.contracts.training import (
    ChampionModel,
    CompareChampions,
    EvaluateModel,
    Evaluation,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from activities.modelling.data.snapshots import Frames
    from activities.modelling.evidence.held_out import HeldOut
    from activities.modelling.projects import Project


class EvaluationActivities:
    """The candidate is measured as it was trained, champions as the files that are served."""

    def __init__(self, blobs: BlobStore, frames: Frames, advisories: Advisories) -> None:
        self._blobs = blobs
        self._frames = frames
        self._advisories = advisories

    @activity.defn(name="evaluate_model")
    async def evaluate_model(self, input: EvaluateModel) -> Evaluation:
        """Measure a candidate and champions."""
        return await in_thread(self._evaluate, input)

    @activity.defn(name="compare_champions")
    async def compare_champions(self, input: CompareChampions) -> Evaluation:
        """Measure champions."""
        return await in_thread(self._compare, input)

    def _evaluate(self, input: EvaluateModel) -> Evaluation:
        with loading():
            from activities.modelling import code
            from activities.modelling.evidence import metrics
            from activities.modelling.evidence.examination import Examination
            from activities.modelling.models.preprocessing import Preprocessing
            from activities.modelling.projects import load_project
            from activities.modelling.training import kinds

            project = load_project(input.project, expected=input.trained.code.source_digest)
        preprocessing = Preprocessing.read(self._blobs.get_bytes(input.trained.preprocessing))
        rows = self._held_out(input, project)
        score = kinds.scorer(self._blobs, input.trained, project, preprocessing, input.training)
        scores = score(rows.frame)
        found = metrics.measure(input.task, rows.truth, scores, project)
        metrics.require(found, input.metrics)
        champions = self._scores(input.champions, rows)
        examination = Examination(rows, input.metrics, input.evidence, input.training.seed)
        return Evaluation(
            rows=len(rows.truth),
            metrics=found,
            champions=_measured(champions, rows),
            answers=self._answers(scores, preprocessing.classes),
            examined=examination.examine(scores, champions, score, self._blobs),
            dependencies=self._advisories.check(code.lock_of(project.file)),
            evaluated_at=datetime.now(UTC),
        )

    def _compare(self, input: CompareChampions) -> Evaluation:
        with loading():
            from activities.modelling.evidence.examination import Examination
            from activities.modelling.projects import load_project

            project = load_project(input.project)
        rows = self._held_out(input, project)
        champions = self._scores(input.champions, rows)
        paired: dict[int, Paired] = {}
        if input.version is not None and input.metrics is not None:
            examination = Examination(rows, input.metrics, input.evidence, input.training.seed)
            [own] = self._scores([input.version], rows).values()
            paired = examination.beside(own, champions)
        return Evaluation(
            rows=len(rows.truth),
            metrics={},
            champions=_measured(champions, rows),
            paired=paired,
            evaluated_at=datetime.now(UTC),
        )

    def _answers(self, scores: NDArray[np.float64], classes: tuple[str, ...]) -> BlobRef:
        """Profile them in the form in which requests' answers are, to be compared with those."""
        with loading():
            import numpy as np

            from activities.modelling.data.profiles import profile_frame
            from activities.modelling.requests.frames import answer_columns
        # float64 of what torch computes in float32, as the served file does
        narrow = scores.reshape(len(scores), -1).astype(np.float32)
        profile = profile_frame(answer_columns(narrow, classes), datetime.now(UTC), "reference")
        return self._blobs.put_bytes(profile)

    def _held_out(self, input: EvaluateModel | CompareChampions, project: Project) -> HeldOut:
        from activities.modelling.data.split import split_rows
        from activities.modelling.evidence.held_out import HeldOut
        from activities.modelling.models.preprocessing import classes_of, truth_of

        frame = self._frames.read(input.snapshot)
        features, plan = project.features(), input.training
        test = split_rows(frame, features, plan.split, plan.seed).test
        held_out, target = frame.iloc[test], frame[features.target]
        classes = () if input.task == "regression" else classes_of(target)
        truth = truth_of(target.iloc[test], classes)
        return HeldOut(input.task, project, held_out, classes, truth)

    def _scores(
        self, champions: Iterable[ChampionModel], rows: HeldOut
    ) -> dict[int, NDArray[np.float64]]:
        """What versions answer to the rows, as the files that are served."""
        with loading():
            from activities.modelling.export.graphs import Graph, champion_scores

        return {
            each.version: champion_scores(
                Graph(self._blobs.get(each.onnx)), rows.frame, rows.classes, each.version
            )
            for each in champions
        }


def _measured(scores: Mapping[int, NDArray[np.float64]], rows: HeldOut) -> dict[int, Metrics]:
    from activities.modelling.evidence.metrics import measure

    return {
        version: measure(rows.task, rows.truth, each, rows.project)
        for version, each in scores.items()
    }
