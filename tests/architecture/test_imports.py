"""What a process loads, measured in a fresh one: an indirect import counts too."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "ray", "mlflow", "whylogs", "pandas", "onnxruntime", "sklearn", "pandera")
TRACING = ("opentelemetry.sdk", "temporalio.contrib.opentelemetry")
OF_THE_CLI = (
    *HEAVY,
    *("temporalio", "sqlalchemy", "sqlmodel", "pydantic", "fastapi", "numpy"),
    *("opentelemetry", "prometheus_client"),
)


def loaded(module: str, unwanted: tuple[str, ...]) -> list[str]:
    code = f"import sys, {module}; print([name for name in {unwanted!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: list[str] = eval(done.stdout)
    return found


@pytest.mark.parametrize(
    "module",
    [
        "perennial.authoring",
        "perennial.contracts.lifecycle",
        "perennial.temporal",
        "workflows.lifecycle",
        "workflows.model",
        "workflows.promotion",
        "workers.control",
        "workers.bus",
        "api.app",
    ],
)
def test_light_processes_load_no_heavy_library(module: str) -> None:
    assert loaded(module, (*HEAVY, *TRACING)) == []


def test_the_command_line_loads_only_what_it_speaks_with() -> None:
    assert loaded("perennial.cli", OF_THE_CLI) == []


@pytest.mark.parametrize("module", ["workers.control", "workers.__main__", "api.app"])
def test_only_who_listens_to_a_bus_loads_its_clients(module: str) -> None:
    assert loaded(module, ("faststream", "aio_pika", "aiokafka")) == []


def test_the_check_can_fail() -> None:
    assert loaded("pandas", HEAVY) == ["pandas"]
