"""The dashboard: rows of panels for Grafana."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from infra.telemetry.queries import gpus, per_second, quantile, served, share, told, took

Unit = Literal["reqps", "percentunit", "s", "short", "bytes", "dateTimeAsIso"]
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_HEIGHT, _WIDTH, _PANELS_A_ROW = 8, 8, 3


@dataclass(frozen=True)
class Panel:
    """Lines over time.

    Attributes:
        title: what is seen.
        unit: of its axis, in Grafana's words.
        lines: pairs of expression and what each line is called.
    """

    title: str
    unit: Unit
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Row:
    """Panels on one theme."""

    title: str
    panels: tuple[Panel, ...]


_VARIANT = "{{model}} {{environment}} {{variant}} v{{version}}"
_GPU = "{{gpu}} {{card}}"

ROWS = (
    Row(
        "Predictions",
        (
            Panel("Requests", "reqps", ((served("requests"), _VARIANT),)),
            Panel(
                "Failed",
                "percentunit",
                ((share(served("errors"), served("requests")), _VARIANT),),
            ),
            Panel(
                "Slower than the deployment's limit",
                "percentunit",
                ((share(served("slow_requests"), served("requests")), _VARIANT),),
            ),
            Panel(
                "Time of one in two requests, and of 99 in 100",
                "s",
                ((took(0.5), f"half {_VARIANT}"), (took(0.99), f"99 % {_VARIANT}")),
            ),
            Panel(
                "Share of the requests",
                "percentunit",
                (
                    (
                        told(
                            "perennial_deployment_weight_ratio",
                            "model, environment, variant, version",
                        ),
                        _VARIANT,
                    ),
                ),
            ),
            Panel(
                "Processes, and the busiest one's time",
                "short",
                (
                    (told("perennial_serving_processes", "environment"), "{{environment}}"),
                    (told("perennial_serving_busy_ratio", "environment"), "busy {{environment}}"),
                ),
            ),
            Panel(
                "Rows logged and lost",
                "short",
                (
                    (served("logged_rows", "model"), "{{model}} logged a second"),
                    (served("lost_rows", "model"), "{{model}} lost a second"),
                ),
            ),
            Panel(
                "Refused",
                "percentunit",
                ((share(served("refused_requests"), served("requests")), _VARIANT),),
            ),
            Panel(
                "Copies that disagree with the champion",
                "percentunit",
                ((share(served("disagreed_rows"), served("compared_rows")), _VARIANT),),
            ),
        ),
    ),
    Row(
        "Watched champions",
        (
            Panel(
                "Worst measure of the newest window, of its alert limit",
                "short",
                (
                    (
                        told("perennial_window_excess_ratio", "model, environment, of"),
                        "{{model}} {{environment}} {{of}}",
                    ),
                ),
            ),
            Panel(
                "Rows of the newest window",
                "short",
                (
                    (
                        told("perennial_window_rows", "model, environment"),
                        "{{model}} {{environment}}",
                    ),
                ),
            ),
            Panel(
                "Labels that wait for their request",
                "short",
                ((told('perennial_labels{status="waiting"}', "model"), "{{model}}"),),
            ),
            Panel(
                "Wishes to train again, in a day",
                "short",
                (
                    (
                        told("increase(perennial_triggers_total[1d])", "model, cause, decision"),
                        "{{model}} {{cause}} {{decision}}",
                    ),
                ),
            ),
            Panel(
                "Alerts that are open",
                "short",
                ((told("perennial_alerts_open", "model, severity"), "{{model}} {{severity}}"),),
            ),
            Panel(
                "Tellings of alerts to channels",
                "short",
                ((told("perennial_deliveries", "status"), "{{status}}"),),
            ),
        ),
    ),
    Row(
        "Models",
        (
            Panel(
                "Champions",
                "short",
                (
                    (
                        told("perennial_champion_version", "model, environment"),
                        "{{model}} {{environment}}",
                    ),
                ),
            ),
            Panel(
                "Runs under way",
                "short",
                ((f"sum by (status) ({told('perennial_runs', 'model, status')})", "{{status}}"),),
            ),
            Panel(
                "Runs ended, in a day",
                "short",
                (
                    (
                        "sum by (outcome) ("
                        + told(
                            "increase(perennial_runs_finished_total[1d])", "model, kind, outcome"
                        )
                        + ")",
                        "{{outcome}}",
                    ),
                ),
            ),
            Panel(
                "Questions that wait for people",
                "short",
                (
                    (
                        told("perennial_approvals_open", "model, environment"),
                        "{{model}} {{environment}}",
                    ),
                ),
            ),
            Panel("Models", "short", ((told("perennial_models", "status"), "{{status}}"),)),
            Panel("Paused", "short", (("max(perennial_platform_paused)", "the platform"),)),
        ),
    ),
    Row(
        "The API",
        (
            Panel(
                "Requests",
                "reqps",
                (
                    (
                        per_second("perennial_api_requests_total", "method, route"),
                        "{{method}} {{route}}",
                    ),
                ),
            ),
            Panel(
                "Failed",
                "reqps",
                (
                    (
                        per_second(
                            "perennial_api_requests_total", "route, status", '{status=~"5.."}'
                        ),
                        "{{status}} {{route}}",
                    ),
                ),
            ),
            Panel(
                "Until an answer begins, one in twenty",
                "s",
                (
                    (
                        quantile(0.95, "perennial_api_request_seconds", "method, route"),
                        "{{method}} {{route}}",
                    ),
                ),
            ),
            Panel(
                "Systems that answer",
                "short",
                ((told("perennial_dependency_up", "dependency"), "{{dependency}}"),),
            ),
        ),
    ),
    Row(
        "Workers",
        (
            Panel(
                "The oldest task that waits",
                "s",
                (
                    (
                        told("perennial_task_queue_backlog_age_seconds", "queue, kind"),
                        "{{queue}} {{kind}}",
                    ),
                ),
            ),
            Panel(
                "Activities wait for a worker, one in twenty",
                "s",
                (
                    (
                        quantile(
                            0.95,
                            "temporal_activity_schedule_to_start_latency_seconds",
                            "task_queue",
                        ),
                        "{{task_queue}}",
                    ),
                ),
            ),
            Panel(
                "Activities take, one in twenty",
                "s",
                (
                    (
                        quantile(
                            0.95, "temporal_activity_execution_latency_seconds", "activity_type"
                        ),
                        "{{activity_type}}",
                    ),
                ),
            ),
            Panel(
                "Activities that failed",
                "short",
                (
                    (
                        per_second("temporal_activity_execution_failed_total", "activity_type"),
                        "{{activity_type}}",
                    ),
                ),
            ),
            Panel(
                "Workflows ended",
                "short",
                (
                    (
                        per_second("temporal_workflow_completed_total", "workflow_type"),
                        "{{workflow_type}}",
                    ),
                    (
                        per_second("temporal_workflow_failed_total", "workflow_type"),
                        "{{workflow_type}} failed",
                    ),
                ),
            ),
            Panel(
                "Messages of the bus, in a day",
                "short",
                (
                    (
                        "sum by (became) (increase(perennial_bus_messages_total[1d]))",
                        "{{became}}",
                    ),
                ),
            ),
        ),
    ),
    Row(
        "Processes",
        (
            Panel(
                "Cores in use",
                "short",
                (("rate(process_cpu_seconds_total[5m])", "{{job}} {{instance}}"),),
            ),
            Panel("Memory", "bytes", (("process_resident_memory_bytes", "{{job}} {{instance}}"),)),
            Panel("Open files", "short", (("process_open_fds", "{{job}} {{instance}}"),)),
            Panel(
                "Cores in use by the data plane",
                "short",
                (
                    (
                        told(
                            "rate(perennial_data_plane_cpu_seconds_total[5m])",
                            "environment",
                        ),
                        "{{environment}}",
                    ),
                ),
            ),
            Panel(
                "Memory of the data plane",
                "bytes",
                ((told("perennial_data_plane_memory_bytes", "environment"), "{{environment}}"),),
            ),
        ),
    ),
    Row(
        "GPUs of the API's machine",
        (
            Panel("Time that each computes", "percentunit", ((gpus("utilization_ratio"), _GPU),)),
            Panel(
                "Memory that is taken",
                "percentunit",
                ((f"{gpus('memory_used_bytes')} / {gpus('memory_bytes')}", _GPU),),
            ),
            Panel(
                "Temperature and power",
                "short",
                (
                    (gpus("temperature_celsius"), f"{_GPU} °C"),
                    (gpus("power_watts"), f"{_GPU} W"),
                ),
            ),
        ),
    ),
)


def document(rows: tuple[Row, ...] = ROWS) -> dict[str, Any]:
    """The dashboard, as Grafana imports it; which Prometheus it asks is chosen there."""
    ids, panels, top = count(1), [], 0
    for row in rows:
        panels.append(
            {
                "id": next(ids),
                "type": "row",
                "title": row.title,
                "gridPos": {"x": 0, "y": top, "w": 24, "h": 1},
            }
        )
        top += 1
        for place, panel in enumerate(row.panels):
            down, along = divmod(place, _PANELS_A_ROW)
            at = {"x": along * _WIDTH, "y": top + down * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            panels.append(_lines(next(ids), panel, at))
        top += -(-len(row.panels) // _PANELS_A_ROW) * _HEIGHT
    source = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "uid": "perennial",
        "title": "Perennial",
        "tags": ["perennial"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels,
    }


def _lines(id: int, panel: Panel, at: dict[str, int]) -> dict[str, Any]:
    return {
        "id": id,
        "type": "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": at,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": _SOURCE,
                "expr": expr,
                "legendFormat": name,
            }
            for place, (expr, name) in enumerate(panel.lines)
        ],
    }
