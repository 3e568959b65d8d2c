"""Hyper-parameters looked for before a candidate is trained."""

from __future__ import annotations

from temporalio import workflow

from perennial.contracts import data, search, training
from workflows.steps import options
from workflows.steps.run import Run


async def search_parameters(run: Run, snapshot: data.DatasetSnapshot) -> None:
    """Look for the best parameters, if the spec says where; the run trains with them."""
    spec = run.spec
    if spec.search is None:
        return
    async with run.during("search") as notes:
        searched: search.Searched = await workflow.execute_activity(
            search.search_parameters,
            search.SearchParameters(
                train=training.TrainModel(
                    run_id=run.id,
                    model=run.model,
                    project=spec.project,
                    task=spec.task,
                    snapshot=snapshot,
                    training=spec.training,
                    author=run.input.author,
                ),
                plan=spec.search,
                metric=spec.metrics.primary,
                goal=spec.metrics.goal,
            ),
            **options.ray_job(run.patience),
            summary=f"{spec.search.trials} trials at most, {spec.search.time}",
        )
        run.take_parameters(searched)
        best = searched.best
        params = ", ".join(f"{name} {value}" for name, value in best.params.items())
        notes.say(
            f"{params}: {searched.metric} {best.score or 0:.4f} in trial {best.number}; "
            f"{searched.finished} finished, {searched.stopped} stopped, {searched.failed} failed",
            **searched.model_dump(mode="json", exclude={"training"}),
        )
