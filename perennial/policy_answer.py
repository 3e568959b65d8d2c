"""What a policy's answer means: one reading for the gate and for the replay of its decisions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from perennial.contracts.base import Sha256
from perennial.contracts.monitoring import Action

Outcome = Literal["allow", "deny", "needs_approval", "error"]


class Reading(NamedTuple):
    """An answer, read. `reasons` is empty only for `allow`; `action` is of monitoring alone."""

    outcome: Outcome
    reasons: tuple[str, ...]
    approvals_required: int = 0
    approvals_missing: int = 0
    policy_digest: str = ""
    action: Action | Literal[""] = ""
    warnings: tuple[str, ...] = ()
    dry_run: tuple[str, ...] = ()


class _Answer(BaseModel):
    """The one well-formed answer. Strict: `"true"` and `1` are not true, and a key that is not
    known here could be a condition that nobody keeps."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    allow: bool
    deny: list[Annotated[str, Field(min_length=1)]]
    approvals_required: Annotated[int, Field(ge=0)]
    approvals_missing: Annotated[int, Field(ge=0)]
    policy_digest: Sha256

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.approvals_missing > self.approvals_required:
            raise ValueError("more approvals are missing than are required")
        if self.allow is not (not self.deny and self.approvals_missing == 0):
            raise ValueError("allow contradicts deny and approvals_missing")
        return self


class _PromotionAnswer(_Answer):
    """The one to a promotion, with what the spec does not enforce. Older policies have none."""

    warnings: list[Annotated[str, Field(min_length=1)]] = []
    dry_run: list[Annotated[str, Field(min_length=1)]] = []


class _MonitoringAnswer(_Answer):
    """The one to a monitor, who does what it says. Nobody votes on a window."""

    action: Action

    @model_validator(mode="after")
    def _does_what_it_allows(self) -> Self:
        if self.allow is not (self.action == "ignore"):
            raise ValueError("action contradicts allow: to ignore a window is to allow it")
        if self.approvals_required:
            raise ValueError("nobody approves of a window, and approvals are required")
        return self


_FORMS: dict[str, type[_Answer]] = {
    "promotion": _PromotionAnswer,
    "monitoring": _MonitoringAnswer,
}
_DIGEST: TypeAdapter[str] = TypeAdapter(Sha256)


def interpret(answer: Any, kind: str = "promotion") -> Reading:
    """Read an answer; None is an undefined one.

    Anything but a complete answer that agrees with itself is an `error`, which is not allowed, and
    has no action. An `error` names the policy where the answer did.

    Args:
        answer: as OPA gave it.
        kind: of the question. An action is required of a monitor's answer, and refused in others.
    """
    if answer is None:
        return Reading(
            "error",
            (
                "the policy is undefined for this question; check that OPA serves a bundle that "
                "`perennial.policy_bundle` built, and that it has the decision on this kind of "
                f"question: data.perennial.{kind}.decision",
            ),
        )
    try:
        read = _FORMS.get(kind, _Answer).model_validate(answer)
    except ValidationError as error:
        return Reading("error", (_wrong_with(answer, error),), policy_digest=_digest_of(answer))
    asked, missing, digest = read.approvals_required, read.approvals_missing, read.policy_digest
    action = read.action if isinstance(read, _MonitoringAnswer) else ""
    warned: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    if isinstance(read, _PromotionAnswer):
        warned, tried = tuple(read.warnings), tuple(read.dry_run)
    if read.deny:
        reasons = tuple(read.deny)
        return Reading("deny", reasons, asked, missing, digest, action, warned, tried)
    if missing:
        reason = f"{missing} of {asked} approvals missing"
        return Reading("needs_approval", (reason,), asked, missing, digest, action, warned, tried)
    return Reading("allow", (), asked, missing, digest, action, warned, tried)


def _wrong_with(answer: Any, error: ValidationError) -> str:
    if not isinstance(answer, dict):
        return f"the policy's answer is malformed: {type(answer).__name__} is not an object"
    if answer.keys() == {"error"}:
        return f"the policy broke on this question: {answer['error']}"
    problems = "; ".join(
        ".".join(str(part) for part in problem["loc"]) + f" {problem['msg']}".removesuffix(".")
        for problem in error.errors(include_url=False, include_input=False)
    )
    return f"the policy's answer is malformed: {problems.strip()}"


def _digest_of(answer: Any) -> str:
    try:
        return _DIGEST.validate_python(answer["policy_digest"], strict=True)
    except (ValidationError, TypeError, KeyError):
        return ""
