"""The data plane in Ray Serve, beside the one under uvicorn: the same answers, and it scales."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import types
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ActivityError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from api.db.store import Store
from infra.demo.stage import CHECKOUT
from infra.stack import Stack
from infra.stack.ports import free_ports
from perennial.contracts.deployments import ReadServing
from perennial.contracts.scaling import ScaleServing, ServingScale
from perennial.contracts.serving import Serving
from perennial.settings import Settings
from perennial.temporal import connect
from tests.e2e import test_serving
from tests.e2e.test_serving import ROW, ask, until_version

GUIDE = (CHECKOUT / "docs" / "guides" / "serve-on-ray.md").read_text()
Spread = Callable[[int, int], Awaitable[ServingScale]]
_LONGEST_SECONDS = 60


def shown(language: str, number: int = 0) -> str:
    """A block of the guide."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[number]


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture(scope="module")
async def spread(stack: Stack) -> AsyncIterator[Spread]:
    """Scales by the guide's workflow, on a worker of its own."""
    guide = types.ModuleType("guide")
    exec(compile(shown("python"), "guide", "exec"), guide.__dict__)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"):
            patch.setenv(name, stack.env[name])
        temporal = await connect()

    async def scaled(least: int, most: int) -> ServingScale:
        scale: ServingScale = await temporal.execute_workflow(
            "Spread",
            ScaleServing(min=least, max=most, target=16),
            id=f"spread-{uuid.uuid4().hex[:8]}",
            task_queue="spread",
            result_type=ServingScale,
        )
        return scale

    async with Worker(
        temporal,
        task_queue="spread",
        workflows=[guide.Spread],
        workflow_runner=UnsandboxedWorkflowRunner(),  # the module is nowhere to be found again
    ):
        yield scaled


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v2/health/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module", params=["haproxy"])
def on_ray(
    request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the data plane in the stack's Ray, begun and ended as the guide says."""
    port, statistics, metrics = free_ports(3)
    url = f"http://127.0.0.1:{port}"
    env = {
        **os.environ,
        **stack.env,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PERENNIAL_SERVING_PORT": str(port),
        "PERENNIAL_SERVING_RAY_CPUS": "0.1",
    }
    if request.param == "haproxy":
        env |= {
            "RAY_SERVE_ENABLE_HA_PROXY": "1",
            "RAY_SERVE_HAPROXY_STATS_PORT": str(statistics),
            "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
            # replicas that go wait so long for proxies on other nodes to forget them
            "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "2",
        }
    log = tmp_path_factory.mktemp("ray") / "host.log"
    with log.open("wb") as said:
        host = subprocess.Popen(["bash", "-euc", shown("sh", 0)], env=env, stderr=said)
        try:
            until(lambda: ready(url) or host.poll() is not None, "it is not ready")
            assert host.poll() is None, log.read_text()
            yield url
            host.terminate()
            assert host.wait(20) == 0, log.read_text()
            assert ready(url), "the cluster answers without its host"
            subprocess.run(["bash", "-euc", shown("sh", 1)], env=env, check=True, timeout=60)
            assert not ready(url)
        finally:
            host.kill()
            host.wait()


@pytest.fixture
def caller(on_ray: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=on_ray, timeout=10) as client:
        yield client


class Load:
    """Callers who ask without a pause, each on a connection of their own."""

    def __init__(self, url: str, model: str) -> None:
        self._url, self._model = url, model
        self._over, self._lock = threading.Event(), threading.Lock()
        self.found = Counter[object]()

    @contextmanager
    def on(self, callers: int = 3) -> Iterator[None]:
        threads = [threading.Thread(target=self._ask) for _ in range(callers)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as client:
            while not self._over.is_set():
                try:
                    found: object = ask(client, self._model).status_code
                except httpx.TransportError as error:
                    found = repr(error)
                with self._lock:
                    self.found[found] += 1


async def test_where_nothing_is_deployed_it_says_so(spread: Spread) -> None:
    with pytest.raises(WorkflowFailureError) as failed:
        await spread(1, 2)
    assert "no data plane is deployed in the Ray cluster" in why(failed.value)


async def test_it_scales_under_load_without_a_failed_request(
    stack: Stack, spread: Spread, on_ray: str, caller: httpx.Client, promoted: str
) -> None:
    store = Store.open(Settings(state_dir=stack.config.layout.state_dir).database)

    def serving() -> Serving:
        return store.read_serving(
            ReadServing(model=promoted, environment="production", since_epoch=1)
        )

    def answered() -> int:
        return sum(tally.requests for tally in serving().tallies)

    try:
        before, beside = answered(), len(workers_of(stack))
        until_version(caller, promoted, 1)
        load = Load(on_ray, promoted)
        with load.on():
            three = await spread(3, 3)
            until(lambda: serving().processes == beside + 3, "all three follow the API")
            one = await spread(1, 1)
            until(lambda: serving().processes == beside + 1, "two said that they are gone")
        assert (three.running, three.wanted, three.min, three.max) == (3, 3, 3, 3)
        assert (one.running, one.wanted, one.max, one.cpus) == (1, 1, 1, 0.1)
        assert set(load.found) == {200}
        made = before + 1 + load.found.total()
        until(lambda: answered() >= made, f"{answered()} of {made} are counted")
        assert answered() == made
    finally:
        store.close()


def workers_of(stack: Stack) -> list[int]:
    return [pid for pid in stack.pids("serving") if test_serving.is_worker(pid)]


async def test_more_than_the_nodes_can_hold_is_refused_with_the_numbers(
    spread: Spread, on_ray: str
) -> None:
    with pytest.raises(WorkflowFailureError) as failed:
        await spread(1000, 2000)
    assert re.search(r"1000 replicas with 0\.1 CPUs .* hold \d+0 at most", why(failed.value))


def why(error: WorkflowFailureError) -> str:
    assert isinstance(error.cause, ActivityError) and error.cause.cause is not None
    return str(error.cause.cause)


test_a_client_of_the_open_inference_protocol_works_here_too = (
    test_serving.test_a_client_of_the_open_inference_protocol_works
)


@pytest.mark.parametrize("on_ray", ["haproxy", "proxy"], indirect=True)
def test_both_hosts_say_the_same(stack: Stack, caller: httpx.Client, promoted: str) -> None:
    until_version(caller, promoted, 1)
    bodies = [
        {"instances": [ROW]},
        {"instances": [ROW, {**ROW, "x": "far"}]},
        {"instances": [ROW] * 70_000},
        {"rows": [ROW]},
    ]
    named = {"x-request-id": "mine"}
    with httpx.Client(base_url=stack.urls["serving"], timeout=10) as other:
        until_version(other, promoted, 1)
        for model, body in [*((promoted, body) for body in bodies), ("nobody", bodies[0])]:
            ours, theirs = (
                client.post(f"/v1/models/{model}:predict", json=body, headers=named)
                for client in (caller, other)
            )
            assert (ours.status_code, ours.json()) == (theirs.status_code, theirs.json())
            for name in ("x-model", "x-model-version", "x-variant", "content-type"):
                assert ours.headers.get(name) == theirs.headers.get(name)
            assert ours.headers.get_list("x-request-id") == ["mine"]
