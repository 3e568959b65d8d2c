"""The runner asks workflows for no context that the converter would ignore, and else leaves all as
it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.common import VersioningBehavior
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
)
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from perennial.runner import PASSED_THROUGH, Unversioned, sandboxed


class Plain(PayloadCodec):
    async def encode(self, payloads: Iterable[Payload]) -> list[Payload]:
        return list(payloads)

    async def decode(self, payloads: Iterable[Payload]) -> list[Payload]:
        return list(payloads)


class KeyOfEachWorkflow(Plain, WithSerializationContext):
    def with_context(self, context: SerializationContext) -> KeyOfEachWorkflow:
        return KeyOfEachWorkflow()


def spares(converter: DataConverter) -> bool:
    runner = sandboxed(None, converter)
    assert isinstance(runner, SandboxedWorkflowRunner)
    return type(runner) is not SandboxedWorkflowRunner


def test_our_converter_ignores_the_context() -> None:
    assert spares(pydantic_data_converter)


def test_so_does_a_codec_that_is_the_same_for_every_workflow() -> None:
    assert spares(dataclasses.replace(pydantic_data_converter, payload_codec=Plain()))


def test_a_codec_that_wants_the_context_gets_it() -> None:
    converter = dataclasses.replace(pydantic_data_converter, payload_codec=KeyOfEachWorkflow())

    assert not spares(converter)


def test_what_is_passed_through_is_added_to_what_was_there() -> None:
    mine = SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules("mine")
    )

    runner = sandboxed(mine, pydantic_data_converter)

    assert isinstance(runner, SandboxedWorkflowRunner)
    assert {"mine", *PASSED_THROUGH} <= runner.restrictions.passthrough_modules


def test_it_survives_what_the_sdk_does_to_it_in_debug_mode() -> None:
    runner = sandboxed(None, pydantic_data_converter)
    assert isinstance(runner, SandboxedWorkflowRunner)

    changed = dataclasses.replace(runner, restrictions=SandboxRestrictions.default)

    assert type(changed) is type(runner)


def test_a_runner_without_a_sandbox_is_left_alone() -> None:
    runner = UnsandboxedWorkflowRunner()

    assert sandboxed(runner, pydantic_data_converter) is runner


class Completing(UnsandboxedWorkflowRunner):
    """Its instances complete every activation in one way."""

    def __init__(self, completion: WorkflowActivationCompletion) -> None:
        self.completion = completion

    def create_instance(self, det: Any) -> Any:
        return SimpleNamespace(activate=lambda act: self.completion)


def completed(completion: WorkflowActivationCompletion) -> WorkflowActivationCompletion:
    instance: Any = Unversioned(Completing(completion)).create_instance(None)
    answer: WorkflowActivationCompletion = instance.activate(None)
    return answer


def test_a_worker_without_version_says_nothing_of_pinning_and_else_the_same() -> None:
    completion = WorkflowActivationCompletion(run_id="r")
    completion.successful.commands.add().start_timer.seq = 1
    completion.successful.versioning_behavior = VersioningBehavior.PINNED.value
    answer = completed(completion)
    assert answer.successful.versioning_behavior == VersioningBehavior.UNSPECIFIED.value
    assert answer.successful.commands[0].start_timer.seq == 1


def test_a_failure_stays_a_failure() -> None:
    completion = WorkflowActivationCompletion(run_id="r")
    completion.failed.failure.message = "a bug"
    assert completed(completion).failed.failure.message == "a bug"
