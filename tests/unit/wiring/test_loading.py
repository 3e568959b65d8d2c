"""Imports: without the garbage collector, and ahead of time only in a spare process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest
from ray import JobID

from perennial.loading import uncollected


def test_the_collector_is_back_however_the_import_ends() -> None:
    assert gc.isenabled()
    with pytest.raises(ImportError), uncollected():
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled(), "the one that began it ends it"
        raise ImportError
    assert gc.isenabled()


def test_many_modules_are_kept_out_of_collections() -> None:
    program = """if True:
        import gc
        from perennial.loading import uncollected
        with uncollected():
            import json
        print(gc.get_freeze_count())
        with uncollected():
            import sqlmodel
        print(gc.get_freeze_count() > 10_000, gc.isenabled())
    """
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "True", "True"]


@pytest.mark.parametrize(("job", "threads"), [(JobID.nil(), 2), (JobID.from_int(1), 1)])
def test_a_process_that_is_started_for_somebody_loads_nothing(job: JobID, threads: int) -> None:
    """Ray loads the module into every process, and tells one that is for somebody for whom."""
    count = "import threading, activities.ray_tasks.ahead; print(threading.active_count())"
    done = subprocess.run(
        [sys.executable, "-c", count],
        env={**os.environ, "RAY_JOB_ID": job.hex()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == threads


def test_what_loads_ahead_has_ended_before_work_begins() -> None:
    program = """if True:
        import threading
        from activities.ray_tasks import ahead
        assert threading.active_count() == 2
        ahead.settle()
        print(threading.active_count())
    """
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "RAY_JOB_ID": JobID.nil().hex()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == 1


def test_mlflow_is_loaded_whole_and_by_one_thread_at_a_time() -> None:
    """Whoever is asked first, also where the worker's warm-up loads it at that moment."""
    program = """if True:
        import sys, threading
        from activities import work
        from activities.mlflow_server import MlflowServer
        entered = threading.Event()
        def ask():
            with MlflowServer("http://127.0.0.1:1").asked_to("be asked"):
                assert "mlflow.onnx" in sys.modules
                entered.set()
        asking = threading.Thread(target=ask)
        with work.loading():
            asking.start()
            while not sys._current_frames()[asking.ident].f_code.co_name == "loading":
                assert not any(name.startswith("mlflow") for name in sys.modules)
        asking.join()
        print(entered.is_set())
    """
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True"]
