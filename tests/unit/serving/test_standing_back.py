"""A process that stands back has the lower priority, and long slices where the kernel has such."""

from __future__ import annotations

import os
import platform
import re
import struct
import subprocess
import sys

TOLD = """
import ctypes, os, sys
from serving.standing_back import stand_back
stand_back(7)
told = ctypes.create_string_buffer(48)
ctypes.CDLL(None).syscall(int(sys.argv[1]), 0, told, 48, 0)
print(os.getpriority(os.PRIO_PROCESS, 0), told.raw.hex())
"""
_GET_ATTR = {"x86_64": 315, "aarch64": 275}


def test_others_go_first() -> None:
    command = [sys.executable, "-c", TOLD, str(_GET_ATTR[platform.machine()])]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(said[0]) == min(os.getpriority(os.PRIO_PROCESS, 0) + 7, 19)
    _, policy, _, nice, _, slice_ns, *_ = struct.unpack("<IIQiIQQQ", bytes.fromhex(said[1]))
    assert policy == os.SCHED_OTHER and nice == int(said[0])
    kernel = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))
    assert (slice_ns == 100_000_000) == (kernel >= (6, 12))
