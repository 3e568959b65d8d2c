"""What Temporal says to a request becomes an error that helps."""

from __future__ import annotations

from typing import Any, cast

import pytest
from temporalio.service import RPCError, RPCStatusCode

from api.asking import WorkersUnavailable, WorkflowGone, answering
from perennial.contracts.errors import PerennialError

NO_CLIENT = cast(Any, None)


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        # as the server answers an update while a worker that died has left its task unfinished
        (
            RPCStatusCode.FAILED_PRECONDITION,
            "Unable to perform workflow execution update due to Workflow Task in failed state.",
            WorkersUnavailable,
        ),
        (RPCStatusCode.NOT_FOUND, "workflow execution already completed", WorkflowGone),
    ],
)
async def test_an_answer_of_the_server_gets_its_name(
    status: RPCStatusCode, said: str, expected: type[PerennialError]
) -> None:
    with pytest.raises(expected):
        async with answering(NO_CLIENT, "a-key"):
            raise RPCError(said, status, b"")


async def test_a_request_between_two_workers_may_be_repeated() -> None:
    with pytest.raises(WorkersUnavailable, match="same Idempotency-Key") as refused:
        async with answering(NO_CLIENT, "a-key"):
            raise RPCError("", RPCStatusCode.FAILED_PRECONDITION, b"")
    assert refused.value.details == {"idempotency_key": "a-key"}
