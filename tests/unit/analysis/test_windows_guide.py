"""The page that says how a window is judged has a spec that is one."""

from __future__ import annotations

from pathlib import Path

import yaml

from perennial.contracts.monitoring_plan import MonitoringPlan
from perennial.contracts.request_log import RequestLog

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "windows.md"


def test_its_spec_is_read_as_it_says() -> None:
    [told] = GUIDE.read_text().split("```yaml")[1:]
    spec = yaml.safe_load(told.partition("```")[0])
    assert RequestLog.model_validate(spec["request_log"]).event_time == "header"
    plan = MonitoringPlan.model_validate(spec["monitoring"])
    assert plan.segments == ("origin", "carrier")
    # the limits that it shows are the usual ones
    assert plan.drift == MonitoringPlan().drift
