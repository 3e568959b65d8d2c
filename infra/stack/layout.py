"""Where the stack keeps its files, and the mark that its processes carry."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from infra.stack.errors import StackError

CHECKOUT = Path(__file__).resolve().parents[2]

STACK_ID = "PERENNIAL_STACK_ID"
SERVICE = "PERENNIAL_SERVICE"

# A Unix socket's path ends at 104 (macOS) or 108 (Linux) bytes. The supervisor first binds a
# name with its process id added; Ray adds `/session_<date>_<time>_<micros>_<pid>/sockets/...`.
_SUPERVISOR_PATH_LIMIT = 92
_RAY_ROOT_LIMIT = 40


@dataclass(frozen=True)
class Layout:
    """The paths of one stack, all under its state folder where lengths allow it."""

    state_dir: Path

    @classmethod
    def of(cls, state_dir: Path) -> Layout:
        """The layout of the stack that lives in `state_dir`."""
        return cls(state_dir.absolute().resolve())

    @property
    def stack_id(self) -> str:
        """Names the stack on this machine: two state folders are two stacks."""
        return hashlib.sha256(str(self.state_dir).encode()).hexdigest()[:8]

    @property
    def logs(self) -> Path:
        """One log file a service, rotated by the supervisor."""
        return self.state_dir / "logs"

    @property
    def run(self) -> Path:
        """Files that mean something only while the stack runs."""
        return self.state_dir / "run"

    @property
    def supervisor_config(self) -> Path:
        """The supervisor's generated configuration."""
        return self.run / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        """The socket on which the supervisor listens, in a folder that only its owner enters."""
        path = self.run / "supervisor.sock"
        if len(str(path)) <= _SUPERVISOR_PATH_LIMIT:
            return path
        return short(f"perennial-{self.stack_id}") / "supervisor.sock"

    @property
    def summary(self) -> Path:
        """What other programs read to find the stack."""
        return self.state_dir / "stack.json"

    @property
    def temporal_database(self) -> Path:
        """The dev server's SQLite file."""
        return self.state_dir / "temporal.db"

    @property
    def mlflow_database(self) -> Path:
        """MLflow's SQLite file."""
        return self.state_dir / "mlflow.db"

    @property
    def mlflow_artifacts(self) -> Path:
        """The folder in which MLflow keeps artefacts."""
        return self.state_dir / "mlflow-artifacts"

    @property
    def bundles(self) -> Path:
        """The policy bundles, one for each content."""
        return self.state_dir / "policies"

    @property
    def ray_token(self) -> Path:
        """The token that Ray asks of every client."""
        return self.state_dir / "ray.token"

    @property
    def ray_temp(self) -> Path:
        """Ray's sessions. Short, since Ray puts its sockets deep inside.

        Ray opens its folder to everybody, hence one more around it that is not.
        """
        return short(f"perennial-ray-{self.stack_id}") / "r"

    def log(self, service: str) -> Path:
        """The log file of one service."""
        return self.logs / f"{service}.log"

    def ready_file(self, role: str) -> Path:
        """Written by a worker, with its process id, once it polls."""
        return self.run / f"{role}.ready"

    def create(self) -> None:
        """Make the folders; only their owner may enter, since tokens and records are inside."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self.state_dir.chmod(0o700)
        self.logs.mkdir(exist_ok=True)
        self.run.mkdir(mode=0o700, exist_ok=True)
        self.mlflow_artifacts.mkdir(exist_ok=True)
        for folder in self._short_folders():
            private(folder)
        # What a training prints goes to Ray's own logs, far from where one looks first.
        with contextlib.suppress(FileExistsError):
            (self.logs / "ray").symlink_to(self.ray_temp / "session_latest" / "logs")

    def delete(self) -> None:
        """Remove everything that the stack has written."""
        for folder in (*self._short_folders(), self.state_dir):
            shutil.rmtree(folder, ignore_errors=True)

    def _short_folders(self) -> list[Path]:
        folders = {self.ray_temp.parent, self.supervisor_socket.parent}
        return sorted(folder for folder in folders if self.state_dir not in folder.parents)


def short(name: str) -> Path:
    """Where a folder with a short path would be."""
    root = Path(tempfile.gettempdir())
    return root / name if len(str(root / name)) <= _RAY_ROOT_LIMIT else Path("/tmp") / name


def private(folder: Path) -> None:
    """Make a folder that only its owner enters.

    Raises:
        StackError: the name exists and belongs to somebody else, or is no folder.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # The temporary folder is everybody's: somebody else may have laid a trap under this name.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StackError(
            f"{folder} is needed for sockets but is not a folder of yours; remove it and try again"
        )
    folder.chmod(0o700)
