"""One plugin carries what client, worker and replayer must agree on, so they cannot drift apart."""

from __future__ import annotations

import dataclasses

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

# Pure modules that workflow code may share with the process: contracts and canonical JSON. Loading
# them once, and not again for every run, halves the cost of starting a workflow.
PASSED_THROUGH = ("perennial", "rfc8785", "annotated_types")


def _runner(existing: WorkflowRunner | None) -> WorkflowRunner:
    runner = existing or SandboxedWorkflowRunner()
    if isinstance(runner, SandboxedWorkflowRunner):
        return dataclasses.replace(
            runner, restrictions=runner.restrictions.with_passthrough_modules(*PASSED_THROUGH)
        )
    return runner


class PerennialPlugin(SimplePlugin):
    """Converter and sandbox of every Perennial process: `Client.connect(plugins=[...])`."""

    def __init__(self) -> None:
        super().__init__(
            "perennial",
            data_converter=pydantic_data_converter,
            workflow_runner=_runner,
        )
