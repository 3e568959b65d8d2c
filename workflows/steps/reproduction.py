"""Training a version again: its inputs, and the comparison of what comes out."""

from __future__ import annotations

from temporalio import workflow

from perennial.analysis import reproducing
from perennial.contracts import records, reproduction, training
from workflows.steps import options
from workflows.steps.ending import Ended
from workflows.steps.run import Run


async def find_inputs(run: Run, version: records.VersionRecord) -> None:
    """Say which inputs are not as they were; end where one is gone."""
    async with run.during("inputs") as notes:
        found: reproduction.InputsFound = await workflow.execute_activity(
            reproduction.find_inputs,
            reproduction.FindInputs(project=run.spec.project, snapshot=version.snapshot),
            **options.compute(run.patience),
            summary=f"of version {version.version}",
        )
        if found.gone:
            raise Ended(
                "failed",
                f"version {version.version} cannot be trained again: {'; '.join(found.gone)}",
                "InputsGone",
            )
        assert found.code is not None  # else it is gone
        changed = reproducing.changed(version.trained.code, found.code)
        told = "; ".join(str(change) for change in changed)
        notes.say(
            f"changed since: {told}" if changed else "rows, code and environment are as they were",
            snapshot=version.snapshot.digest,
            changed=[change.model_dump(mode="json") for change in changed],
        )


async def measure_again(
    run: Run, version: records.VersionRecord, trained: training.TrainedModel
) -> training.Evaluation:
    """Measure what came out, alone, on the rows that the version was measured on."""
    async with run.during("evaluate") as notes:
        evaluation: training.Evaluation = await workflow.execute_activity(
            training.evaluate_model,
            training.EvaluateModel(
                run_id=run.id,
                model=run.model,
                project=run.spec.project,
                task=run.spec.task,
                metrics=run.spec.metrics,
                snapshot=version.snapshot,
                training=run.spec.training,
                trained=trained,
            ),
            **options.compute(run.patience),
            summary="what came out",
        )
        figures = ", ".join(f"{name} {value:.4f}" for name, value in evaluation.metrics.items())
        notes.say(f"{figures} on {evaluation.rows:,} rows", metrics=evaluation.metrics)
    return evaluation


async def compare(
    run: Run,
    version: records.VersionRecord,
    trained: training.TrainedModel,
    evaluation: training.Evaluation,
    tolerance: float,
) -> reproduction.Reproduced:
    """Say whether the version came out again."""
    async with run.during("compare") as notes:
        weights: reproduction.WeightsCompared = await workflow.execute_activity(
            reproduction.compare_weights,
            reproduction.CompareWeights(then=version.trained, now=trained),
            **options.compute(run.patience),
            summary=f"with version {version.version}",
        )
        reproduced = reproducing.judged(
            version.version,
            version.trained,
            trained,
            version.evidence.metrics,
            evaluation.metrics,
            weights,
            tolerance,
        )
        notes.say(reproduced.reason, **reproduced.model_dump(mode="json", exclude={"reason"}))
    return reproduced
