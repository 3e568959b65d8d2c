"""What is in C, built to watch its own memory and its arithmetic, under the tests of it.

Not in the suite, since a compiler with its sanitizers is not everywhere (`make check-c`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np

from hatch_build import SOURCES

CHECKOUT = Path(__file__).parents[3]
TESTS = [f"tests/unit/serving/{name}.py" for name in ("test_records", "test_pieces", "test_pages")]
SANITIZED = "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"
RUN = """
import os, sys
import pytest, serving
folder, *tests = sys.argv[1:]
serving.__path__.insert(0, folder)
from serving import _pieces, _records
assert all(module.__file__.startswith(folder) for module in (_pieces, _records))
code = pytest.main(["-q", "-s", "-p", "no:cacheprovider", *tests])
sys.stdout.flush()
os._exit(code)  # what the interpreter leaves behind is not ours
"""


def test_what_is_in_c_keeps_to_its_memory_and_to_what_c_defines(tmp_path: Path) -> None:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    headers = [f"-I{sysconfig.get_path('include')}", f"-I{np.get_include()}"]
    for source in SOURCES:
        built = tmp_path / Path(source).with_suffix(sysconfig.get_config_var("EXT_SUFFIX")).name
        how = [*SANITIZED, "-O1", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter"]
        how += ["-Wno-missing-field-initializers", "-Wno-cast-function-type", "-Werror"]
        command = [*compiler, *how, "-shared", "-fPIC", *headers, source, "-o", str(built)]
        subprocess.run(command, cwd=CHECKOUT, check=True)
    # the interpreter is not built so: what watches has to be there before it
    watching = [_library(compiler, name) for name in ("libasan.so", "libubsan.so")]
    env = os.environ | {
        "LD_PRELOAD": " ".join(watching),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",  # else it would see arenas and not objects
    }
    command = [sys.executable, "-c", RUN, str(tmp_path), *TESTS]
    ran = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[:4000]
    assert " passed" in ran.stdout


def _library(compiler: list[str], name: str) -> str:
    found = subprocess.run(
        [*compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()
