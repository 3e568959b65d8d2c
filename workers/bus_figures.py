"""What the process that listens to a bus shows Prometheus of it."""

from __future__ import annotations

from typing import Literal, get_args

from temporalio.common import MetricMeter
from temporalio.runtime import Runtime

Became = Literal["wished", "put_aside", "given_back"]
"""What became of a message; of one that is given back once for each time that it was delivered."""
MESSAGES, CONNECTED = "perennial_bus_messages", "perennial_bus_connected"


class BusFigures:
    """Shown beside those of Temporal's SDK, at the same address; nowhere without one."""

    def __init__(self, runtime: Runtime | None) -> None:
        meter = MetricMeter.noop if runtime is None else runtime.metric_meter
        self._messages = meter.create_counter(MESSAGES, "Messages by what became of them.")
        self._connected = meter.create_gauge(CONNECTED, "1 while the bus answers.")
        # what first appears with a 1 has not grown, for Prometheus
        for became in get_args(Became):
            self._messages.add(0, {"became": became})
        self.connected(False)

    def became(self, what: Became) -> None:
        """Count a message."""
        self._messages.add(1, {"became": what})

    def connected(self, now: bool) -> None:
        """Tell whether the bus answers."""
        self._connected.set(int(now))
