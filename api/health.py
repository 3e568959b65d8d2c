"""Whether everything that the platform needs answers, each by name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from starlette.concurrency import run_in_threadpool
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from api.context import Context
from api.schemas.service import Dependency, Readiness
from perennial.contracts import queues

_SECONDS = 3.0

# a poll lasts up to a minute, and the server remembers pollers for five
_POLLED_SECONDS = 75


async def readiness(context: Context) -> Readiness:
    """Ask every dependency at once, each for a few seconds at most."""
    checks: dict[str, Callable[[Context], Awaitable[str]]] = {
        "records": _records,
        "temporal": _temporal,
        "opa": _opa,
        "mlflow": _mlflow,
        "ray": _ray,
        "workers": _workers,
    }
    found = await asyncio.gather(*(_check(context, *check) for check in checks.items()))
    ready = all(dependency.ok for dependency in found)
    return Readiness(status="ready" if ready else "not ready", dependencies=list(found))


async def _check(
    context: Context, name: str, ask: Callable[[Context], Awaitable[str]]
) -> Dependency:
    try:
        async with asyncio.timeout(_SECONDS):
            return Dependency(name=name, ok=True, detail=await ask(context))
    except TimeoutError:
        return Dependency(name=name, ok=False, detail=f"no answer within {_SECONDS:g} s")
    except RuntimeError:
        # a lazy client's first connection fails so, with a page of details
        host = context.temporal.service_client.config.target_host
        return Dependency(name=name, ok=False, detail=f"Temporal does not answer at {host}")
    except Exception as error:
        # whatever a client raises, what it means here is the same: not ready, and this is why
        first = (str(error) or type(error).__name__).splitlines()[0]
        return Dependency(name=name, ok=False, detail=first)


async def _records(context: Context) -> str:
    def ask() -> str:
        with context.store.database.reading() as session:
            session.execute(text("SELECT 1"))
        return context.store.database.engine.dialect.name

    return await run_in_threadpool(ask)


async def _temporal(context: Context) -> str:
    if not await context.temporal.service_client.check_health(timeout=timedelta(seconds=2)):
        raise ConnectionError("the server says that it is not serving")
    return context.temporal.namespace


async def _opa(context: Context) -> str:
    return await _http_ok(context, f"{context.settings.opa_url.rstrip('/')}/health")


async def _mlflow(context: Context) -> str:
    uri = context.settings.mlflow_tracking_uri.rstrip("/")
    if not uri.startswith("http"):
        return "a folder or database of this machine"
    return await _http_ok(context, f"{uri}/health")


async def _http_ok(context: Context, url: str) -> str:
    answer = await context.http.get(url)
    if answer.status_code != 200:
        raise ConnectionError(f"{url} answers {answer.status_code}")
    return ""


async def _ray(context: Context) -> str:
    host, _, port = context.settings.ray_address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return f"{context.settings.ray_address}: started by whoever needs it"
    _, writer = await asyncio.open_connection(host, int(port))
    writer.close()
    return ""


async def _workers(context: Context) -> str:
    wanted = (
        (queues.CONTROL, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
        (queues.CONTROL, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
        (queues.ML, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    )
    pollers = await asyncio.gather(*(_pollers(context, *each) for each in wanted))
    away = [queue for (queue, _), count in zip(wanted, pollers, strict=True) if count == 0]
    if away:
        raise ConnectionError(f"nobody polls {', '.join(dict.fromkeys(away))}")
    return f"{pollers[1]} on {queues.CONTROL}, {pollers[2]} on {queues.ML}"


async def _pollers(context: Context, queue: str, kind: TaskQueueType.ValueType) -> int:
    answer = await context.temporal.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=context.temporal.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=kind,
        ),
        timeout=timedelta(seconds=2),
    )
    since = datetime.now(UTC) - timedelta(seconds=_POLLED_SECONDS)
    return sum(p.last_access_time.ToDatetime(UTC) >= since for p in answer.pollers)
