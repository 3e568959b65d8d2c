"""The one thing that people do in a drill: approve."""

from __future__ import annotations

import threading

from infra.drill.records import Records
from infra.stack import Stack
from perennial.client import ApiError, Client, ServiceAway

_PAUSE_SECONDS = 0.02
_LATER_SECONDS = 0.2


class Voter:
    """Approves what a model's run asks, in a thread, again and again until the API has taken it."""

    def __init__(self, stack: Stack, client: Client, model: str, run: int = 1) -> None:
        self.may_vote = threading.Event()
        self.refused = ""
        """What the API said last when it did not take the vote."""
        self._file = stack.config.layout.state_dir / "records.db"
        self._client, self._model, self._run = client, model, run
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._vote, name="voter", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop, whether it has voted or not."""
        self._stop.set()
        self.may_vote.set()
        self._thread.join()

    def _vote(self) -> None:
        self.may_vote.wait()
        records = Records(self._file)
        records.look_at(self._model, self._run)
        try:
            while not self._stop.is_set():
                taken = self._try_once(records)
                if self._stop.wait(_PAUSE_SECONDS if taken is None else _LATER_SECONDS) or taken:
                    return
        finally:
            records.close()
            self._client.close()

    def _try_once(self, records: Records) -> bool | None:
        """Whether the vote was taken; None while there is nothing to vote on."""
        question = records.waits_for_people(self._model)
        if question is None:
            return None
        try:
            self._client.vote(
                question.approval_id,
                question.evidence_digest,
                approve=True,
                comment="a drill",
                # the same request each time: a vote that was taken unheard counts once
                key=f"drill-{question.approval_id}",
            )
        except (ApiError, ServiceAway) as error:
            self.refused = str(error)
            return False
        return True
