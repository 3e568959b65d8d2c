"""Expressions of PromQL that alert rules and the dashboard have in common."""

from __future__ import annotations

WINDOW = "5m"
BY_VARIANT = "model, environment, variant, version"


def per_second(counter: str, by: str, matching: str = "") -> str:
    """The rate of a counter of the API's own, summed over its processes."""
    return f"sum by ({by}) (rate({counter}{matching}[{WINDOW}]))"


def told(gauge: str, by: str) -> str:
    """A figure of the records: each process of the API says the same, so that one counts."""
    return f"max by ({by}) ({gauge})"


def served(counter: str, by: str = BY_VARIANT) -> str:
    """The rate of a count of the data plane, of which each process of the API has the whole sum."""
    each = f"max by ({BY_VARIANT}) (rate(perennial_serving_{counter}_total[{WINDOW}]))"
    return each if by == BY_VARIANT else f"sum by ({by}) ({each})"


def share(part: str, whole: str) -> str:
    """A part of a whole; nothing where the whole is nothing."""
    return f"{part} / ({whole} > 0)"


def quantile(of: float, histogram: str, by: str) -> str:
    """A quantile of a histogram's last minutes, in seconds."""
    rate = f"sum by (le, {by}) (rate({histogram}_bucket[{WINDOW}]))"
    return f"histogram_quantile({of:g}, {rate})"


def took(of: float, ago: str = "") -> str:
    """A quantile of the data plane's latencies, of which each process of the API has the whole.

    Args:
        of: from 0 to 1.
        ago: so long ago, as `1d`; empty: now.
    """
    buckets = f"perennial_serving_latency_seconds_bucket[{WINDOW}]"
    rate = f"max by (le, {BY_VARIANT}) (rate({buckets}{f' offset {ago}' if ago else ''}))"
    return f"histogram_quantile({of:g}, {rate})"


def gpus(figure: str) -> str:
    """A figure of the GPUs at hand: each process of the API there asks the same driver."""
    return told(f"perennial_gpu_{figure}", "gpu, card")
