"""GPUs of the machine that the API runs on, as nvidia-smi tells of them; nothing where it is not.

GPUs of other machines are in the figures of Ray's own node agents (`ray_node_gpus_utilization`).
"""

from __future__ import annotations

import shutil
import subprocess

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

_SECONDS = 2.0
_MIB = 2**20
_FIGURES = (
    ("utilization.gpu", "utilization_ratio", "The part of the time that it computes.", 0.01),
    ("memory.used", "memory_used_bytes", "Memory of it that is taken.", _MIB),
    ("memory.total", "memory_bytes", "Memory that it has.", _MIB),
    ("temperature.gpu", "temperature_celsius", "How hot it is.", 1.0),
    ("power.draw", "power_watts", "What it takes.", 1.0),
)


def gpus() -> list[Metric]:
    """Figures by the number and name of the card, of which one may not tell each."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    asked = ",".join(("index", "name", *(field for field, *_ in _FIGURES)))
    command = [program, f"--query-gpu={asked}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return []  # there is no driver, or it hangs: no figures say so
    found = {
        field: GaugeMetricFamily(f"perennial_gpu_{name}", help, labels=("gpu", "card"))
        for field, name, help, _ in _FIGURES
    }
    for line in done.stdout.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) != 2 + len(_FIGURES):
            continue
        gpu, card, *values = parts
        for (field, _, _, unit), value in zip(_FIGURES, values, strict=True):
            try:
                found[field].add_metric((gpu, card), float(value) * unit)
            except ValueError:  # [N/A], of a GPU that does not measure it
                continue
    return [metric for metric in found.values() if metric.samples]
