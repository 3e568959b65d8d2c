"""When each alert rule fires and when not, as Prometheus' own evaluation has it (promtool)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.telemetry import alerts
from tests.prometheus import promtool

_V = 'model="m",environment="production",variant="champion",version="1"'
_WAITED = "temporal_activity_schedule_to_start_latency_seconds_bucket"
_TWO = ('instance="a",job="perennial-api"', 'instance="b",job="perennial-api"')
_BUS = ('instance="a",job="perennial-bus"', 'instance="b",job="perennial-bus"')
_MINUTES = {
    "PerennialRunsFail": 420,
    "PerennialDeliveriesFail": 420,
    "PerennialPaused": 300,
    "PerennialPredictionsSlower": 24 * 60 + 60,
}
_LATENCY = f"perennial_serving_latency_seconds_bucket{{{_V}"
_GPU = 'gpu="0",card="H100"'
_USUALLY = 30
"""Minutes after which it is looked: promtool's clock begins at 0."""

CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    # the series with which it fires, and with which it does not
    "PerennialAway": ({'up{job="perennial-ml"}': "0x40"}, {'up{job="other"}': "0x40"}),
    "PerennialApiFails": (
        {
            'perennial_api_requests_total{job="perennial-api",status="200"}': "0+90x40",
            'perennial_api_requests_total{job="perennial-api",status="503"}': "0+10x40",
        },
        {
            'perennial_api_requests_total{job="perennial-api",status="404"}': "0+90x40",
            'perennial_api_requests_total{job="perennial-api",status="503"}': "0+1x40",
        },
    ),
    "PerennialDependencyAway": (
        {'perennial_dependency_up{dependency="opa"}': "0x40"},
        # one process of the API reaches it
        {
            'perennial_dependency_up{dependency="opa",instance="a"}': "0x40",
            'perennial_dependency_up{dependency="opa",instance="b"}': "1x40",
        },
    ),
    "PerennialQueueWaits": (
        {'perennial_task_queue_backlog_age_seconds{queue="q",kind="workflow"}': "90x40"},
        {'perennial_task_queue_backlog_age_seconds{queue="q",kind="workflow"}': "5x40"},
    ),
    "PerennialActivitiesWait": (
        {
            f'{_WAITED}{{task_queue="q",le="{le}"}}': n
            for le, n in (("10", "0+1x40"), ("100", "0+60x40"), ("+Inf", "0+60x40"))
        },
        {
            f'{_WAITED}{{task_queue="q",le="{le}"}}': n
            for le, n in (("10", "0+59x40"), ("100", "0+60x40"), ("+Inf", "0+60x40"))
        },
    ),
    # one of two processes hears it
    "PerennialBusAway": (
        {f"perennial_bus_connected{{{each}}}": "0x40" for each in _BUS},
        {
            f"perennial_bus_connected{{{_BUS[0]}}}": "0x40",
            f"perennial_bus_connected{{{_BUS[1]}}}": "1x40",
        },
    ),
    "PerennialMessagesPutAside": (
        {f'perennial_bus_messages_total{{became="put_aside",{_BUS[0]}}}': "0x20 1x20"},
        {
            f'perennial_bus_messages_total{{became="put_aside",{_BUS[0]}}}': "3x40",
            f'perennial_bus_messages_total{{became="wished",{_BUS[0]}}}': "0+5x40",
        },
    ),
    "PerennialWorkflowStands": (
        {'temporal_workflow_task_execution_failed_total{workflow_type="Monitor"}': "_x5 1+1x40"},
        # once, as when a worker is replaced
        {'temporal_workflow_task_execution_failed_total{workflow_type="Monitor"}': "_x5 1x40"},
    ),
    "PerennialNothingServes": (
        {
            f"perennial_deployment_weight_ratio{{{_V}}}": "1x40",
            'perennial_serving_processes{environment="production"}': "0x40",
        },
        {
            f"perennial_deployment_weight_ratio{{{_V}}}": "1x40",
            'perennial_serving_processes{environment="production"}': "2x40",
            # nobody calls there
            'perennial_deployment_weight_ratio{model="m",environment="testing"}': "1x40",
        },
    ),
    # two processes of the API show the same sums, and one of them began later
    "PerennialPredictionsFail": (
        {
            f"perennial_serving_{count}_total{{{_V},{each}}}": f"{start}+{by}x40"
            for each, start in zip(_TWO, (500, 0), strict=True)
            for count, by in (("requests", 100), ("errors", 2))
        },
        {
            f"perennial_serving_{count}_total{{{_V},{each}}}": f"{start}+{by}x40"
            for each, start in zip(_TWO, (500, 0), strict=True)
            for count, by in (("requests", 1000), ("errors", 9))
        },
    ),
    "PerennialPredictionsSlow": (
        {
            f"perennial_serving_requests_total{{{_V}}}": "0+100x40",
            f"perennial_serving_slow_requests_total{{{_V}}}": "0+10x40",
        },
        # no requests at all are no share
        {
            f"perennial_serving_requests_total{{{_V}}}": "7x40",
            f"perennial_serving_slow_requests_total{{{_V}}}": "7x40",
        },
    ),
    "PerennialPredictionsSlower": (
        # for a day a tenth of a second, then one in twenty takes a second
        {
            f"perennial_serving_requests_total{{{_V}}}": "0+120x1600",
            f'{_LATENCY},le="0.1"}}': "0+120x1450 174000+114x150",
            f'{_LATENCY},le="1"}}': "0+120x1600",
            f'{_LATENCY},le="+Inf"}}': "0+120x1600",
        },
        # as slow all the time
        {
            f"perennial_serving_requests_total{{{_V}}}": "0+120x1600",
            f'{_LATENCY},le="0.1"}}': "0+114x1600",
            f'{_LATENCY},le="1"}}': "0+120x1600",
            f'{_LATENCY},le="+Inf"}}': "0+120x1600",
        },
    ),
    "PerennialPredictionsRefused": (
        {
            f"perennial_serving_requests_total{{{_V}}}": "0+100x40",
            f"perennial_serving_refused_requests_total{{{_V}}}": "0+10x40",
        },
        {
            f"perennial_serving_requests_total{{{_V}}}": "0+100x40",
            f"perennial_serving_refused_requests_total{{{_V}}}": "0+1x40",
        },
    ),
    "PerennialServingBusy": (
        {'perennial_serving_busy_ratio{environment="production"}': "0.95x40"},
        {'perennial_serving_busy_ratio{environment="production"}': "0.5x40"},
    ),
    "PerennialLogLoses": (
        {f"perennial_serving_lost_rows_total{{{_V}}}": "0+1x40"},
        {f"perennial_serving_lost_rows_total{{{_V}}}": "9x40"},
    ),
    "PerennialApprovalExpires": (
        {
            'perennial_approval_expiry_timestamp_seconds{model="m",environment="production"}': (
                f"{60 * _USUALLY + 1800}x40"
            )
        },
        {
            'perennial_approval_expiry_timestamp_seconds{model="m",environment="production"}': (
                f"{60 * _USUALLY + 7200}x40"
            )
        },
    ),
    "PerennialRunsFail": (
        {
            'perennial_runs_finished_total{model="m",kind="lifecycle",outcome="failed"}': (
                # its very first ones
                "0x300 1x30 2x30 3x60"
            )
        },
        {
            'perennial_runs_finished_total{model="m",kind="lifecycle",outcome="failed"}': "5x720",
            'perennial_runs_finished_total{model="m",kind="lifecycle",outcome="denied"}': (
                "0+1x720"
            ),
        },
    ),
    "PerennialQualityFails": (
        {'perennial_window_failing{model="m",environment="production",of="quality"}': "1x40"},
        {
            'perennial_window_failing{model="m",environment="production",of="quality"}': "0x40",
            'perennial_window_failing{model="m",environment="production",of="drift"}': "1x40",
        },
    ),
    "PerennialAlertsWait": (
        {'perennial_alerts_open{model="m",severity="critical"}': "1x40"},
        {'perennial_alerts_open{model="m",severity="high"}': "3x40"},
    ),
    "PerennialDeliveriesFail": (
        # one was given up, and then old ones were removed: fewer are left than there were
        {'perennial_deliveries{status="failed"}': "7x100 8x50 3x300"},
        {
            # the last was given up long ago; since then old ones were removed
            'perennial_deliveries{status="failed"}': "6x40 7x200 3x300",
            'perennial_deliveries{status="pending"}': "0+1x540",
            # another process of the API began, and says the same
            'perennial_deliveries{status="failed",instance="b"}': "_x200 7x40 3x300",
        },
    ),
    "PerennialGpuFull": (
        {
            f"perennial_gpu_memory_used_bytes{{{_GPU}}}": "79x40",
            f"perennial_gpu_memory_bytes{{{_GPU}}}": "80x40",
        },
        {
            f"perennial_gpu_memory_used_bytes{{{_GPU}}}": "60x40",
            f"perennial_gpu_memory_bytes{{{_GPU}}}": "80x40",
        },
    ),
    "PerennialGpuHot": (
        {f"perennial_gpu_temperature_celsius{{{_GPU}}}": "91x40"},
        {f"perennial_gpu_temperature_celsius{{{_GPU}}}": "71x40"},
    ),
    "PerennialPaused": (
        {"perennial_platform_paused": "1x720"},
        {"perennial_platform_paused": "0x200 1x520"},
    ),
}


def asks(name: str, series: dict[str, str], *, fires: bool) -> dict[str, Any]:
    return {
        "name": f"{name} {'fires' if fires else 'is quiet'}",
        "interval": "1m",
        "input_series": [{"series": each, "values": values} for each, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})',
                "eval_time": f"{_MINUTES.get(name, _USUALLY)}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
        ],
    }


def test_every_alert_has_its_cases() -> None:
    assert list(CASES) == [alert.name for alert in alerts.ALERTS]


@pytest.mark.parametrize("fires", [True, False])
def test_when_each_fires(tmp_path: Path, fires: bool) -> None:
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(alerts.document(every="5m")))
    tests = [asks(name, both[not fires], fires=fires) for name, both in CASES.items()]
    cases = {"rule_files": ["alerts.yml"], "evaluation_interval": "5m", "tests": tests}
    file = tmp_path / "cases.yml"
    file.write_text(yaml.safe_dump(cases))
    promtool("test", "rules", str(file))
