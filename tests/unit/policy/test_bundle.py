"""Bundles: named by their content, kept once, and functions of their input alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perennial.contracts.base import Json
from perennial.contracts.errors import NotFound, PolicyInvalid, PolicyUnavailable
from perennial.policy_bundle import build, build_from_texts, content_digest, evaluate, kept

PACKAGE = "package perennial.promotion\n\n"
ECHO = PACKAGE + 'decision := {"said": input.word, "policy": data.perennial.bundle.digest}\n'
IMPURE = [
    'http.send({"method": "get", "url": "http://127.0.0.1"})',
    'json.match_schema({}, {"$ref": "http://127.0.0.1/schema"})',
    'net.lookup_ip_addr("localhost")',
    "opa.runtime()",
    'rand.intn("dice", 6)',
    "time.now_ns()",
    'uuid.rfc4122("x")',
]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_digest_depends_on_paths_and_bytes_alone(tmp_path: Path, opa: str) -> None:
    here = write(tmp_path / "here", {"a.rego": ECHO, "limits/data.json": '{"most": 3}'})
    there = write(tmp_path / "there", {"limits/data.json": '{"most": 3}', "a.rego": ECHO})
    os.utime(there / "a.rego", (0, 0))
    first = build(here, tmp_path / "out", opa)
    assert build(there, tmp_path / "other", opa).name == first.name
    assert (tmp_path / "other" / first.name).read_bytes() == first.read_bytes()


def test_the_digest_of_some_files_is_the_same_for_ever() -> None:
    assert content_digest({"b/data.json": b"{}", "a.rego": b"package a\n"}) == (
        "6dc9dcef9f8b1b6bbe3ce24015b4c3472526e3cca4e1ec331158242c3230c6cc"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"a.rego": ECHO + "\n"},
        {"b.rego": ECHO},
        {"limits/data.json": '{"most": 4}'},
        {"limits/data.json": '{"most": 3}', "more/data.yaml": "most: 3"},
    ],
)
def test_any_change_makes_another_digest(change: dict[str, str]) -> None:
    base = {"a.rego": ECHO, "limits/data.json": '{"most": 3}'}
    other = change if "b.rego" in change else {**base, **change}
    assert content_digest(_bytes(base)) != content_digest(_bytes(other))


def _bytes(files: dict[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}


def test_tests_notes_and_hidden_files_stay_out(tmp_path: Path, opa: str) -> None:
    plain = build_from_texts({"a.rego": ECHO}, tmp_path, opa)
    more = {"a_test.rego": "not even Rego", "README.md": "# Read me", ".git/data.json": "{"}
    assert build_from_texts({"a.rego": ECHO, **more}, tmp_path, opa) == plain


def test_a_bundle_is_written_once(tmp_path: Path, opa: str) -> None:
    first = build_from_texts({"a.rego": ECHO}, tmp_path, opa)
    os.utime(first, (0, 0))
    # no program is needed for a bundle that is there
    assert build_from_texts({"a.rego": ECHO}, tmp_path, "no-such-opa") == first
    assert first.stat().st_mtime == 0
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


def test_the_kept_bundle_is_found_by_the_digest_a_decision_names(tmp_path: Path, opa: str) -> None:
    made = build_from_texts({"a.rego": ECHO}, tmp_path, opa)
    assert kept(tmp_path, made.name.removesuffix(".tar.gz")) == made


@pytest.mark.parametrize("digest", ["", "0" * 64, "../secrets"])
def test_a_policy_that_is_not_kept_is_not_found(tmp_path: Path, digest: str) -> None:
    with pytest.raises(NotFound, match="is not kept in"):
        kept(tmp_path, digest)


@pytest.mark.parametrize("call", IMPURE)
def test_policies_cannot_reach_what_is_not_input(call: str, tmp_path: Path, opa: str) -> None:
    name = call.split("(")[0]
    with pytest.raises(PolicyInvalid, match=f"undefined function {name}; policies are functions"):
        build_from_texts({"a.rego": f"{PACKAGE}decision := {call}\n"}, tmp_path, opa)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"rules/a.rego": PACKAGE + "decision := {"}, r"rules/a\.rego:3: rego_parse_error"),
        ({"a.rego": PACKAGE + "decision := nowhere"}, r"a\.rego:3: .*var nowhere is unsafe"),
        ({"a.rego": ECHO, "x/data.json": '{"a":'}, r"x/data\.json: unexpected EOF"),
        ({"a.rego": ECHO, "limits.json": "{}"}, r"limits\.json would not be read"),
        ({"a.rego": ECHO, "x/limits.yml": "{}"}, r"x/limits\.yml would not be read"),
        ({"x/data.json": "{}"}, "no Rego file"),
        ({"../a.rego": ECHO}, "not a path inside"),
        ({"/a.rego": ECHO}, "not a path inside"),
        ({"a.rego": ECHO, "a.rego/b.rego": ECHO}, "cannot be written"),
        ({"a" * 300 + ".rego": ECHO}, "File name too long"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(
    files: dict[str, str], message: str, tmp_path: Path, opa: str
) -> None:
    with pytest.raises(PolicyInvalid, match=message):
        build_from_texts(files, tmp_path, opa)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "files",
    [
        {"perennial/bundle/data.json": '{"digest": "of mine"}'},
        {"perennial/data.json": '{"bundle": {"digest": "of mine"}}'},
        {"data.yaml": "perennial: {bundle: {digest: of mine}}"},
        {"b.rego": 'package perennial.bundle\n\ndigest := "of mine"\n'},
        {"b.rego": 'package perennial\n\nbundle := {"digest": "of mine"}\n'},
    ],
)
def test_a_policy_cannot_give_itself_another_digest(
    files: dict[str, str], tmp_path: Path, opa: str
) -> None:
    with pytest.raises(PolicyInvalid):
        build_from_texts({"a.rego": ECHO, **files}, tmp_path, opa)


def test_no_folder_and_no_program_are_told(tmp_path: Path, opa: str) -> None:
    with pytest.raises(PolicyInvalid, match="no folder of policies at"):
        build(tmp_path / "nowhere", tmp_path, opa)
    with pytest.raises(PolicyUnavailable, match="PERENNIAL_OPA_BINARY"):
        build_from_texts({"a.rego": ECHO}, tmp_path, "no-such-opa")


async def test_many_questions_are_answered_in_order(tmp_path: Path, opa: str) -> None:
    bundle = build_from_texts({"a.rego": ECHO}, tmp_path, opa)
    asked: list[Json] = [{"word": number} for number in range(25)]
    answers = await evaluate(bundle, asked, opa)
    digest = bundle.name.removesuffix(".tar.gz")
    assert answers == [{"said": number, "policy": digest} for number in range(25)]
    assert await evaluate(bundle, [], opa) == []


async def test_each_kind_is_asked_for_its_own_decision(tmp_path: Path, opa: str) -> None:
    other = 'package perennial.rollout\n\ndecision := {"rolled": input.word}\n'
    bundle = build_from_texts({"a.rego": ECHO, "b.rego": other}, tmp_path, opa)
    digest = bundle.name.removesuffix(".tar.gz")
    asked: list[Json] = [
        {"kind": "rollout", "word": 0},
        {"kind": "promotion", "word": 1},
        {"word": 2},
        {"kind": "retirement", "word": 3},
        {"kind": ["rollout"], "word": 4},
        {"kind": "rollout", "word": 5},
        {"kind": "rollout"},
    ]
    assert await evaluate(bundle, asked, opa) == [
        {"rolled": 0},
        {"said": 1, "policy": digest},
        {"said": 2, "policy": digest},
        None,
        None,
        {"rolled": 5},
        None,
    ]


async def test_each_question_has_an_answer_of_its_own(tmp_path: Path, opa: str) -> None:
    both = ECHO + "\ndecision := 2 if input.other\n"
    bundle = build_from_texts({"a.rego": both}, tmp_path, opa)
    answers = await evaluate(
        bundle, [{"silent": True}, {"word": "x", "other": True}, {"other": True}], opa
    )
    assert answers[0] is None
    assert answers[1] is not None and "conflicting values" in answers[1]["error"]
    assert answers[2] == {"malformed": 2}


async def test_a_bundle_that_is_none_does_not_load(tmp_path: Path, opa: str) -> None:
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(b"no archive")
    with pytest.raises(PolicyInvalid, match="does not load"):
        await evaluate(path, [{}], opa)


async def test_a_policy_that_takes_too_long_is_stopped(tmp_path: Path, opa: str) -> None:
    endless = PACKAGE + (
        "decision := count([1 | some a in n; some b in n; some c in n; a * b == c])\n\n"
        "n := numbers.range(1, 100000)\n"
    )
    bundle = build_from_texts({"a.rego": endless}, tmp_path, opa)
    with pytest.raises(PolicyUnavailable, match=r"did not answer 1 questions within 0\.2 s"):
        await evaluate(bundle, [{}], opa, timeout=0.2)
