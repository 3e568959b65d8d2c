"""A policy as a whole: what it says of the champions, and how it comes into force."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import httpx
from starlette.concurrency import run_in_threadpool

from api.context import Context
from api.db.facts import policies as facts
from api.queries.promotions import Promotions, of_champions
from api.replay import replay_under
from api.schemas.policies import PolicyApplied, PolicyApplyRequest, PolicyChecked
from api.schemas.runs import Flip
from perennial import policy_answer, policy_bundle, policy_in_force
from perennial.contracts.base import Json
from perennial.contracts.errors import PerennialError, PolicyInvalid, PolicyUnavailable
from perennial.contracts.triggers import RetrainWanted

_TAKES_SECONDS = 10.0
"""How long OPA may take to read a bundle; it takes 0.05 s where nobody else wants the cores."""

_EVERY_SECONDS = 0.05


async def check(context: Context, policy: dict[str, str]) -> PolicyChecked:
    """Ask again how each champion became champion. Nothing is recorded.

    Raises:
        PolicyInvalid: the policy does not compile, or leaves a kind of question open.
        PolicyUnavailable: there is no OPA program, or it took too long.
    """
    async with context.replays:
        with tempfile.TemporaryDirectory(prefix="perennial-policy-") as folder:
            return await _checked(context, await _build(context, policy, Path(folder)))


async def apply(
    context: Context, body: PolicyApplyRequest, *, actor: str, key: str
) -> PolicyApplied:
    """Put a policy in force: OPA serves it once this returns, and the ledger says by whose hand.

    Where one of the two cannot be, the policy before is in force again.

    Raises:
        PolicyInvalid: as `check`.
        PolicyUnavailable: as `check`; also where OPA does not answer, or does not take it.
        Refused: OPA takes its policies from elsewhere.
        NotFound: what OPA serves now is not kept here, so there would be no way back.
        KeyReused: the key put another policy in force.
        RecordsUnavailable: it cannot be recorded.
    """
    bundles, effect = context.settings.policy_bundles, f"policy/{key}"
    async with context.replays:
        with tempfile.TemporaryDirectory(prefix="perennial-policy-") as folder:
            bundle = await _build(context, body.policy, Path(folder))
            digest = bundle.name.removesuffix(".tar.gz")
            done = await run_in_threadpool(_find, context, effect, digest)
            found = await _checked(context, bundle)
            before = await _in_force(context)
            way_back = policy_bundle.kept(bundles, before)
            await run_in_threadpool(policy_in_force.put, bundle, bundles)
        replaced = done["replaced"] if done else before
        try:
            await _until_in_force(context, digest)
            if done is None:
                await run_in_threadpool(_record, context, effect, digest, replaced, actor, body)
        except PerennialError:
            await run_in_threadpool(policy_in_force.put, way_back, bundles)
            raise
    return PolicyApplied(**found.model_dump(), replaced=replaced)


def wishes(found: PolicyChecked, actor: str, at: datetime) -> dict[str, RetrainWanted]:
    """Which models want to be trained again under a new policy, and how they say so.

    Those with a champion that it denies; one that merely wants more approvals has no use for
    another training.

    Returns:
        The wish by model: the same one however often the policy is put in force.
    """
    denied: dict[str, list[Flip]] = {}
    for flip in found.flipped:
        if flip.now.outcome == "deny":
            denied.setdefault(flip.model, []).append(flip)
    return {
        model: RetrainWanted(
            request_id=f"policy/{found.policy_digest}",
            actor=actor,
            cause="policy",
            snapshot=found.policy_digest,
            at=at,
            reason="; ".join(
                f"policy {found.policy_digest[:12]} denies version {flip.version} in "
                f"{flip.environment}: {', '.join(flip.now.reasons)}"
                for flip in flips
            ),
        )
        for model, flips in denied.items()
    }


async def _build(context: Context, policy: dict[str, str], folder: Path) -> Path:
    """A bundle that has an answer to every kind of question, and allows none that says nothing."""
    opa = context.settings.opa_binary
    bundle = await run_in_threadpool(policy_bundle.build_from_texts, policy, folder, opa)
    kinds = list(policy_bundle.DECISIONS)
    answers = await policy_bundle.evaluate(bundle, [{"kind": kind} for kind in kinds], opa)
    for kind, answer in zip(kinds, answers, strict=True):
        reading = policy_answer.interpret(answer, kind)
        if reading.outcome == "error":
            raise PolicyInvalid(
                f"asked about a {kind} of which nothing is known, it should deny, and "
                f"{reading.reasons[0]}"
            )
        if reading.outcome == "allow":
            raise PolicyInvalid(
                f"it allows a {kind} of which nothing is known; deny what is missing, as "
                f"policies/ does in its checks named complete"
            )
    return bundle


async def _checked(context: Context, bundle: Path) -> PolicyChecked:
    promotions = await run_in_threadpool(_promotions, context)
    again = await replay_under(bundle, promotions.decisions, context.settings)
    return PolicyChecked(
        policy_digest=bundle.name.removesuffix(".tar.gz"),
        asked=again.asked,
        unasked=promotions.unasked + again.skipped,
        flipped=[flip for flip in again.flipped if flip.now.outcome != "allow"],
    )


async def _in_force(context: Context) -> str:
    """Digest of the policy that OPA serves. Raises PolicyUnavailable."""
    url = context.settings.opa_url.rstrip("/")
    try:
        answer = await context.http.get(f"{url}/v1/data/perennial/bundle/digest")
        digest = answer.raise_for_status().json()["result"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise PolicyUnavailable(
            f"OPA at {url} does not say which policy it serves ({type(error).__name__}: {error}); "
            f"look whether it runs (`make status`), and that it serves a bundle of ours"
        ) from error
    return str(digest)


async def _until_in_force(context: Context, digest: str) -> None:
    """Raises PolicyUnavailable where OPA does not take it."""
    try:
        async with asyncio.timeout(_TAKES_SECONDS):
            while await _in_force(context) != digest:
                await asyncio.sleep(_EVERY_SECONDS)
    except TimeoutError:
        raise PolicyUnavailable(
            f"OPA at {context.settings.opa_url} did not take policy {digest[:12]} within "
            f"{_TAKES_SECONDS:g} s; look at its log (`make logs`), or whether it is the OPA of "
            f"this stack"
        ) from None


def _find(context: Context, effect: str, digest: str) -> Json | None:
    with context.store.database.reading() as session:
        return facts.find_applied(session, effect, digest)


def _record(
    context: Context,
    effect: str,
    digest: str,
    replaced: str,
    actor: str,
    body: PolicyApplyRequest,
) -> None:
    with context.store.database.recording() as session:
        facts.record_applied(
            session,
            effect,
            digest,
            replaced=replaced,
            actor=actor,
            reason=body.reason,
            at=datetime.now(UTC),
        )


def _promotions(context: Context) -> Promotions:
    with context.store.database.reading() as session:
        return of_champions(session)
