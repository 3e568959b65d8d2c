"""One plugin carries what client, worker and replayer must agree on, so they cannot drift apart."""

from __future__ import annotations

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin

from perennial.runner import sandboxed


class PerennialPlugin(SimplePlugin):
    """Converter and sandbox of every Perennial process: `Client.connect(plugins=[...])`."""

    def __init__(self) -> None:
        super().__init__(
            "perennial",
            data_converter=pydantic_data_converter,
            workflow_runner=lambda runner: sandboxed(runner, pydantic_data_converter),
        )
