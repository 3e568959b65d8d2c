"""Find a model project, keep it fresh, and say whose fault it is when its code raises."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import traceback
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from activities.modelling import code
from perennial.authoring import Features, ModelProject
from perennial.contracts.errors import PerennialError, ProjectInvalid, SourceInvalid
from perennial.contracts.training import CodeIdentity


@dataclass(frozen=True)
class Project:
    """A project, loaded."""

    name: str
    own: ModelProject
    file: Path
    source_digest: str

    @contextmanager
    def calling(self, method: str) -> Iterator[None]:
        """Turn what the project's code raises into ProjectInvalid that says where it was."""
        try:
            yield
        except PerennialError:
            raise
        except Exception as error:
            raise ProjectInvalid(
                f"{self.name}: {method}() raised {_said(error)}{_where(error, self.file)}; "
                f"mend the project and run again"
            ) from error

    def features(self) -> Features:
        """The columns it names.

        Raises:
            ProjectInvalid: it raised, or the columns contradict each other.
        """
        with self.calling("features"):
            features = self.own.features()
        if not isinstance(features, Features):
            raise ProjectInvalid(
                f"{self.name}: features() returned {type(features).__name__}; return Features(...)"
            )
        if problem := _contradiction(features):
            raise ProjectInvalid(f"{self.name}: features() {problem}")
        return features

    def identity(self) -> CodeIdentity:
        """Which code this is."""
        return code.identify(self.name, self.file, self.source_digest)


_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
_digests: dict[Path, str] = {}


def load_project(name: str, *, expected: str | None = None) -> Project:
    """Load `module:Class`, anew where its sources have changed since this process loaded them.

    Args:
        name: as the spec has it.
        expected: the digest its sources must have: a run is one code from end to end.

    Raises:
        ProjectInvalid: there is no such class, it cannot be imported or made, or it has changed.
    """
    module_name, _, class_name = name.partition(":")
    with _locks[module_name]:
        file = _find(name, module_name)
        digest = code.source_digest(file)
        if _digests.get(file, digest) != digest:
            _forget(file)
        if expected is not None and digest != expected:
            raise ProjectInvalid(
                f"{name}: its code changed while the run was under way ({expected[:12]} was "
                f"trained, {digest[:12]} is here now); run again"
            )
        module = _import(name, module_name, file)
        _digests[file] = digest
    found = getattr(module, class_name, None)
    if not isinstance(found, type) or not issubclass(found, ModelProject):
        classes = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type)
            and issubclass(value, ModelProject)
            and value.__module__ == module_name
        ]
        raise ProjectInvalid(
            f"{name}: {module_name} has no model project {class_name}"
            + (f"; it has {', '.join(classes)}" if classes else "; derive one from ModelProject")
        )
    try:
        own = found()
    except Exception as error:
        raise ProjectInvalid(
            f"{name}: {class_name}() raised {_said(error)}{_where(error, file)}; "
            f"mend the project and run again"
        ) from error
    return Project(name, own, file, digest)


def digest_of(name: str) -> str:
    """The digest of a project's sources as they are now, without loading them.

    Raises:
        ProjectInvalid: there is no such module.
    """
    return code.source_digest(_find(name, name.partition(":")[0]))


def check_columns(columns: list[str], features: Features, where: str) -> None:
    """Raise SourceInvalid that names each column the project wants and the frame has not."""
    missing = [name for name in features.columns if name not in columns]
    if not missing:
        return
    hints = []
    for name in missing[:10]:
        close = get_close_matches(name, columns, n=1)
        hints.append(f"{name!r}" + (f" (did you mean {close[0]!r}?)" if close else ""))
    shown = ", ".join(columns[:40]) + (", ..." if len(columns) > 40 else "")
    raise SourceInvalid(
        f"{where} has no column {', '.join(hints)}; it has {shown}. Name one of these in "
        f"features(), or make the column in load()"
    )


def _find(name: str, module_name: str) -> Path:
    importlib.invalidate_caches()
    try:
        found = importlib.util.find_spec(module_name)
    except ModuleNotFoundError as error:
        raise ProjectInvalid(_not_found(name, error.name or module_name)) from error
    except Exception as error:
        raise ProjectInvalid(f"{name}: importing {module_name} raised {_said(error)}") from error
    if found is None or found.origin is None or not Path(found.origin).is_file():
        raise ProjectInvalid(_not_found(name, module_name))
    return Path(found.origin)


def _not_found(name: str, module: str) -> str:
    return (
        f"{name}: there is no module {module}; check `project` in the spec, and that the folder "
        f"it is in is on the workers' PYTHONPATH"
    )


def _import(name: str, module_name: str, file: Path) -> object:
    try:
        return importlib.import_module(module_name)
    except SyntaxError as error:
        raise ProjectInvalid(
            f"{name}: {Path(error.filename or file).name} line {error.lineno} is no Python: "
            f"{error.msg}"
        ) from error
    except Exception as error:
        raise ProjectInvalid(
            f"{name}: importing {module_name} raised {_said(error)}{_where(error, file)}"
        ) from error


def _forget(file: Path) -> None:
    """Drop every module that was made from the project's sources, so that they are read again."""
    own = {str(path) for path in code.sources(file)}
    for key, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) in own:
            del sys.modules[key]
    for path in own:
        # compiled code counts as current by its second and size: an edit within one would be lost
        Path(importlib.util.cache_from_source(path)).unlink(missing_ok=True)


def _said(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _where(error: BaseException, file: Path) -> str:
    """The line of the project's own file that was reached last."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename) == file]
    return f" ({file.parent.name}/{file.name}, line {lines[-1]})" if lines else ""


def _contradiction(features: Features) -> str | None:
    for group, columns in features.vectors.items():
        if not columns:
            return f"has a vector {group!r} of no columns"
    if not features.inputs:
        return "names no column to learn from; give numeric, categorical or vectors"
    seen: set[str] = set()
    for name in features.inputs:
        if name in seen:
            return f"names the column {name!r} twice"
        seen.add(name)
    if features.target in seen:
        return f"has the target {features.target!r} among the features"
    for group in features.vectors:
        if group in seen:
            return f"has a vector and a column that are both called {group!r}"
    return None
