"""The sandbox that workflow code runs in, without an errand that it would run for nothing."""

from __future__ import annotations

from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import (
    DataConverter,
    SerializationContext,
    StorageDriverStoreContext,
    WorkflowSerializationContext,
)
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info

# Pure modules that workflow code may share with the process: contracts and canonical JSON. Loading
# them once, and not again for every run, halves the cost of starting a workflow.
PASSED_THROUGH = ("perennial", "rfc8785", "annotated_types")


def sandboxed(existing: WorkflowRunner | None, converter: DataConverter) -> WorkflowRunner:
    """The runner to use with this converter; one that is no sandbox is left as it is."""
    runner = existing or SandboxedWorkflowRunner()
    if not isinstance(runner, SandboxedWorkflowRunner):
        return runner
    kind = _SparingRunner if _ignores_context(converter) else SandboxedWorkflowRunner
    return kind(
        restrictions=runner.restrictions.with_passthrough_modules(*PASSED_THROUGH),
        runner_class=runner.runner_class,
    )


def _ignores_context(converter: DataConverter) -> bool:
    """Whether it makes no difference to the converter which workflow it converts for."""
    context = WorkflowSerializationContext(namespace="any", workflow_id="any")
    return converter.external_storage is None and converter.with_context(context) is converter


class _SparingRunner(SandboxedWorkflowRunner):
    """For a converter that ignores the context.

    The SDK asks the workflow for that context up to four times a payload, each time through the
    gates of the sandbox: about a quarter of what a worker spends on a step.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _SparingInstance(super().create_instance(det))


class _Relay(WorkflowInstance):
    """Hands everything on to another instance."""

    def __init__(self, inner: WorkflowInstance) -> None:
        self._inner = inner

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return self._inner.activate(act)

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        return self._inner.get_thread_id()


class _SparingInstance(_Relay):
    """Answers for the workflow that there is no context, and leaves everything else to it."""

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        return None

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        return StorageDriverStoreContext(target=None)


class Unversioned(WorkflowRunner):
    """For a worker without a build id: does not say whether its workflows are pinned.

    Classes say that of themselves, and the SDK passes it on from every worker; the server refuses
    it, and with it the whole workflow task, unless the worker has a version.
    """

    def __init__(self, inner: WorkflowRunner) -> None:
        self._inner = inner

    def prepare_workflow(self, defn: Any) -> None:
        """As the inner runner does."""
        self._inner.prepare_workflow(defn)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        """As the inner runner does."""
        self._inner.set_worker_level_failure_exception_types(types)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """One that keeps its pinning to itself."""
        return _UnversionedInstance(self._inner.create_instance(det))


class _UnversionedInstance(_Relay):
    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = self._inner.activate(act)
        if completion.HasField("successful"):
            completion.successful.ClearField("versioning_behavior")
        return completion
