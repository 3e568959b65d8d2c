"""The gate: evidence that fits the champion of the moment, and the policy's word on it."""

from __future__ import annotations

from temporalio import workflow

from perennial.canonical import digest
from perennial.contracts import policy, records, training
from perennial.contracts.spec import Environment, Training
from workflows.steps import options
from workflows.steps.asking import decide
from workflows.steps.ending import Ended
from workflows.steps.run import Run
from workflows.steps.training import keep_evidence


async def measured_against(
    run: Run, version: records.VersionRecord, champion: records.Champion
) -> records.VersionRecord:
    """The version with evidence that names this champion, measured on the same rows."""
    if champion.onnx is None or champion.onnx.version in version.evidence.champions:
        return version
    compared = await workflow.execute_activity(
        training.compare_champions,
        training.CompareChampions(
            run_id=version.run_id,
            model=run.model,
            project=run.spec.project,
            task=run.spec.task,
            snapshot=version.snapshot,
            training=Training.model_validate(version.evidence.params),
            champions=(champion.onnx,),
            version=training.ChampionModel(version=version.version, onnx=version.exported.onnx),
            metrics=run.spec.metrics,
            evidence=run.spec.evidence,
        ),
        **options.compute(run.patience),
        summary=f"version {champion.onnx.version} on the same rows",
    )
    known = version.evidence
    examined = known.examined
    if examined is not None:
        paired = {**examined.paired, **compared.paired}
        examined = examined.model_copy(update={"paired": paired})
    evidence = known.model_copy(
        update={"champions": {**known.champions, **compared.champions}, "examined": examined}
    )
    renewed = version.model_copy(update={"evidence": evidence, "evidence_digest": digest(evidence)})
    await keep_evidence(run, renewed)
    return renewed


async def ask_policy(
    run: Run,
    version: records.VersionRecord,
    environment: Environment,
    champion: records.Champion,
    *,
    round_: int,
    votes: tuple[policy.Vote, ...] = (),
) -> policy.Decision:
    """Ask whether the version may enter; see `workflows.steps.asking.decide`."""
    return await decide(
        _question(run, version, environment, champion, votes),
        effect=run.effect("decision", environment, round_, len(votes)),
        patience=run.patience,
        summary=f"may version {version.version} enter {environment}?",
    )


def _question(
    run: Run,
    version: records.VersionRecord,
    environment: Environment,
    champion: records.Champion,
    votes: tuple[policy.Vote, ...],
) -> policy.PromotionQuestion:
    spec = run.spec
    incumbent = None
    if champion.version is not None:
        incumbent = policy.Incumbent(
            version=champion.version,
            epoch=champion.epoch,
            metrics=version.evidence.champions.get(champion.version, {}),
        )
    return policy.PromotionQuestion(
        model=run.model,
        task=spec.task,
        risk_tier=spec.risk_tier,
        owners=spec.owners,
        environment=environment,
        version=version.version,
        run_id=run.id,
        author=version.author,
        requester=run.input.author,
        hotfix=run.input.hotfix,
        thresholds=spec.thresholds_in(environment),
        primary=policy.PrimaryMetric(
            name=spec.metrics.primary,
            goal=spec.metrics.goal,
            max_regression=spec.metrics.max_regression,
        ),
        rules=spec.evidence.rules_in(environment),
        modes=spec.evidence.modes,
        evidence=version.evidence,
        evidence_digest=version.evidence_digest,
        champion=incumbent,
        votes=votes,
    )


def denied(decision: policy.Decision, environment: Environment) -> Ended:
    """The end of a run that the policy did not let through."""
    reasons = "; ".join(decision.reasons) or "no reason given"
    if decision.outcome == "error":
        return Ended(
            "failed",
            f"{environment} was not judged, so not entered: {reasons}",
            "PolicyUnavailable",
        )
    return Ended("denied", f"{environment}: {reasons}", "")
