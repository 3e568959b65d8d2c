"""Each activity stub is implemented exactly once, with equal types, and registered once."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable
from typing import Any

import pytest

import activities
import perennial.contracts
from perennial.contracts import errors
from workers import control, ml
from workers.registration import methods

DEFINITION = "__temporal_activity_definition"


def modules(package: Any) -> list[Any]:
    return [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]


def stubs() -> dict[str, Callable[..., Any]]:
    return {
        getattr(member, DEFINITION).name: member
        for module in modules(perennial.contracts)
        for _, member in inspect.getmembers(module, inspect.isfunction)
        if hasattr(member, DEFINITION) and member.__module__ == module.__name__
    }


def implementations() -> list[tuple[str, Callable[..., Any]]]:
    classes = {
        cls
        for module in modules(activities)
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__.startswith("activities.")
    }
    return [
        (getattr(method, DEFINITION).name, method)
        for cls in sorted(classes, key=lambda cls: cls.__qualname__)
        for _, method in inspect.getmembers(cls, inspect.isfunction)
        if hasattr(method, DEFINITION)
    ]


def signature(function: Callable[..., Any]) -> list[Any]:
    hints = typing.get_type_hints(function)
    parameters = [name for name in inspect.signature(function).parameters if name != "self"]
    return [hints[name] for name in parameters] + [hints["return"]]


@pytest.mark.parametrize("name", sorted(stubs()))
def test_a_stub_is_implemented_exactly_once_with_equal_types(name: str) -> None:
    found = [method for implemented, method in implementations() if implemented == name]
    assert len(found) == 1, f"{name} is implemented by {[m.__qualname__ for m in found]}"
    assert signature(found[0]) == signature(stubs()[name])


def test_no_activity_lacks_a_contract() -> None:
    assert {name for name, _ in implementations()} == set(stubs())


def test_every_activity_is_registered_on_one_worker() -> None:
    registered = [
        getattr(method, DEFINITION).name
        for cls in (*control.ACTIVITIES, *ml.ACTIVITIES)
        for method in methods(cls.__new__(cls))
    ]
    assert sorted(registered) == sorted(stubs())


def test_error_names_are_unique_and_found_by_name() -> None:
    pending, names = [errors.PerennialError], []
    while pending:
        cls = pending.pop()
        names.append(cls.__name__)
        pending.extend(cls.__subclasses__())
    assert len(names) == len(set(names))
    assert all(errors.by_name(name) is not None for name in names)
