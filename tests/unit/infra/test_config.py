"""What a person's variables make of the stack."""

from __future__ import annotations

import shlex
from configparser import RawConfigParser
from pathlib import Path

import pytest

from infra.stack.config import Config
from infra.stack.errors import StackError
from infra.stack.layout import Layout, private
from infra.stack.programs import SEARCH_ATTRIBUTES, programs
from infra.stack.supervisor import render
from perennial.contracts import lifecycle
from perennial.quiet import QUIET

LOCAL = ["temporal", "opa", "mlflow", "ray", "api", "serving", "control", "ml"]


def config(tmp_path: Path, **environ: str) -> Config:
    return Config.from_environment({"PERENNIAL_STATE_DIR": str(tmp_path)} | environ)


def names(of: Config) -> list[str]:
    return [program.name for program in programs(of)]


def test_everything_is_local_by_default(tmp_path: Path) -> None:
    assert names(config(tmp_path)) == LOCAL


def test_a_bus_is_listened_to_where_there_is_one(tmp_path: Path) -> None:
    there = config(tmp_path, PERENNIAL_BUS_URL="amqp://bus.example/")
    assert names(there) == [*LOCAL, "bus"]


@pytest.mark.parametrize(
    ("variable", "value", "service"),
    [
        ("TEMPORAL_ADDRESS", "temporal.example:7233", "temporal"),
        ("PERENNIAL_OPA_URL", "https://opa.example", "opa"),
        ("OPA_URL", "https://opa.example", "opa"),
        ("MLFLOW_TRACKING_URI", "https://mlflow.example", "mlflow"),
        ("RAY_ADDRESS", "ray.example:6379", "ray"),
    ],
)
def test_a_service_elsewhere_is_used_and_not_started(
    tmp_path: Path, variable: str, value: str, service: str
) -> None:
    there = config(tmp_path, **{variable: value})
    assert names(there) == [name for name in LOCAL if name != service]
    assert there.addresses[service] == value
    assert value in there.client_environment().values()


def test_our_own_address_in_the_environment_is_not_elsewhere(tmp_path: Path) -> None:
    here = config(tmp_path, TEMPORAL_ADDRESS="localhost:7233", OPA_URL="http://127.0.0.1:8181/")
    assert names(here) == LOCAL


def test_a_ray_elsewhere_keeps_its_own_token(tmp_path: Path) -> None:
    assert "RAY_AUTH_TOKEN_PATH" in config(tmp_path).client_environment()
    away = config(tmp_path, RAY_ADDRESS="ray.example:6379")
    assert "RAY_AUTH_TOKEN_PATH" not in away.client_environment()


def test_processes_are_quiet_marked_and_see_the_checkout(tmp_path: Path) -> None:
    here = config(tmp_path)
    env = here.process_environment("ray", {"PATH": "/bin", "PYTHONDONTWRITEBYTECODE": "1"})
    assert env.items() >= QUIET.items()
    assert env["PERENNIAL_STACK_ID"] == here.layout.stack_id
    assert env["PERENNIAL_SERVICE"] == "ray"
    assert str(Path(__file__).parents[3]) in env["PYTHONPATH"].split(":")
    assert "PYTHONDONTWRITEBYTECODE" not in env


def test_a_client_is_not_marked_as_part_of_the_stack(tmp_path: Path) -> None:
    # or taking the stack down would end the person's own program
    assert "PERENNIAL_STACK_ID" not in config(tmp_path).client_environment()


def test_credentials_for_elsewhere_stay_away_from_the_local_temporal(tmp_path: Path) -> None:
    env = config(tmp_path).process_environment("api", {"TEMPORAL_API_KEY": "key"})
    assert "TEMPORAL_API_KEY" not in env
    away = config(tmp_path, TEMPORAL_ADDRESS="temporal.example:7233")
    assert away.process_environment("api", {"TEMPORAL_API_KEY": "key"})["TEMPORAL_API_KEY"] == "key"


def test_the_search_attributes_are_those_of_the_contracts() -> None:
    assert set(SEARCH_ATTRIBUTES) == set(lifecycle.SEARCH_ATTRIBUTES)


def test_nothing_listens_beyond_this_machine(tmp_path: Path) -> None:
    words = " ".join(word for program in programs(config(tmp_path)) for word in program.command)
    assert "0.0.0.0" not in words
    temporal = next(program for program in programs(config(tmp_path)) if program.name == "temporal")
    assert {"--ip=127.0.0.1", "--ui-ip=127.0.0.1"} <= set(temporal.command)


def test_the_supervisor_reads_back_what_was_meant(tmp_path: Path) -> None:
    odd = tmp_path / "a folder, 100% odd; #1"
    here = config(odd)
    parser = RawConfigParser(inline_comment_prefixes=(";", "#"))
    text = render(here.layout, programs(here))
    assert "%%" in text
    RawConfigParser().read_string(text)
    parser = RawConfigParser()
    parser.read_string(text.replace("%%", "%"))
    command = shlex.split(parser["program:mlflow"]["command"])
    assert str(here.layout.mlflow_database) in command
    assert parser["unix_http_server"]["chmod"] == "0700"
    assert {f"program:{name}" for name in LOCAL} <= set(parser.sections())


def test_a_long_state_folder_gets_a_short_socket(tmp_path: Path) -> None:
    deep = Layout.of(tmp_path / ("x" * 120))
    assert len(str(deep.supervisor_socket)) < 92
    assert not deep.supervisor_socket.parent.exists()  # looking is not making
    deep.create()
    assert deep.supervisor_socket.parent.stat().st_mode & 0o777 == 0o700
    deep.delete()
    assert not deep.supervisor_socket.parent.exists()
    assert not deep.ray_temp.parent.exists()


def test_a_folder_laid_by_somebody_else_is_not_used(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.symlink_to(tmp_path)
    with pytest.raises(StackError, match="trap"):
        private(trap)


def test_two_state_folders_are_two_stacks(tmp_path: Path) -> None:
    assert Layout.of(tmp_path / "a").stack_id != Layout.of(tmp_path / "b").stack_id
    assert Layout.of(tmp_path / "a").stack_id == Layout.of(tmp_path / "b" / ".." / "a").stack_id
