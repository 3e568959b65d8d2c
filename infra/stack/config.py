"""What one stack is made of: its folder, its ports, and what runs elsewhere instead."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.stack.layout import CHECKOUT, SERVICE, STACK_ID, Layout
from infra.stack.ports import HOST, Ports
from perennial.quiet import QUIET

# Each variable has its tool's usual name. Set to another place, the local service stays off.
_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "temporal": ("TEMPORAL_ADDRESS",),
    "opa": ("PERENNIAL_OPA_URL", "OPA_URL"),
    "mlflow": ("MLFLOW_TRACKING_URI",),
    "ray": ("RAY_ADDRESS",),
}


@dataclass(frozen=True)
class Config:
    """One stack. Two that differ in `state_dir` and `ports` live side by side."""

    state_dir: Path
    ports: Ports = field(default_factory=Ports)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Addresses of the services that are not started here, by service."""
    namespace: str = "default"
    bus_url: str = ""
    """Of a message bus elsewhere; what listens to it runs where there is one."""
    policies: Path = CHECKOUT / "policies"
    tools: Mapping[str, str] = field(default_factory=dict)
    """Paths of `temporal` and `opa`; one that is not given is looked for when it is needed."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Config:
        """The stack that the person's environment asks for."""
        environ = os.environ if environ is None else environ
        state_dir = Path(environ.get("PERENNIAL_STATE_DIR") or CHECKOUT / ".perennial")
        ports = Ports.from_environment(environ)
        local = cls(state_dir, ports).addresses
        elsewhere = {}
        for service, names in _ELSEWHERE.items():
            given = next((environ[name] for name in names if environ.get(name)), "")
            if given and _plain(given) != _plain(local[service]):
                elsewhere[service] = given
        return cls(
            state_dir,
            ports,
            elsewhere=elsewhere,
            namespace=environ.get("TEMPORAL_NAMESPACE") or "default",
            bus_url=environ.get("PERENNIAL_BUS_URL", ""),
        )

    @property
    def layout(self) -> Layout:
        """The stack's files."""
        return Layout.of(self.state_dir)

    @property
    def addresses(self) -> dict[str, str]:
        """Where each service is reached, in the form its own clients ask for."""
        ports = self.ports
        here = {
            "temporal": f"{HOST}:{ports.temporal}",
            "temporal_ui": f"http://{HOST}:{ports.temporal_ui}",
            "opa": f"http://{HOST}:{ports.opa}",
            "mlflow": f"http://{HOST}:{ports.mlflow}",
            "ray": f"{HOST}:{ports.ray}",
            "api": f"http://{HOST}:{ports.api}",
            "serving": f"http://{HOST}:{ports.serving}",
        }
        return here | dict(self.elsewhere)

    def client_environment(self) -> dict[str, str]:
        """What a program needs to use this stack (and nothing that marks it as part of it)."""
        at = self.addresses
        env = QUIET | {
            "PERENNIAL_STATE_DIR": str(self.layout.state_dir),
            "PERENNIAL_API_URL": at["api"],
            "PERENNIAL_API_PORT": str(self.ports.api),
            "PERENNIAL_SERVING_PORT": str(self.ports.serving),
            "PERENNIAL_SERVING_URL": at["serving"],
            "PERENNIAL_OPA_URL": at["opa"],
            "MLFLOW_TRACKING_URI": at["mlflow"],
            "RAY_ADDRESS": at["ray"],
            "TEMPORAL_ADDRESS": at["temporal"],
            "TEMPORAL_NAMESPACE": self.namespace,
        }
        if "temporal" not in self.elsewhere:
            env["PERENNIAL_TEMPORAL_UI_URL"] = at["temporal_ui"]
        if "ray" not in self.elsewhere:
            env |= {
                "RAY_AUTH_MODE": "token",
                "RAY_AUTH_TOKEN_PATH": str(self.layout.ray_token),
                # Ray swaps a loopback address for an outward one unless told that this machine
                # is no part of a cluster; despite its name it is read on every system.
                "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            }
        return env

    def process_environment(
        self, service: str = "", environ: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """The environment of the stack's own processes; `service` marks whose it is."""
        env = dict(os.environ if environ is None else environ)
        # Compiled files make the second start much quicker than the first.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        if "temporal" not in self.elsewhere:
            for name in ("TEMPORAL_API_KEY", "TEMPORAL_TLS", "TEMPORAL_PROFILE"):
                env.pop(name, None)
        env |= self.client_environment()
        paths = [str(CHECKOUT), *env.get("PYTHONPATH", "").split(os.pathsep)]
        env |= {
            STACK_ID: self.layout.stack_id,
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(path for path in paths if path)),
            "PYTHONUNBUFFERED": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")]),
        }
        # Several processes share the cores; each with a thread for every core thrashes them.
        env.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // 2)))
        if opa := self.tools.get("opa"):
            env["PERENNIAL_OPA_BINARY"] = opa
        if service:
            env[SERVICE] = service
        return env


def _plain(address: str) -> str:
    """The address without what makes no difference, to tell our own from another."""
    return address.rstrip("/").replace("localhost", HOST)
