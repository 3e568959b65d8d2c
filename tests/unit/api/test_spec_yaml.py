from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.contracts.errors import SpecInvalid
from perennial.contracts.rollout_plan import RolloutPlan
from perennial.contracts.spec import ModelSpec
from perennial.spec_yaml import MAX_BYTES, parse_spec, spec_schema
from tests.samples import spec

GOOD = """\
model: flights
project: examples.flights.project:FlightDelay
task: binary
source:
  uri: data/flights.parquet
metrics:
  primary: roc_auc
owners: [data-team]
"""


def problems(text: str) -> list[dict[str, Any]]:
    with pytest.raises(SpecInvalid) as caught:
        parse_spec(textwrap.dedent(text))
    found: list[dict[str, Any]] = caught.value.details["problems"]
    return found


def one(text: str) -> tuple[int, int, str, str, str]:
    (problem,) = problems(text)
    assert set(problem) == {"line", "column", "field", "expected", "got"}
    return tuple(problem.values())  # type: ignore[return-value]


def test_a_page_of_yaml_is_a_spec() -> None:
    found = parse_spec(GOOD)
    assert found.model == "flights"
    assert found.training.epochs == 5
    assert found.environments == ("development", "testing", "staging", "production")


def test_json_is_read_as_well() -> None:
    whole = spec(description="déjà vu 🙂")
    for text in (
        whole.model_dump_json(),
        json.dumps(whole.model_dump(mode="json"), indent="\t"),
        json.dumps(whole.model_dump(mode="json"), indent=2, ensure_ascii=False),
    ):
        assert parse_spec(text) == whole


def test_plain_words_and_numbers_mean_what_they_say() -> None:
    found = parse_spec(
        GOOD
        + "training: {learning_rate: 1e-3, params: {a: no, b: 010, c: 12:30, d: 0x10, e: ~x, "
        + "f: true, g: 2024-01-01, h: .5}}\n"
    )
    assert found.training.learning_rate == 0.001
    assert found.training.params == {
        "a": "no",
        "b": 10,
        "c": "12:30",
        "d": 16,
        "e": "~x",
        "f": True,
        "g": "2024-01-01",
        "h": 0.5,
    }


def test_every_mistake_is_told_at_once_in_the_order_of_the_text() -> None:
    found = problems(
        """\
        model: Flights
        descripton: late?
        project: nope
        task: binray
        source: {}
        training:
          workers: "4"
          epochs: 0
          learning_rate: fast
        metrics:
          primary: roc_auc
          thresholds:
            - metric: roc_auc
        owners: []
        patience: 10 minutes
        """
    )
    assert [(p["line"], p["column"], p["field"]) for p in found] == [
        (1, 8, "model"),
        (2, 1, "descripton"),
        (3, 10, "project"),
        (4, 7, "task"),
        (5, 1, "source.uri"),
        (7, 12, "training.workers"),
        (8, 11, "training.epochs"),
        (9, 18, "training.learning_rate"),
        (13, 7, "metrics.thresholds[0]"),
        (14, 9, "owners"),
        (15, 11, "patience"),
    ]
    by_field = {p["field"]: (p["expected"], p["got"]) for p in found}
    assert by_field["descripton"] == (
        "'description' (did you mean that?)",
        "the unknown key 'descripton'",
    )
    assert by_field["task"] == ("one of binary, multiclass or regression", '"binray"')
    assert by_field["source.uri"] == ("a value, which is required", "nothing")
    assert by_field["training.workers"] == ("a whole number", '"4"')
    assert by_field["training.epochs"] == ("a number of 1 or more", "0")
    assert by_field["owners"] == ("1 or more entries", "[]")
    assert by_field["patience"][0] == "a whole number and a unit: 30s, 5m, 12h, 14d"


def test_the_message_alone_is_enough_to_work_from() -> None:
    with pytest.raises(SpecInvalid) as caught:
        parse_spec(GOOD.replace("roc_auc", "roc_auc\n  gaol: minimize"))
    assert str(caught.value).splitlines() == [
        "the model spec has 1 problem; correct the lines and apply it again",
        "line 8, column 3: metrics.gaol: expected 'goal' (did you mean that?), "
        "got the unknown key 'gaol'",
    ]


def test_keys_are_known_in_parts_that_may_be_left_out() -> None:
    found = problems(
        GOOD + "rollout:\n  stratgy: canary\n  steps: [{percent: 5, hold: 1x}, {prcent: 7}]"
    )
    expected = {problem["field"]: problem["expected"] for problem in found}
    assert expected == {
        "rollout.stratgy": "'strategy' (did you mean that?)",
        "rollout.steps[0].hold": "a whole number and a unit: 30s, 5m, 12h, 14d",
        "rollout.steps[1].percent": "a value, which is required",
        "rollout.steps[1].prcent": "'percent' (did you mean that?)",
    }


