"""A candidate: train, evaluate, export, register."""

from __future__ import annotations

from temporalio import workflow

from perennial.canonical import digest
from perennial.contracts import data, policy, records, registry, training
from workflows.steps import options
from workflows.steps.ending import Ended
from workflows.steps.run import Run


async def train(run: Run, snapshot: data.DatasetSnapshot) -> training.TrainedModel:
    """Train on Ray."""
    async with run.during("train") as notes:
        trained: training.TrainedModel = await workflow.execute_activity(
            training.train_model,
            training.TrainModel(
                run_id=run.id,
                model=run.model,
                project=run.spec.project,
                task=run.spec.task,
                snapshot=snapshot,
                training=run.spec.training,
                author=run.input.author,
            ),
            **options.ray_job(run.patience),
            summary=f"{run.spec.training.epochs} epochs, {run.spec.training.workers} worker(s)",
        )
        last = trained.epochs[-1] if trained.epochs else None
        notes.say(
            f"{len(trained.epochs)} epochs on {trained.device}"
            + (f", loss {last.loss:.4f}" if last else "")
            + (f"; epoch {trained.kept_epoch} was the best" if trained.kept_epoch else ""),
            seconds=trained.seconds,
            epochs=[epoch.model_dump(mode="json") for epoch in trained.epochs],
            mlflow_run_id=trained.mlflow_run_id,
        )
    return trained


async def evaluate(
    run: Run, snapshot: data.DatasetSnapshot, trained: training.TrainedModel
) -> training.Evaluation:
    """Measure the candidate on held-out rows, and every champion on the same rows."""
    async with run.during("evaluate") as notes:
        champions = await read_champions(run)
        models = {c.onnx.version: c.onnx for c in champions.champions if c.onnx is not None}
        evaluation: training.Evaluation = await workflow.execute_activity(
            training.evaluate_model,
            training.EvaluateModel(
                run_id=run.id,
                model=run.model,
                project=run.spec.project,
                task=run.spec.task,
                metrics=run.spec.metrics,
                snapshot=snapshot,
                training=run.spec.training,
                trained=trained,
                champions=tuple(models.values()),
                evidence=run.spec.evidence,
            ),
            **options.compute(run.patience),
            summary=f"candidate and {len(models)} champion(s)",
        )
        primary = run.spec.metrics.primary
        if primary not in evaluation.metrics:
            raise Ended(
                "failed",
                f"the evaluation has no metric {primary!r}, which the spec names as primary; "
                f"it has {', '.join(sorted(evaluation.metrics))}",
                "EvidenceInvalid",
            )
        beside = ", ".join(
            f"version {version} {metrics[primary]:.4f}"
            for version, metrics in sorted(evaluation.champions.items())
            if primary in metrics
        )
        notes.say(
            f"{primary} {evaluation.metrics[primary]:.4f} on {evaluation.rows:,} rows"
            + (f" (champion {beside})" if beside else ""),
            metrics=evaluation.metrics,
            champions={str(v): m for v, m in evaluation.champions.items()},
        )
    return evaluation


async def export(
    run: Run, snapshot: data.DatasetSnapshot, trained: training.TrainedModel
) -> training.ExportedModel:
    """Write the ONNX file and compare it with the trained model."""
    async with run.during("export") as notes:
        exported: training.ExportedModel = await workflow.execute_activity(
            training.export_model,
            training.ExportModel(
                run_id=run.id,
                model=run.model,
                project=run.spec.project,
                task=run.spec.task,
                snapshot=snapshot,
                training=run.spec.training,
                trained=trained,
                int8_tolerance=run.spec.export.int8_tolerance,
            ),
            **options.compute(run.patience),
            summary="ONNX with preprocessing inside",
        )
        parity = exported.parity
        notes.say(
            f"{exported.onnx.size / 1024:.0f} KiB, opset {exported.opset}, largest difference "
            f"{parity.max_abs_diff:.1e} (tolerance {parity.tolerance:.0e})",
            onnx=exported.onnx.sha256,
            parity=parity.model_dump(mode="json"),
        )
    return exported


async def register(
    run: Run,
    snapshot: data.DatasetSnapshot,
    validation: data.DataValidation,
    profile: data.ReferenceProfile,
    trained: training.TrainedModel,
    evaluation: training.Evaluation,
    exported: training.ExportedModel,
) -> records.VersionRecord:
    """Give the candidate a version number, keep its evidence, and put it into MLflow."""
    async with run.during("register") as notes:
        recorded = await workflow.execute_local_activity(
            records.record_version,
            records.RecordVersion(
                effect=run.effect("version"),
                run_id=run.id,
                model=run.model,
                author=run.input.author,
                snapshot=snapshot,
                trained=trained,
                exported=exported,
                at=run.now,
            ),
            **options.record(),
            summary="next version number",
        )
        run.version = recorded.version
        evidence = policy.Evidence(
            model=run.model,
            version=recorded.version,
            run_id=run.id,
            snapshot=snapshot.digest,
            profile=profile.blob.sha256,
            onnx=exported.onnx.sha256,
            code=trained.code,
            params=run.spec.training.model_dump(mode="json"),
            search=run.searched,
            validation=validation,
            metrics=evaluation.metrics,
            champions=evaluation.champions,
            test_rows=evaluation.rows,
            parity=exported.parity,
            opset=exported.opset,
            int8=exported.int8,
            answers=evaluation.answers,
            examined=evaluation.examined,
            dependencies=evaluation.dependencies,
            speed=exported.speed,
            megabytes=exported.onnx.size / 1_000_000,
            produced_at=evaluation.evaluated_at,
        )
        version = records.VersionRecord(
            model=run.model,
            version=recorded.version,
            run_id=run.id,
            author=run.input.author,
            snapshot=snapshot,
            trained=trained,
            exported=exported,
            evidence=evidence,
            evidence_digest=digest(evidence),
        )
        await keep_evidence(run, version)
        registration = await workflow.execute_activity(
            registry.register_version,
            registry.RegisterVersion(
                run_id=run.id,
                model=run.model,
                version=version.version,
                snapshot=snapshot,
                training=run.spec.training,
                trained=trained,
                exported=exported,
                evidence=evidence,
                evidence_digest=version.evidence_digest,
            ),
            **options.registry(run.patience),
            summary=f"version {version.version}",
        )
        notes.say(
            f"version {version.version} (MLflow {registration.mlflow_version})",
            version=version.version,
            evidence_digest=version.evidence_digest,
        )
    return version


async def keep_evidence(run: Run, version: records.VersionRecord) -> None:
    """Keep evidence by its digest; the same evidence is kept once."""
    await workflow.execute_local_activity(
        records.record_evidence,
        records.RecordEvidence(
            effect=run.effect("evidence", version.evidence_digest[:16]),
            evidence=version.evidence,
            evidence_digest=version.evidence_digest,
        ),
        **options.record(),
        summary=f"evidence {version.evidence_digest[:12]}",
    )


async def read_champions(run: Run) -> records.Champions:
    """The champions of the model, now."""
    return await workflow.execute_local_activity(
        records.read_champions,
        records.ReadChampions(model=run.model),
        **options.record(),
        summary="champions",
    )
