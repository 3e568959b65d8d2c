"""Wait until services are ready, and tell how it goes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.stack.config import Config
from infra.stack.errors import NotReady
from infra.stack.probes import Probe, probes
from infra.stack.supervisor import ProcessState, Supervisor

Report = Callable[[str], None]

_PAUSE = 0.1
_LONG_PAUSE = 0.5
_REMINDER = 10.0
_TAIL_LINES = 15
# EXITED is not among them: the supervisor is about to start it again.
_GIVEN_UP = {"FATAL", "STOPPED"}
_MANY_STARTS = 5


def quiet(line: str) -> None:
    """Report nothing."""


def await_ready(
    config: Config,
    supervisor: Supervisor,
    names: list[str],
    timeout: float,
    report: Report,
    *,
    whole: bool = False,
) -> None:
    """Return once all named services are ready; report each as it comes.

    Raises:
        NotReady: one failed or took too long; the message ends with the last lines of its log.
    """
    watch = _Watch(config, supervisor, names, probes(config, whole=whole))
    waiting = set(names)
    width = max(map(len, names), default=0)
    reminded = 0.0
    try:
        while waiting:
            watch.refresh()
            fallen = {name for name in waiting if watch.has_failed(name)}
            if fallen or watch.spent > timeout:
                raise NotReady(watch.explain(sorted(fallen or waiting)))
            if watch.spent - reminded > _REMINDER:
                reminded = watch.spent
                report(f"{watch.spent:5.1f} s  waiting for {', '.join(sorted(waiting))}")
            for name in watch.ready_within(_PAUSE):
                waiting.discard(name)
                report(
                    f"{watch.spent:5.1f} s  {name:{width}}  ready  {config.addresses.get(name, '')}"
                )
    finally:
        watch.end()


class _Watch:
    """One thread for each service, so that a slow answer holds up no other."""

    def __init__(
        self, config: Config, supervisor: Supervisor, names: list[str], every: dict[str, Probe]
    ) -> None:
        self._config = config
        self._supervisor = supervisor
        self._begin = time.monotonic()
        self._states: Mapping[str, ProcessState] = supervisor.states()
        self._reasons = dict.fromkeys(names, "it was not asked yet")
        self._seen: dict[str, set[int]] = {name: set() for name in names}
        self._ready: queue.Queue[str] = queue.Queue()
        self._stop = threading.Event()
        for name in names:
            threading.Thread(
                target=self._ask, args=(name, every[name]), name=f"probe-{name}", daemon=True
            ).start()

    @property
    def spent(self) -> float:
        return time.monotonic() - self._begin

    def refresh(self) -> None:
        """Ask the supervisor once for all threads."""
        self._states = self._supervisor.states()
        for name, seen in self._seen.items():
            if (state := self._states.get(name)) and state.pid:
                seen.add(state.pid)

    def has_failed(self, name: str) -> bool:
        """Whether the supervisor gave up on it, or it has died again and again."""
        return self._state(name) in _GIVEN_UP or len(self._seen[name]) >= _MANY_STARTS

    def _state(self, name: str) -> str:
        state = self._states.get(name)
        return state.state if state else "STOPPED"

    def ready_within(self, seconds: float) -> list[str]:
        """The services that became ready, waiting up to `seconds` for the first."""
        try:
            found = [self._ready.get(timeout=seconds)]
        except queue.Empty:
            return []
        while not self._ready.empty():
            found.append(self._ready.get())
        return found

    def end(self) -> None:
        self._stop.set()

    def explain(self, failed: list[str]) -> str:
        parts = [f"not ready after {self.spent:.0f} s: {', '.join(failed)}"]
        for name in failed:
            log = self._config.layout.log(name)
            parts.append(f"\n{name}: {self._reasons[name]}\n  the end of {log}:")
            parts += [f"  | {line}" for line in _tail(log)]
        return "\n".join(parts)

    def _ask(self, name: str, probe: Probe) -> None:
        pause = _PAUSE
        while not self._stop.is_set():
            state = self._states.get(name)
            if state is None or not state.pid:
                reason: str | None = f"its process is {self._state(name).lower()}"
            else:
                reason = probe(state.pid)
            if reason is None:
                self._ready.put(name)
                return
            self._reasons[name] = reason
            self._stop.wait(pause)
            # asking takes time from what is asked
            pause = min(_LONG_PAUSE, pause * 1.2)


def _tail(log: Path) -> list[str]:
    if not log.exists():
        return ["(there is no log yet)"]
    return log.read_text(errors="replace").splitlines()[-_TAIL_LINES:] or ["(the log is empty)"]
