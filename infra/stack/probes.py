"""Is a service ready? Each probe asks for what the service's users need, not only for a port.

A probe returns None when the service is ready, otherwise a few words on what is missing.
"""

from __future__ import annotations

import os
import socket
import urllib.error
import urllib.request
from collections.abc import Callable

from infra.stack.config import Config

# or gRPC writes of every refused connection to the terminal
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

Probe = Callable[[int], str | None]
"""Takes the process id under which the supervisor runs the service."""

_TIMEOUT = 2.0
_SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse{status: SERVING}


def probes(config: Config, *, whole: bool) -> dict[str, Probe]:
    """The probe of every service that can run here.

    Args:
        config: the stack.
        whole: whether all of it is meant to run. The API is ready once all that it needs is;
            beside a part of the stack it can only be asked whether it answers.
    """
    at = config.addresses
    api = f"{at['api']}/{'readyz' if whole else 'healthz'}"
    return {
        "temporal": lambda pid: _temporal(at["temporal"], config.namespace),
        "opa": lambda pid: http_ok(f"{at['opa']}/health?bundles&plugins"),
        "mlflow": lambda pid: http_ok(f"{at['mlflow']}/health"),
        "ray": lambda pid: _ray(config, pid),
        "api": lambda pid: http_ok(api),
        "serving": lambda pid: http_ok(f"{at['serving']}/v2/health/ready"),
        "control": lambda pid: _worker(config, "control", pid),
        "ml": lambda pid: _worker(config, "ml", pid),
        "bus": lambda pid: _worker(config, "bus", pid),
    }


def http_ok(url: str) -> str | None:
    """Whether a GET answers 200."""
    try:
        # straight to the service, whatever proxy the person has set
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=_TIMEOUT):
            return None
    except urllib.error.HTTPError as error:
        return f"GET {url} answers {error.code}: {error.read(500).decode(errors='replace')}"
    except (OSError, ValueError) as error:
        return f"GET {url}: {error}"


def _temporal(address: str, namespace: str) -> str | None:
    """Workers need the namespace, which is there a moment after the port."""
    name = namespace.encode()
    # DescribeNamespaceRequest{namespace}: field 1, a string
    request = b"\x0a" + bytes([len(name)]) + name
    method = "/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace"
    answer = _ask(address, method, request)
    return answer if isinstance(answer, str) else None


def _ray(config: Config, pid: int) -> str | None:
    """The control store serves, and this run's node takes connections."""
    answer = _ask(config.addresses["ray"], "/grpc.health.v1.Health/Check", b"")
    if isinstance(answer, str):
        return answer
    if answer != _SERVING:
        return "Ray's control store is not serving yet"
    # Ray names its session after its own process, so a session of the last run cannot answer.
    session = next(config.layout.ray_temp.glob(f"session_*_{pid}"), None)
    if session is None:
        return "Ray has no session folder yet"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raylet:
        raylet.settimeout(_TIMEOUT)
        try:
            raylet.connect(str(session / "sockets" / "raylet"))
        except OSError as error:
            return f"Ray's node is not up yet: {error}"
    return None


def _worker(config: Config, role: str, pid: int) -> str | None:
    """The worker writes its process id once it polls."""
    try:
        polling = config.layout.ready_file(role).read_text().strip()
    except FileNotFoundError:
        polling = ""
    return None if polling == str(pid) else f"the {role} worker does not poll yet"


def _ask(address: str, method: str, request: bytes) -> bytes | str:
    """One gRPC call without generated code: the answer's bytes, or why there is none."""
    options = [("grpc.enable_http_proxy", 0)]
    try:
        with grpc.insecure_channel(address, options=options) as channel:
            answer: bytes = channel.unary_unary(method)(request, timeout=_TIMEOUT)
            return answer
    except grpc.RpcError as error:
        return f"{address} answers {error.code().name}"
