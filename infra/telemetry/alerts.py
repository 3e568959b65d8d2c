"""The alert rules: what a person should know of, and what they do then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from infra.telemetry.queries import gpus, per_second, quantile, served, share, told, took


@dataclass(frozen=True)
class Alert:
    """One rule.

    Attributes:
        name: of the alert.
        expr: it holds where this has a value.
        lasting: for how long, before anybody is told.
        severity: `page` wakes somebody, `ticket` waits until the morning.
        summary: one line; `{{ $labels.x }}` is a label of the expression.
        todo: what to do.
    """

    name: str
    expr: str
    lasting: str
    severity: Literal["page", "ticket"]
    summary: str
    todo: str


_VARIANT = (
    "version {{ $labels.version }} ({{ $labels.variant }}) of {{ $labels.model }} in "
    "{{ $labels.environment }}"
)
_MODEL = "{{ $labels.model }} in {{ $labels.environment }}"
_ROLL_BACK = (
    "`perennial champions MODEL --history --environment ENV` says since when it is there, and "
    "`perennial rollback MODEL --environment ENV` puts the one before it back."
)

ALERTS = (
    Alert(
        "PerennialAway",
        'up{job=~"perennial-.*"} == 0',
        "1m",
        "page",
        "{{ $labels.job }} at {{ $labels.instance }} does not answer Prometheus",
        "`make status` says what runs, and `make logs` why not. Without the API nobody can ask for "
        "anything, and the data plane goes on with what it has; runs wait for their workers.",
    ),
    Alert(
        "PerennialApiFails",
        share(
            per_second("perennial_api_requests_total", "job", '{status=~"5.."}'),
            per_second("perennial_api_requests_total", "job"),
        )
        + " > 0.05",
        "5m",
        "page",
        "{{ $value | humanizePercentage }} of the API's requests fail",
        "Its log has the reason (`make logs SERVICE=api`); where a system is away, "
        "PerennialDependencyAway names it.",
    ),
    Alert(
        "PerennialDependencyAway",
        told("perennial_dependency_up", "dependency") + " == 0",
        "2m",
        "page",
        "{{ $labels.dependency }} does not answer the API",
        "/readyz of the API says what it answered, and docs/guides/operate.md what stands still "
        "meanwhile.",
    ),
    Alert(
        "PerennialQueueWaits",
        told("perennial_task_queue_backlog_age_seconds", "queue, kind") + " > 60",
        "1m",
        "page",
        "a {{ $labels.kind }} task of {{ $labels.queue }} waits for a worker",
        "Nobody polls, or too few do: see the workers' logs, and start more of them.",
    ),
    Alert(
        "PerennialActivitiesWait",
        quantile(0.95, "temporal_activity_schedule_to_start_latency_seconds", "job, task_queue")
        + " > 30",
        "10m",
        "ticket",
        "one in twenty activities of {{ $labels.task_queue }} waits for over 30 s",
        "Start more workers of that queue, or give the machine more cores.",
    ),
    Alert(
        "PerennialBusAway",
        told("perennial_bus_connected", "job") + " == 0",
        "5m",
        "ticket",
        "the message bus does not answer who listens to it",
        "Its log says why (`make logs SERVICE=bus`). Nothing is lost: messages wait on the bus.",
    ),
    Alert(
        "PerennialMessagesPutAside",
        'sum by (job) (increase(perennial_bus_messages_total{became="put_aside"}[1h])) > 0',
        "0s",
        "ticket",
        "messages of the bus can never become a wish and are put aside",
        "They are on the queue or topic `<PERENNIAL_BUS_QUEUE>.dead`, each with the reason in its "
        "header `perennial-reason`; mended, they can be sent again.",
    ),
    Alert(
        "PerennialWorkflowStands",
        # Temporal tries again after ten minutes at most; a series begins with its first count, so
        # that one failure is no growth
        told("increase(temporal_workflow_task_execution_failed_total[30m])", "workflow_type")
        + " > 1",
        "5m",
        "ticket",
        "a {{ $labels.workflow_type }} workflow stands still: its code fails again and again",
        "Nothing is lost. The control worker's log has the reason (`make logs SERVICE=control`); "
        "docs/guides/changing-workflows.md says how code is mended under runs.",
    ),
    Alert(
        "PerennialNothingServes",
        # every environment with a champion has a deployment; callers are in production
        told('perennial_deployment_weight_ratio{environment="production"}', "environment")
        + " > 0 unless "
        + told("perennial_serving_processes", "environment")
        + " > 0",
        "1m",
        "page",
        "nobody answers requests in {{ $labels.environment }}",
        "There are deployments, and no process of the data plane reports: see its log "
        "(`make logs SERVICE=serving`), and whether it reaches the API.",
    ),
    Alert(
        "PerennialPredictionsFail",
        share(served("errors"), served("requests")) + " > 0.01",
        "2m",
        "page",
        "{{ $value | humanizePercentage }} of the requests fail: " + _VARIANT,
        "The data plane's log has the failures. " + _ROLL_BACK,
    ),
    Alert(
        "PerennialPredictionsSlow",
        share(served("slow_requests"), served("requests")) + " > 0.05",
        "10m",
        "ticket",
        "{{ $value | humanizePercentage }} of the requests take too long: " + _VARIANT,
        "Where PerennialServingBusy holds too, more processes help; else " + _ROLL_BACK,
    ),
    Alert(
        "PerennialPredictionsSlower",
        # of the same version: what is new has no yesterday. Five milliseconds are nobody's worry
        f"{took(0.99)} > 2 * clamp_min({took(0.99, '1d')}, 0.005) and {served('requests')} > 1",
        "15m",
        "ticket",
        "one request in a hundred takes {{ $value | humanizeDuration }}, twice what it took a day "
        "ago: " + _VARIANT,
        "The same version answers the same question more slowly: see whether callers send more "
        "rows at once, what else runs on the machine, and whether PerennialServingBusy holds too.",
    ),
    Alert(
        "PerennialPredictionsRefused",
        share(served("refused_requests"), served("requests")) + " > 0.05",
        "10m",
        "ticket",
        "{{ $value | humanizePercentage }} of the requests cannot be read: " + _VARIANT,
        "A caller has changed what they send, or the version wants a column that nobody sends.",
    ),
    Alert(
        "PerennialServingBusy",
        told("perennial_serving_busy_ratio", "environment") + " > 0.9",
        "10m",
        "ticket",
        "the data plane of {{ $labels.environment }} has no time left",
        "Give it more processes (PERENNIAL_SERVING_PROCESSES), or a cluster "
        "(docs/guides/serve-on-ray.md). Rollouts are held meanwhile.",
    ),
    Alert(
        "PerennialLogLoses",
        served("lost_rows") + " > 0",
        "5m",
        "ticket",
        "{{ $value | humanize }} rows a second are missing from the log of requests: " + _VARIANT,
        "Its place is full, away or too slow (PERENNIAL_REQUEST_LOG_URL); the data plane's log "
        "says which. Less may be logged: `request_log.share` of the spec.",
    ),
    Alert(
        "PerennialApprovalExpires",
        told("perennial_approval_expiry_timestamp_seconds", "model, environment")
        + " - time() < 3600",
        "1m",
        "ticket",
        f"a question about {_MODEL} expires within the hour",
        "`perennial approvals` shows it to whoever may answer.",
    ),
    Alert(
        "PerennialRunsFail",
        told('increase(perennial_runs_finished_total{outcome="failed"}[6h])', "model, kind")
        + " >= 3",
        "1m",
        "ticket",
        "three runs of {{ $labels.model }} have failed within six hours",
        "`perennial runs MODEL` shows them, and each says why.",
    ),
    Alert(
        "PerennialQualityFails",
        told('perennial_window_failing{of="quality"}', "model, environment") + " == 1",
        "1m",
        "ticket",
        f"the newest labels say that {_MODEL} answers worse than promised",
        "`perennial report MODEL` shows since when, and what was done about it.",
    ),
    Alert(
        "PerennialAlertsWait",
        told('perennial_alerts_open{severity="critical"}', "model") + " > 0",
        "15m",
        "page",
        "nobody has taken care of a critical alert of {{ $labels.model }}",
        "`perennial alerts` shows it; `perennial alerts ack ID` says that you are at it.",
    ),
    Alert(
        "PerennialDeliveriesFail",
        # whether their number grew in any ten minutes: once a day old ones are removed, which a
        # difference over hours would set off against new ones
        'max(max_over_time(delta(perennial_deliveries{status="failed"}[10m])[6h:5m])) > 0',
        "1m",
        "ticket",
        "an alert did not reach a channel, and nobody tries any more",
        "`perennial alerts` lists what is open, and `perennial alerts show ID` has each channel's "
        "last error. See to the channel (docs/guides/alerts.md): it gets the next alert.",
    ),
    Alert(
        "PerennialGpuFull",
        f"{gpus('memory_used_bytes')} / {gpus('memory_bytes')} > 0.97",
        "10m",
        "ticket",
        "GPU {{ $labels.gpu }} ({{ $labels.card }}) has {{ $value | humanizePercentage }} of its "
        "memory taken",
        "The next training or model that wants a place there fails: `nvidia-smi` names the "
        "processes that hold it.",
    ),
    Alert(
        "PerennialGpuHot",
        gpus("temperature_celsius") + " > 87",
        "10m",
        "ticket",
        "GPU {{ $labels.gpu }} ({{ $labels.card }}) has {{ $value | humanize }} degrees",
        "It slows itself down to cool: trainings take longer than they did. See to its fans and "
        "the air around it.",
    ),
    Alert(
        "PerennialPaused",
        "max(perennial_platform_paused) == 1",
        "4h",
        "ticket",
        "the platform has been paused for four hours",
        "Nothing starts and nothing is promoted until `perennial resume --all`.",
    ),
)


def document(alerts: tuple[Alert, ...] = ALERTS, every: str = "15s") -> dict[str, Any]:
    """A file of rules, as Prometheus reads it.

    Args:
        alerts: that it has.
        every: how often Prometheus looks.
    """
    rules = [
        {
            "alert": alert.name,
            "expr": alert.expr,
            "for": alert.lasting,
            "labels": {"severity": alert.severity},
            "annotations": {"summary": alert.summary, "description": alert.todo},
        }
        for alert in alerts
    ]
    return {"groups": [{"name": "perennial", "interval": every, "rules": rules}]}
