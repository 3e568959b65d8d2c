"""What runs start with: what was asked, under the spec that counts."""

from __future__ import annotations

from perennial.contracts import lifecycle
from perennial.contracts.spec import ModelSpec, Training


def lifecycle_input(
    spec: ModelSpec, spec_version: int, ask: lifecycle.StartRun, *, wished: bool = False
) -> lifecycle.RunInput:
    """Of a lifecycle run. Raises ValueError where its hyper-parameters are none."""
    changes: dict[str, object] = {"params": {**spec.training.params, **ask.params}}
    if ask.epochs is not None:
        changes["epochs"] = ask.epochs
    if ask.learning_rate is not None:
        changes["learning_rate"] = ask.learning_rate
    training = Training.model_validate({**spec.training.model_dump(), **changes})
    source = spec.source
    if ask.as_of is not None:
        source = source.model_copy(update={"as_of": ask.as_of})
    return lifecycle.RunInput(
        run_id=ask.run_id,
        spec=spec.model_copy(update={"training": training, "source": source}),
        spec_version=spec_version,
        author=ask.actor,
        reason=ask.reason,
        hotfix=ask.hotfix,
        wished=wished,
    )


def promotion_input(
    spec: ModelSpec, spec_version: int, ask: lifecycle.Promote
) -> lifecycle.RunInput:
    """Of the promotion of a version that exists."""
    return lifecycle.RunInput(
        run_id=ask.run_id,
        kind="promotion",
        spec=spec,
        spec_version=spec_version,
        author=ask.actor,
        reason=ask.reason,
        hotfix=ask.hotfix,
        group=ask.group,
        version=ask.version,
        up_to=ask.environment,
    )
