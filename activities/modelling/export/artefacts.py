"""What an ONNX file may be before anything runs it: one file, of known operators, not too large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import onnx

from perennial.contracts.errors import ExportFailed

MOST_BYTES = 1 << 30
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
"""Those that the standard defines. What others do is code of whoever serves the file."""
_REFUSED = frozenset({"Loop"})
"""It can go on for as long as the file's own numbers say."""


def check(path: Path) -> None:
    """Refuse a file that reads others, runs unknown operators, or is too large to hold.

    Args:
        path: of the file. Nothing beside it is opened.

    Raises:
        ExportFailed: it is refused; the message says what is found in it.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ExportFailed(
            f"the ONNX file has {size / 1e6:,.0f} MB, and {MOST_BYTES / 1e6:,.0f} MB are allowed; "
            f"make the model smaller"
        )
    try:
        made = onnx.load(path, load_external_data=False)
    except Exception as error:
        raise ExportFailed(f"this is no ONNX file: {' '.join(str(error).split())[:200]}") from error
    own = {function.domain for function in made.functions}
    graphs = [*_graphs(made.graph.node), made.graph]
    for function in made.functions:
        graphs += _graphs(function.node)
    outside = [
        tensor.name
        for tensor in _tensors(made, graphs)
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data
    ]
    if outside:
        raise ExportFailed(
            f"the ONNX file keeps {', '.join(sorted(outside)[:3])} in another file, and a version "
            f"is one file, with one digest; write it with its weights inside"
        )
    nodes = [node for part in (*graphs, *made.functions) for node in part.node]
    strange = {
        f"{node.domain or 'ai.onnx'}.{node.op_type}"
        for node in nodes
        if (node.domain not in DOMAINS and node.domain not in own) or node.op_type in _REFUSED
    }
    if strange:
        raise ExportFailed(
            f"the ONNX file has the operators {', '.join(sorted(strange))}, which are not allowed; "
            f"build the model of the standard's own, without loops"
        )


def _graphs(nodes: Iterable[onnx.NodeProto]) -> list[onnx.GraphProto]:
    """The graphs inside of nodes, such as the branches of an If, however deep."""
    found = []
    for node in nodes:
        for attribute in node.attribute:
            for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                found += [graph, *_graphs(graph.node)]
    return found


def _tensors(made: onnx.ModelProto, graphs: list[onnx.GraphProto]) -> Iterator[onnx.TensorProto]:
    nodes = [node for function in made.functions for node in function.node]
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        nodes += graph.node
    for node in nodes:
        for attribute in node.attribute:
            yield from attribute.tensors
            if attribute.HasField("t"):
                yield attribute.t
