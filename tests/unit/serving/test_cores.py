"""As many processes as a container has cores, and not as its machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from serving.cores import cores
from serving.limits import Limits


@pytest.mark.parametrize(
    ("files", "most"),
    [
        ({}, 99),
        ({"sys/fs/cgroup/cpu.max": "max 100000\n"}, 99),
        ({"sys/fs/cgroup/cpu.max": "100000 100000\n"}, 1),
        ({"sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        ({"sys/fs/cgroup/cpu.max": "290000 100000\n"}, 2),
        (
            {
                "proc/self/cgroup": "4:memory:/a\n0::/pods/mine\n",
                "sys/fs/cgroup/pods/cpu.max": "100000 100000\n",
                "sys/fs/cgroup/pods/mine/cpu.max": "max 100000\n",
            },
            1,
        ),
        (
            {
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            1,
        ),
        (
            {
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            99,
        ),
    ],
)
def test_a_quota_bounds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], most: int
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    assert cores(tmp_path) == min(4, most)


def test_where_a_process_may_run_bounds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert cores() == Limits().processes == 1
