"""Windows of a champion's requests."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from api.schemas.base import Answer, Json
from perennial.contracts.analysis import Verdict
from perennial.contracts.monitoring import Action
from perennial.contracts.spec import Environment


class WindowSummary(Answer):
    """A window: what it showed, what its labels say, and what was done about it."""

    model: str
    environment: Environment
    version: int = Field(description="the champion that answered")
    start: AwareDatetime
    end: AwareDatetime = Field(description="not in the window itself")
    rows: int = Field(description="that the champion was asked about")
    verdict: Verdict = Field(description="of its drift")
    reason: str
    answers: Json | None = Field(
        description="of windows that fail: what each column changes in the mean answer"
    )
    labelled: int = Field(description="rows of them whose labels have come")
    coverage: float | None = Field(description="the part of the rows that is; none without rows")
    quality_verdict: Verdict | None = Field(description="none: no label has come yet")
    metrics: dict[str, float] = Field(description="on the labelled rows; empty where too few are")
    promised: dict[str, float] = Field(description="the same at the version's promotion")
    action: Action | None = Field(description="none: the policy was not asked")
    decision_id: str | None
    followed: str = Field(description="what came of the action, in words")


class WindowDetail(WindowSummary):
    """A window with all that was measured in it."""

    judged_at: AwareDatetime
    judged: Json = Field(description="verdicts, what moved most, segments, traffic by version")
    drift: Json | None = Field(
        description="each column beside the reference; none where the store has it no more"
    )
    swept_at: AwareDatetime | None = Field(
        description="when that and the profile were removed, being old"
    )
    quality_at: AwareDatetime | None
    quality: Json | None = Field(description="metrics by group too")
