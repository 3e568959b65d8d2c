"""Policies as bundles named by their content, and what an answer of theirs means.

A bundle is kept for ever under its digest and tells OPA that digest as
`data.perennial.bundle.digest`. So a decision names the very policy that made it, and can be asked
again under that policy or another one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from perennial.contracts.base import Json
from perennial.contracts.errors import NotFound, PolicyInvalid, PolicyUnavailable
from perennial.contracts.policy import kind_of

DECISIONS = {
    "promotion": "perennial/promotion/decision",
    "rollout": "perennial/rollout/decision",
    "monitoring": "perennial/monitoring/decision",
}
"""What is asked of every policy, by the kind of the question."""

_DIGEST_FILE = "perennial/bundle/data.json"
_DATA_FILES = ("data.json", "data.yaml")
_BUILD_SECONDS = 60.0

# What an answer could differ by from one day or machine to the next. OPA marks most of these
# itself; the list holds whatever a future version may forget to mark.
_IMPURE = frozenset(
    {
        "crypto.x509.parse_and_verify_certificates",
        "crypto.x509.parse_and_verify_certificates_with_options",
        "http.send",
        "net.lookup_ip_addr",
        "opa.runtime",
        "rand.intn",
        "time.now_ns",
        "uuid.rfc4122",
    }
)


def build(policies_dir: Path, out_dir: Path, opa: str) -> Path:
    """Make the bundle `<out_dir>/<digest>.tar.gz` of a folder of policies, unless it is there.

    Tests (`*_test.rego`), hidden files and files that are neither Rego nor `data.json` or
    `data.yaml` stay out.

    Raises:
        PolicyInvalid: OPA cannot compile it, or a policy asks for the clock, the network or chance.
        PolicyUnavailable: there is no OPA program at `opa`.
    """
    if not policies_dir.is_dir():
        raise PolicyInvalid(f"there is no folder of policies at {policies_dir}")
    texts = {
        path.relative_to(policies_dir).as_posix(): path.read_bytes()
        for path in policies_dir.rglob("*")
        if path.is_file()
    }
    return _build(_chosen(texts), out_dir, opa)


def build_from_texts(files: Mapping[str, str], out_dir: Path, opa: str) -> Path:
    """The same for policies that were sent: text by path, relative to the policies folder.

    Raises:
        PolicyInvalid: as `build`; also for a path that leaves the folder.
        PolicyUnavailable: as `build`.
    """
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
            raise PolicyInvalid(f"{name!r} is not a path inside the policies folder")
    texts = {PurePosixPath(name).as_posix(): text.encode() for name, text in files.items()}
    return _build(_chosen(texts), out_dir, opa)


def content_digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over paths and bytes in the order of the paths: the same on every machine."""
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{hashlib.sha256(files[path]).hexdigest()} {path}\0".encode())
    return whole.hexdigest()


def kept(bundles: Path, digest: str) -> Path:
    """The bundle of a digest that a decision names.

    Raises:
        NotFound: it is not in the folder.
    """
    path = bundles / f"{digest}.tar.gz"
    if not re.fullmatch(r"[0-9a-f]{64}", digest) or not path.is_file():
        raise NotFound(
            f"policy {digest[:12] or '(none named)'} is not kept in {bundles}; restore the folder, "
            f"or check the policies out as they were and build them again"
        )
    return path


async def evaluate(
    bundle: Path, questions: Sequence[Json], opa: str, timeout: float = 60.0
) -> list[Json | None]:
    """Ask a bundle every question, in one OPA process a kind (some 3 ms each on two busy cores).

    Returns:
        The decision for each question, to be read by `interpret`: None where the policy is
        undefined or the kind unknown, `{"error": message}` where it broke on that question.

    Raises:
        PolicyInvalid: the bundle does not load.
        PolicyUnavailable: there is no OPA program at `opa`, or it took longer than `timeout`
            seconds.
    """
    if not questions:
        return []
    program = _program(opa)
    answers: list[Json | None] = [None] * len(questions)
    try:
        async with asyncio.timeout(timeout):
            for kind, decision in DECISIONS.items():
                asked = {
                    index: question
                    for index, question in enumerate(questions)
                    if kind_of(question) == kind
                }
                if asked:
                    for index, answer in (await _exec(program, bundle, decision, asked)).items():
                        answers[index] = answer
    except TimeoutError:
        raise PolicyUnavailable(
            f"policy {bundle.name[:12]} did not answer {len(questions)} questions within "
            f"{timeout:g} s; ask fewer at once, or look for a rule that never ends"
        ) from None
    return answers


