"""Loading a project, and saying whose fault it is."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from activities.modelling.code import source_digest
from activities.modelling.projects import load_project
from perennial.contracts.errors import ProjectInvalid
from tests.unit.ml.conftest import Write


def file_of(name: str) -> Path:
    found = importlib.util.find_spec(name.partition(":")[0])
    assert found is not None and found.origin is not None
    return Path(found.origin)


def line_of(name: str, code: str) -> int:
    lines = file_of(name).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if code in line)


def test_a_module_that_is_not_there() -> None:
    with pytest.raises(ProjectInvalid, match=r"there is no module nowhere.*PYTHONPATH"):
        load_project("nowhere.project:Own")


def test_a_class_that_is_not_there_names_those_that_are(write_project: Write) -> None:
    name = write_project("class Own(Base): pass").replace(":Own", ":Owl")
    with pytest.raises(ProjectInvalid, match="has no model project Owl; it has Base, Own"):
        load_project(name)


def test_an_import_that_raises_names_the_line(write_project: Write) -> None:
    name = write_project("class Own(Base): pass\n\nboom = 1 / 0")
    with pytest.raises(ProjectInvalid, match=r"ZeroDivisionError.*project\.py, line") as caught:
        load_project(name)
    assert f"line {line_of(name, 'boom')}" in caught.value.message


def test_a_syntax_error_names_the_line(write_project: Write) -> None:
    name = write_project("class Own(Base): pass\n\nthis is no python")
    with pytest.raises(ProjectInvalid, match="is no Python") as caught:
        load_project(name)
    assert f"line {line_of(name, 'this is no')}" in caught.value.message


def test_a_missing_import_names_the_package(write_project: Write) -> None:
    name = write_project("import no_such_package\nclass Own(Base): pass")
    with pytest.raises(ProjectInvalid, match="No module named 'no_such_package'"):
        load_project(name)


def test_a_method_that_raises_names_itself_and_the_line(write_project: Write) -> None:
    name = write_project(
        """
        class Own(Base):
            def features(self):
                return deeper()

        def deeper():
            return {}["nothing"]
        """
    )
    with pytest.raises(ProjectInvalid, match=r"features\(\) raised KeyError") as caught:
        load_project(name).features()
    assert f"line {line_of(name, '[' + chr(34) + 'nothing')}" in caught.value.message


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ("Features(target='a')", "names no column to learn from"),
        ("Features(target='a', numeric=['b', 'b'])", "names the column 'b' twice"),
        ("Features(target='a', numeric=['a'])", "has the target 'a' among the features"),
        ("Features(target='a', vectors={'v': []})", "has a vector 'v' of no columns"),
        ("Features('a', ['v'], vectors={'v': ['b']})", "a column that are both called 'v'"),
        ("{'target': 'a'}", "returned dict"),
    ],
)
def test_features_that_contradict_themselves(
    write_project: Write, features: str, said: str
) -> None:
    name = write_project(f"class Own(Base):\n    def features(self):\n        return {features}")
    with pytest.raises(ProjectInvalid, match=said):
        load_project(name).features()


def test_changed_code_is_loaded_anew(write_project: Write) -> None:
    name = write_project("class Own(Base):\n    answer = 41")
    before = load_project(name)
    file = file_of(name)
    file.write_text(file.read_text().replace("41", "42"))
    after = load_project(name)
    assert (before.own.answer, after.own.answer) == (41, 42)  # type: ignore[attr-defined]
    assert before.source_digest != after.source_digest


def test_a_run_is_one_code_from_end_to_end(write_project: Write) -> None:
    name = write_project("class Own(Base): pass")
    trained = load_project(name).source_digest
    assert load_project(name, expected=trained).source_digest == trained
    file = file_of(name)
    file.write_text(file.read_text() + "\n# better\n")
    with pytest.raises(ProjectInvalid, match="changed while the run was under way"):
        load_project(name, expected=trained)


def test_the_digest_is_of_the_package_and_not_of_its_place(
    write_project: Write, tmp_path: Path
) -> None:
    file = file_of(write_project())
    moved = tmp_path / "elsewhere"
    file.parent.rename(moved)
    before = source_digest(moved / "project.py")
    (moved / "helper.py").write_text("x = 1")
    assert source_digest(moved / "project.py") != before
    (moved / "helper.py").unlink()
    (moved / "notes.txt").write_text("not code")
    assert source_digest(moved / "project.py") == before


def test_identity_of_an_example_knows_commit_and_lock() -> None:
    identity = load_project("examples.digits.project:Digits").identity()
    assert identity.project == "examples.digits.project:Digits"
    assert identity.git_commit is not None and len(identity.git_commit) == 40
    assert identity.lock_digest is not None
    assert identity.platform_digest is not None
    assert identity.installed is not None and identity.installed.libraries["torch"]


def test_authoring_loads_no_heavy_library() -> None:
    code = (
        "import sys, perennial.authoring;"
        "heavy = {'torch', 'pandas', 'numpy', 'pandera', 'ray', 'pyarrow', 'fsspec'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