def test_steps_of_a_rollout_are_written_as_people_say_them() -> None:
    def steps(text: str) -> str:
        rollout = parse_spec(f"{GOOD}rollout: {{steps: {text}}}").rollout
        assert rollout is not None
        assert RolloutPlan.model_validate_json(rollout.model_dump_json(), strict=True) == rollout
        return rollout.described

    assert steps("[1, 2.5, 100]") == "1 % for 10m, 2.5 % for 10m, 100 %"
    assert steps("[1, {percent: 50, hold: 2h}]") == "1 % for 10m, 50 % for 2h, 100 %"
    for wrong in ("[100]", "[100, 5]", "[5, {percent: 100, hold: 1h}]"):
        [problem] = problems(f"{GOOD}rollout: {{steps: {wrong}}}")
        assert "100 % is no step that is judged" in problem["expected"]


@pytest.mark.parametrize(
    ("text", "line", "column", "got"),
    [
        ("a: [1", 1, 6, "stream end"),
        ("model: x\n  task: y", 2, 7, "mapping values"),
        ("a:\n\tb: 1", 2, 1, "cannot start any token"),
        ("a: 1\n--- \nb: 2", 2, 1, "another document"),
        ("a: &x 1\nb: *x", 1, 4, "anchors and aliases are not allowed"),
        ("a: b\n\x07", 2, 1, "character 7"),
        ("[" * 5000, 1, 1, "nested too deeply"),
        ("", 1, 1, "nothing"),
        ("# only a remark\n", 1, 1, "nothing"),
        ("- 1", 1, 1, "[1]"),
        ("just text", 1, 1, '"just text"'),
        ("x" * (MAX_BYTES + 1024), 1, 1, "65 KiB"),
    ],
)
def test_what_is_no_spec_at_all(text: str, line: int, column: int, got: str) -> None:
    (problem,) = problems(text)
    assert (problem["line"], problem["column"]) == (line, column)
    assert got in problem["got"]


@pytest.mark.parametrize(
    ("value", "expected", "got"),
    [
        (".nan", "a finite number", ".nan"),
        ("-.inf", "a finite number", "-.inf"),
        ("9007199254740992", "a whole number up to 9007199254740991", "9007199254740992"),
        ("1" * 5000, "a whole number up to 9007199254740991", "1" * 57 + "..."),
        ('"\\0"', "text", "the character \\0"),
        ('"\\ud800"', "text", "half a character (a lone surrogate)"),
        (
            "!!python/object:os.system {}",
            "a plain value",
            "the tag tag:yaml.org,2002:python/object:os.system",
        ),
        ("!!binary aGVsbG8=", "a plain value", "the tag tag:yaml.org,2002:binary"),
    ],
)
def test_values_that_have_no_place_in_json(value: str, expected: str, got: str) -> None:
    text = GOOD.replace("uri: data/flights.parquet", f"uri: x\n  options: {{a: {value}}}")
    assert one(text) == (6, 16, "source.options.a", expected, got)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1: a", (9, 1, "", "text as a key", "'1', which needs quotes")),
        ("true: a", (9, 1, "", "text as a key", "'true', which needs quotes")),
        ("? [a]\n: b", (9, 3, "", "text as a key", "a list or a mapping")),
        ("task: binary", (9, 1, "task", "each key once", "a second one (see line 3)")),
    ],
)
def test_keys_are_text_and_stand_once(line: str, problem: tuple[Any, ...]) -> None:
    assert one(GOOD + line + "\n") == problem


def test_rules_over_several_values_are_told_too() -> None:
    (problem,) = problems(
        GOOD.replace(
            "primary: roc_auc",
            "primary: roc_auc\n  thresholds: [{metric: f1, min: 0.9, max: 0.1}]",
        )
    )
    assert problem["line"] == 8
    assert problem["expected"] == "values that agree (threshold on 'f1': min 0.9 is above max 0.1)"


def test_a_value_that_may_be_many_things_has_one_problem() -> None:
    found = one(GOOD + "training: {params: {layers: [32, 16]}}\n")
    assert found[2:] == (
        "training.params.layers",
        "true or false or a whole number or a number or text",
        "[32, 16]",
    )


def test_the_schema_names_every_key() -> None:
    schema = spec_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert set(schema["properties"]) == set(ModelSpec.model_fields)
    assert schema["additionalProperties"] is False


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=200) | st.text(alphabet="ab:-[]{}#&*!|>'\"%@`,? \n\t0.", max_size=80))
def test_any_text_is_a_spec_or_a_list_of_problems(text: str) -> None:
    try:
        parse_spec(text)
    except SpecInvalid as error:
        assert error.details["problems"]
        for problem in error.details["problems"]:
            assert problem["line"] >= 1 and problem["column"] >= 1
            assert problem["expected"] and problem["got"]
