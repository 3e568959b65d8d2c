"""An OPA that can die, questions of now for it, and what is kept of its answers."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import select

from api.db.store import Store
from api.db.tables import DecisionRow
from perennial.contracts.policy import MonitoringQuestion, PromotionQuestion, RolloutQuestion
from tests import questions
from tests.servers import free_port, program, wait_for

POLICIES = Path(__file__).parents[3] / "policies"


class Opa:
    """`opa run --server` that can be killed and started again at the same address."""

    def __init__(self, bundle: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._command = [
            *(program("opa"), "run", "--server", "--skip-version-check", "--log-level", "error"),
            *("--addr", self.url.removeprefix("http://"), "--bundle", str(bundle)),
        ]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)
        wait_for(f"{self.url}/health?bundles", self._process)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def question(**changes: Any) -> PromotionQuestion:
    return questions.question(asked_at=datetime.now(UTC), **changes)


def rollout(**changes: Any) -> RolloutQuestion:
    return questions.rollout_question(asked_at=datetime.now(UTC), **changes)


def window(**changes: Any) -> MonitoringQuestion:
    return questions.monitoring_question(asked_at=datetime.now(UTC), **changes)


def policy_texts() -> dict[str, str]:
    return {
        path.relative_to(POLICIES).as_posix(): path.read_text()
        for path in POLICIES.rglob("*")
        if path.is_file()
    }


def kept(store: Store, effect: str) -> DecisionRow | None:
    with store.database.reading() as session:
        row = session.exec(select(DecisionRow).where(DecisionRow.effect == effect)).one_or_none()
        if row is not None:
            session.expunge(row)
        return row
