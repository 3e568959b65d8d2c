"""One plugin carries what client, worker and replayer must agree on, so they cannot drift apart."""

from __future__ import annotations

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkerConfig

from perennial.runner import Unversioned, sandboxed


class PerennialPlugin(SimplePlugin):
    """Converter and sandbox of every Perennial process: `Client.connect(plugins=[...])`."""

    def __init__(self) -> None:
        super().__init__(
            "perennial",
            data_converter=pydantic_data_converter,
            workflow_runner=lambda runner: sandboxed(runner, pydantic_data_converter),
        )

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        """The usual, and no word of pinning from a worker that has no build id."""
        config = super().configure_worker(config)
        deployment = config.get("deployment_config")
        if deployment is None or not deployment.use_worker_versioning:
            for runner in ("workflow_runner", "unsandboxed_workflow_runner"):
                config[runner] = Unversioned(config[runner])
        return config
