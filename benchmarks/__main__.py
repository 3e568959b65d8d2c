"""`python -m benchmarks [NAME]`: measure, keep, and say what was found."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from benchmarks import (
    demo,
    drill,
    evidence,
    large_lives,
    results,
    rollout,
    sessions,
    start,
    training,
)
from benchmarks.data import measure as data
from benchmarks.lifecycle import measure as lifecycle
from benchmarks.monitoring import measure as monitoring
from benchmarks.orchestration import measure as orchestration
from benchmarks.serving import measure as serving
from benchmarks.year import measure as year

BENCHMARKS: dict[str, Callable[[], list[results.Row]]] = {
    "start": start.run,
    "demo": demo.run,
    "orchestration": orchestration.run,
    "large-lives": large_lives.run,
    "drill": drill.run,
    "lifecycle": lifecycle.run,
    "rollout": rollout.run,
    "serving": serving.run,
    "sessions": sessions.run,
    "monitoring": monitoring.run,
    "data": data.run,
    "evidence": evidence.run,
    "training": training.run,
    "replay-year": year.run,
}
_ONLY_BY_NAME = {"data", "drill", "replay-year", "serving"}  # three take long, one needs wrk


def main() -> int:
    """Run those named, or all but the longest; 1 if a target was missed."""
    names = sys.argv[1:] or [name for name in BENCHMARKS if name not in _ONLY_BY_NAME]
    if unknown := [name for name in names if name not in BENCHMARKS]:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
        return 2
    # so that what was started is ended, as after Ctrl-C
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    missed = False
    for name in names:
        print(f"{name}: measuring", flush=True)
        rows = BENCHMARKS[name]()
        path = results.write(name, rows)
        for row in rows:
            ratio = "" if row.ratio is None else f"  {row.ratio:.2f} of {row.peer}"
            verdict = {True: "  met", False: "  MISSED", None: ""}[row.met]
            print(f"  {row.case}: {row.value:g} {row.unit}{ratio}{verdict}")
            missed |= row.met is False
        print(f"  kept in {path.relative_to(path.parents[2])}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
