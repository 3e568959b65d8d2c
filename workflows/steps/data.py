"""Data in: snapshot, validate, profile."""

from __future__ import annotations

from temporalio import workflow

from perennial.contracts import arrivals, data, records
from workflows.steps import options
from workflows.steps.ending import Ended
from workflows.steps.run import Run


async def snapshot_data(run: Run) -> data.DatasetSnapshot:
    """Keep the rows of the source as they are now."""
    async with run.during("snapshot") as notes:
        snapshot: data.DatasetSnapshot = await workflow.execute_activity(
            data.take_snapshot,
            data.TakeSnapshot(
                run_id=run.id, model=run.model, project=run.spec.project, source=run.spec.source
            ),
            **options.compute(run.patience),
            summary=run.spec.source.uri,
        )
        notes.say(
            f"{snapshot.rows:,} rows by {len(snapshot.columns)} columns, {snapshot.digest[:12]}",
            digest=snapshot.digest,
            rows=snapshot.rows,
        )
    return snapshot


async def end_if_learnt(run: Run, snapshot: data.DatasetSnapshot) -> None:
    """End a run that something wished for, where it would make a version that there is already.

    A person who starts a run has a reason; a window, a message or a timetable cannot know of the
    rows that the source has now.
    """
    if not run.input.wished:
        return
    learnt: arrivals.Learnt = await workflow.execute_activity(
        arrivals.find_learnt,
        arrivals.FindLearnt(model=run.model, snapshot=snapshot.digest, spec=run.spec),
        **options.compute(run.patience),
        summary=f"who learnt from {snapshot.digest[:12]}?",
    )
    if learnt.version is not None:
        raise Ended(
            "denied",
            f"there is nothing new to learn: version {learnt.version} learnt from the same rows "
            f"(snapshot {snapshot.digest[:12]}) by the same code and plan; see that "
            f"{run.spec.source.uri} has newer ones, or start a run by hand",
        )


async def validate_data(run: Run, snapshot: data.DatasetSnapshot) -> data.DataValidation:
    """Judge the rows; a broken rule ends the run and says which rows and why."""
    async with run.during("validate") as notes:
        validation: data.DataValidation = await workflow.execute_activity(
            data.validate_snapshot,
            data.ValidateSnapshot(
                run_id=run.id,
                model=run.model,
                project=run.spec.project,
                task=run.spec.task,
                snapshot=snapshot,
                plan=run.spec.data,
                split=run.spec.training.split,
                seed=run.spec.training.seed,
            ),
            **options.compute(run.patience),
            summary=f"{snapshot.rows:,} rows",
        )
        if not validation.passed:
            raise Ended("failed", f"data is not valid: {validation.summary()}", "DataInvalid")
        notes.say(validation.summary())
    return validation


async def profile_data(run: Run, snapshot: data.DatasetSnapshot) -> data.ReferenceProfile:
    """Make the reference profile and keep it with its snapshot."""
    async with run.during("profile") as notes:
        profile: data.ReferenceProfile = await workflow.execute_activity(
            data.profile_snapshot,
            data.ProfileSnapshot(run_id=run.id, model=run.model, snapshot=snapshot),
            **options.compute(run.patience),
            summary=snapshot.digest[:12],
        )
        await workflow.execute_local_activity(
            records.record_snapshot,
            records.RecordSnapshot(
                effect=run.effect("snapshot"), run_id=run.id, snapshot=snapshot, profile=profile
            ),
            **options.record(),
            summary="keep snapshot and profile",
        )
        notes.say(
            f"{profile.columns} columns, {profile.blob.size / 1024:.0f} KiB",
            profile=profile.blob.sha256,
        )
    return profile
