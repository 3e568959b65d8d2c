"""Questions to OPA. Every answer is kept with the exact input and the policy that gave it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
from opa_client import AsyncOpaClient
from temporalio import activity

from perennial.contracts.base import Json
from perennial.contracts.errors import BadInput, PolicyUnavailable
from perennial.contracts.policy import Decide, Decision, Question, RefuseUnasked
from perennial.contracts.store import RecordStore
from perennial.policy_answer import Reading, interpret
from perennial.policy_bundle import DECISIONS

_SECONDS = 2.0
_RETRIES = 1
"""Once more at once, for a pooled connection that OPA closed meanwhile; Temporal does the rest."""


class PolicyActivities:
    """The gate. Deny is a result, unreachable is an error."""

    def __init__(self, client: AsyncOpaClient, store: RecordStore) -> None:
        """Use `connect`, unless the client needs a token or certificates of its own."""
        self._client = client
        self._store = store
        self._opening = asyncio.Lock()
        self._open = False

    @classmethod
    def connect(cls, opa_url: str, store: RecordStore) -> PolicyActivities:
        """For an address such as `http://127.0.0.1:8181`. The connection opens on first use.

        Raises:
            BadInput: the address is not `http(s)://host[:port]`.
        """
        try:
            url = urlsplit(opa_url)
            host, port = url.hostname, url.port or (443 if url.scheme == "https" else 80)
        except ValueError:
            host, port = None, 0
        if not host or url.scheme not in ("http", "https") or url.path.strip("/"):
            raise BadInput(
                f"OPA's address {opa_url!r} is not http(s)://host[:port]; set PERENNIAL_OPA_URL"
            )
        client = AsyncOpaClient(
            host=f"[{host}]" if ":" in host else host,
            port=port,
            ssl=url.scheme == "https",
            timeout=_SECONDS,
            retries=_RETRIES,
        )
        return cls(client, store)

    async def close(self) -> None:
        """Close the connections."""
        async with self._opening:
            await self._client.close_connection()
            self._open = False

    @activity.defn(name="decide_promotion")
    async def decide_promotion(self, input: Decide) -> Decision:
        """Ask OPA and store input, policy digest and answer; a repeat returns what is stored.

        An undefined or malformed answer is stored as an `error` decision.

        Raises:
            PolicyUnavailable: OPA is down, too slow, or does not answer as OPA.
            RecordsUnavailable: the answer could not be kept; it does not count.
        """
        return await self._decide(input)

    @activity.defn(name="decide_rollout")
    async def decide_rollout(self, input: Decide) -> Decision:
        """The same for a rollout: may it go on, may the champion stay?

        Raises:
            PolicyUnavailable: as `decide_promotion`.
            RecordsUnavailable: as `decide_promotion`.
        """
        return await self._decide(input)

    @activity.defn(name="decide_monitoring")
    async def decide_monitoring(self, input: Decide) -> Decision:
        """The same for a monitor: what is done about a window? The decision has its action.

        Raises:
            PolicyUnavailable: as `decide_promotion`.
            RecordsUnavailable: as `decide_promotion`.
        """
        return await self._decide(input)

    async def _decide(self, input: Decide) -> Decision:
        stored = await asyncio.to_thread(self._store.find_decision, input.effect)
        if stored is not None:
            return stored
        asked_at = datetime.now(UTC)
        question = _as_json(input.question, asked_at)
        answer = await self._ask(question, DECISIONS[input.question.kind])
        reading = interpret(answer.get("result"), input.question.kind)
        return await self._keep(input.effect, input.question, question, answer, reading)

    @activity.defn(name="refuse_unasked")
    async def refuse_unasked(self, input: RefuseUnasked) -> Decision:
        """Store that the policy stayed away: not allowed, and why."""
        question = _as_json(input.question, datetime.now(UTC))
        return await self._keep(
            input.effect, input.question, question, {}, Reading("error", (input.reason,))
        )

    async def _keep(
        self, effect: str, about: Question, question: Json, answer: Json, reading: Reading
    ) -> Decision:
        decision = Decision(
            decision_id=f"d-{hashlib.sha256(effect.encode()).hexdigest()[:12]}",
            outcome=reading.outcome,
            action=reading.action,
            reasons=reading.reasons,
            warnings=reading.warnings,
            dry_run=reading.dry_run,
            approvals_required=reading.approvals_required,
            approvals_missing=reading.approvals_missing,
            policy_digest=reading.policy_digest,
            decided_at=question["now"],
        )
        return await asyncio.to_thread(
            self._store.record_decision,
            effect,
            decision,
            question,
            answer,
            model=about.model,
            environment=about.environment,
            version=about.version,
            run_id=about.run_id,
        )

    async def _ask(self, question: Json, decision: str) -> Json:
        """OPA's answer as it came: `{"result": ...}`, or `{}` where it is undefined."""
        where = self._client.root_url.removesuffix("/v1")
        try:
            await self._connected()
            answer = await self._client.query_rule(question, decision)
        except TimeoutError:
            why = f"did not answer within {_SECONDS:g} s"
        except aiohttp.ClientResponseError as error:
            # also for a body that is not JSON: something else listens there
            why = f"answered HTTP {error.status} ({' '.join(error.message.split())})"
        except (aiohttp.ClientError, OSError) as error:
            why = f"cannot be reached ({error})"
        except ValueError as error:
            why = f"answered what is not JSON ({error})"
        else:
            if isinstance(answer, dict):
                return answer
            why = f"answered a JSON {type(answer).__name__}, which OPA never does"
        raise PolicyUnavailable(
            f"OPA at {where} {why}; start it or look at its log (`make status`, `make logs`), or "
            f"set PERENNIAL_OPA_URL to where it is"
        )

    async def _connected(self) -> None:
        async with self._opening:
            if not self._open:
                await self._client.__aenter__()
                self._open = True


def _as_json(question: Question, now: datetime) -> Json:
    """The exact input: NaN, which JSON does not have, becomes null, and so is denied by name."""
    input: Json = json.loads(question.model_dump_json())
    return {**input, "now": now.isoformat()}
