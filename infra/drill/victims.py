"""Which processes are killed."""

from __future__ import annotations

import contextlib

import psutil

from infra.drill.plan import EVERYTHING, TRAINING
from infra.stack import Stack, orphans

_GONE_SECONDS = 10.0
_TRAINING_TITLE = "ray::TrainingJob"


def find(stack: Stack, process: str) -> list[psutil.Process]:
    """The processes behind a name of the plan, those that would start others again first."""
    if process == EVERYTHING:
        return everything(stack)
    pids = stack.pids("ray" if process == TRAINING else process)
    found = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    if process == TRAINING:
        return [candidate for candidate in found if _trains(candidate)]
    return found


def everything(stack: Stack) -> list[psutil.Process]:
    """The supervisor and all that it started, also what has left its parent."""
    first: list[psutil.Process] = []
    if (above := supervisor(stack)) is not None:
        first = [above, *above.children(recursive=True)]
    marked = orphans.find(stack.config.layout.stack_id)
    return list(dict.fromkeys([*first, *marked]))


def supervisor(stack: Stack) -> psutil.Process | None:
    """The supervisor, while it and one of its services run."""
    for state in stack.states().values():
        with contextlib.suppress(psutil.Error):
            if state.pid:
                return psutil.Process(state.pid).parent()
    return None


def kill(processes: list[psutil.Process]) -> None:
    """SIGKILL, one right after the other."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


def see_gone(stack: Stack, process: str, killed: list[psutil.Process]) -> None:
    """Wait until all that was killed is gone; of everything, also what was started meanwhile."""
    psutil.wait_procs(killed, timeout=_GONE_SECONDS)
    if process == EVERYTHING:
        # what was started while the others died; nobody starts it again
        while late := everything(stack):
            kill(late)
            psutil.wait_procs(late, timeout=_GONE_SECONDS)


def _trains(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(word.startswith(_TRAINING_TITLE) for word in process.cmdline())
    return False
