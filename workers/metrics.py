"""A worker's own figures for Prometheus: those of Temporal's SDK, and of its process."""

from __future__ import annotations

import asyncio
import logging

from prometheus_client import ProcessCollector
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from perennial.contracts.errors import BadInput

_EVERY_SECONDS = 5.0
_TAKEN = "Address already in use"


def runtime(address: str) -> Runtime | None:
    """A runtime of Temporal's SDK that shows its figures at `http://<address>/metrics`.

    None without an address, and where it is taken: in a rolling restart by the worker that is about
    to go, and a worker that does its work is worth more than its figures. Prometheus sees it.

    Raises:
        BadInput: the address is none.
    """
    if not address:
        return None
    shown = PrometheusConfig(
        bind_address=address,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
    )
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=shown, attach_service_name=False))
    except ValueError as error:
        if _TAKEN in str(error):
            logging.warning(
                "somebody listens on %s: this worker shows no figures (PERENNIAL_WORKER_METRICS)",
                address,
            )
            return None
        raise BadInput(
            f"PERENNIAL_WORKER_METRICS is {address!r}, where a worker cannot show its figures: "
            f"{error}; give host:port, such as 127.0.0.1:9464, or leave it empty"
        ) from None


async def show_process(of: Runtime) -> None:
    """Show what this process uses too, under the usual names, for ever."""
    process = ProcessCollector(registry=None)
    gauges = {
        sample.name: of.metric_meter.create_gauge_float(sample.name, family.documentation)
        for family in process.collect()
        for sample in family.samples
    }
    while True:
        for family in process.collect():
            for sample in family.samples:
                gauges[sample.name].set(sample.value)
        await asyncio.sleep(_EVERY_SECONDS)