async def _exec(
    program: str, bundle: Path, decision: str, questions: Mapping[int, Json]
) -> dict[int, Json | None]:
    """The answers of one decision, under the numbers of their questions."""
    with tempfile.TemporaryDirectory(prefix="perennial-questions-") as folder:
        await asyncio.to_thread(_write_questions, Path(folder), questions)
        process = await asyncio.create_subprocess_exec(
            program,
            *("exec", "--bundle", str(bundle), "--decision", decision, folder),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode != 0:
        raise PolicyInvalid(f"policy {bundle.name[:12]} does not load: {_words(err.decode())}")
    return {int(Path(item["path"]).stem): _answer(item) for item in json.loads(out)["result"]}


def _write_questions(folder: Path, questions: Mapping[int, Json]) -> None:
    for index, question in questions.items():
        (folder / f"{index}.json").write_text(json.dumps(question))


def _answer(item: Json) -> Json | None:
    if "error" in item:
        if item["error"].get("code") == "opa_undefined_error":
            return None
        return {"error": item["error"].get("message", "unknown")}
    result = item["result"]
    return result if isinstance(result, dict) else {"malformed": result}


def _chosen(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What belongs into a bundle. A threshold file that OPA would pass over is an error."""
    chosen: dict[str, bytes] = {}
    for name, content in files.items():
        path = PurePosixPath(name)
        if any(part.startswith(".") for part in path.parts) or name.endswith("_test.rego"):
            continue
        if path.suffix == ".rego" or path.name in _DATA_FILES:
            chosen[name] = content
        elif path.suffix in (".json", ".yaml", ".yml"):
            raise PolicyInvalid(
                f"{name} would not be read: OPA takes data from files named data.json or "
                f"data.yaml; rename it"
            )
    if not any(name.endswith(".rego") for name in chosen):
        raise PolicyInvalid("there is no Rego file among the policies")
    if _DIGEST_FILE in chosen:
        raise PolicyInvalid(f"{_DIGEST_FILE} is written by the build; remove yours")
    return chosen


def _build(files: Mapping[str, bytes], out_dir: Path, opa: str) -> Path:
    digest = content_digest(files)
    target = out_dir / f"{digest}.tar.gz"
    if target.exists():
        return target
    program = _program(opa)
    out_dir.mkdir(parents=True, exist_ok=True)
    # beside its target, so that the last step is one rename
    with tempfile.TemporaryDirectory(prefix=".build-", dir=out_dir) as scratch:
        source, made = Path(scratch, "source"), Path(scratch, "bundle.tar.gz").resolve()
        generated = json.dumps({"digest": digest}).encode()
        for name, content in {**files, _DIGEST_FILE: generated}.items():
            path = source / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            except OSError as error:  # too long a name, or a file where another has its folder
                raise PolicyInvalid(f"{name[:200]} cannot be written: {error.strerror}") from error
        capabilities = Path(scratch, "capabilities.json").resolve()
        capabilities.write_text(json.dumps(_pure_capabilities(program)))
        _run(
            program,
            *("build", "--bundle", ".", "--revision", digest),
            *("--capabilities", str(capabilities), "--output", str(made)),
            cwd=source,
        )
        # some conflicts between rules and data show only when a bundle is loaded
        stated_digest = "data.perennial.bundle.digest"
        said = _run(program, "eval", "--format", "raw", "--bundle", str(made), stated_digest)
        if said.strip() != digest:
            raise PolicyInvalid("the policies hide data.perennial.bundle; rename what does")
        made.replace(target)
    return target


def _pure_capabilities(program: str) -> Json:
    """All that this OPA can do, without what could make the same question answer differently."""
    capabilities: Json = json.loads(_run(program, "capabilities", "--current"))
    capabilities["builtins"] = [
        builtin
        for builtin in capabilities["builtins"]
        if builtin["name"] not in _IMPURE and not builtin.get("nondeterministic")
    ]
    capabilities["allow_net"] = []
    return capabilities


def _run(program: str, *arguments: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            [program, *arguments], cwd=cwd, capture_output=True, text=True, timeout=_BUILD_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise PolicyUnavailable(
            f"opa {arguments[0]} took longer than {_BUILD_SECONDS:g} s; try again on a machine "
            f"that is less busy"
        ) from None
    if done.returncode != 0:
        # `opa eval` tells its errors as JSON on standard output
        words = _words(done.stderr or done.stdout)
        if "undefined function" in words:
            words += (
                "; policies are functions of their input alone, so the network, the clock and "
                "chance are out of reach: use input.now for the time"
            )
        raise PolicyInvalid(f"the policies do not compile: {words}")
    return done.stdout


def _program(opa: str) -> str:
    found = shutil.which(opa)
    if found is None:
        raise PolicyUnavailable(
            f"there is no OPA program at {opa!r}; run `make setup`, or set PERENNIAL_OPA_BINARY"
        )
    return str(Path(found).absolute())


def _words(text: str) -> str:
    """OPA's own words on one line."""
    return re.sub(r"\s+", " ", text).strip().removeprefix("error: ")
