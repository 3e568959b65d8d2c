"""Read one YAML document and remember where in the text each value stands.

The language is YAML 1.2's core schema: `no` is text and not false, `1e-3` is a number, `010` is
ten. Anchors are refused, since a small text of them unfolds into a large value. JSON is a subset.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]
"""The way to a value: keys of mappings and positions in lists."""

_LARGEST = 2**53 - 1

_CORE: tuple[tuple[str, str, str], ...] = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
)
_TAGS = {"map", "seq", "str", *(tag for tag, _, _ in _CORE)}


@dataclass(frozen=True)
class Mark:
    """A place in the text, both numbers from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Flaw:
    """Something that cannot be read, and where."""

    mark: Mark
    path: Path
    expected: str
    got: str


@dataclass
class Document:
    """A value of plain JSON types, the place of every part, and what could not be read."""

    value: Any = None
    values: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """Composes nodes only: nothing is ever constructed by a tag."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own name)

    def compose_node(self, parent: Any, index: Any) -> Any:
        loader: Any = self
        event = loader.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(
                None,
                None,
                "anchors and aliases are not allowed: write the value out",
                event.start_mark,
            )
        return super().compose_node(parent, index)


for _tag, _pattern, _first in _CORE:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first.replace("\0", ""))
    )
# an empty scalar has no first character
_Loader.yaml_implicit_resolvers[""] = [("tag:yaml.org,2002:null", re.compile("^$"))]


def read(text: str) -> Document:
    """Read a text; whatever is wrong with it is in `flaws`, in the order of the text."""
    document = Document()
    try:
        node = yaml.compose(_as_yaml(text), Loader=_Loader)
        if node is not None:
            document.value = _Builder(document).build(node, ())
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        mark = Mark(at.line + 1, at.column + 1) if at else Mark(1, 1)
        document.flaws.append(Flaw(mark, (), "YAML", str(error.problem or error.context)))
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        mark = Mark(before.count("\n") + 1, error.position - before.rfind("\n"))
        document.flaws.append(Flaw(mark, (), "text", f"the character {error.character!r}"))
    except RecursionError:
        document.flaws.append(Flaw(Mark(1, 1), (), "YAML", "lists or mappings nested too deeply"))
    return document


class _Builder:
    def __init__(self, document: Document) -> None:
        self._document = document

    def build(self, node: yaml.Node, path: Path) -> Any:
        """The value of a node; notes the place of it and of all its parts."""
        self._document.values[path] = _mark(node)
        if _tag_of(node) not in _TAGS:
            self._flaw(node, path, "a plain value", f"the tag {node.tag}")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            inner = (*path, key)
            if key in found:
                first = self._document.keys[inner].line
                self._flaw(key_node, inner, "each key once", f"a second one (see line {first})")
                continue
            self._document.keys[inner] = _mark(key_node)
            found[key] = self.build(value_node, inner)
        return found

    def _key(self, node: yaml.Node, path: Path) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._flaw(node, path, "text as a key", "a list or a mapping")
            return None
        if _tag_of(node) != "str":
            self._flaw(node, path, "text as a key", f"{node.value!r}, which needs quotes")
            return None
        return self._text(node, path)

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        text, tag = str(node.value), _tag_of(node)
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag == "int":
            whole = _whole(text)
            if whole is not None:
                return whole
            self._flaw(node, path, f"a whole number up to {_LARGEST}", _short(text))
        elif tag == "float":
            number = float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
            if math.isfinite(number):
                return number
            self._flaw(node, path, "a finite number", _short(text))
        else:
            return self._text(node, path)
        return None

    def _text(self, node: yaml.Node, path: Path) -> str | None:
        text = str(node.value)
        try:
            # JSON writes a character beyond 16 bits as two escapes
            text = text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._flaw(node, path, "text", "half a character (a lone surrogate)")
            return None
        if "\0" in text:
            self._flaw(node, path, "text", "the character \\0")
            return None
        return text

    def _flaw(self, node: yaml.Node, path: Path, expected: str, got: str) -> None:
        self._document.flaws.append(Flaw(_mark(node), path, expected, got))


def _as_yaml(text: str) -> str:
    """JSON may be indented with tabs, which YAML forbids; one blank each keeps the columns."""
    if "\t" in text and text.lstrip().startswith("{"):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return text
        return text.replace("\t", " ")
    return text


def _whole(text: str) -> int | None:
    # a number of thousands of digits is not even worth reading
    if len(text) > 20:
        return None
    number = int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return number if abs(number) <= _LARGEST else None


def _tag_of(node: yaml.Node) -> str:
    return str(node.tag).removeprefix("tag:yaml.org,2002:")


def _mark(node: yaml.Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
