"""A graph in the DOT format of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from .graph import ArrowKind, Graph, GraphGroup, NodeKind, printable

_SHAPES = {NodeKind.AGENT: "box", NodeKind.USER: "oval", NodeKind.TOPIC: "cds"}
_ARROWS = {
    ArrowKind.ONE_WAY: "",
    ArrowKind.BOTH_WAYS: " [dir=both]",
    ArrowKind.DENIED: ' [style=dashed, label="denied"]',
}


def dot(graph: Graph) -> Iterator[str]:
    """The lines of a digraph with one cluster per group."""
    yield f"digraph {_quoted(graph.title)} {{"
    yield '  graph [rankdir=LR, fontname="sans-serif", style=rounded];'
    yield '  node [fontname="sans-serif"];'
    yield '  edge [fontname="sans-serif"];'
    for group in graph.groups:
        yield from _cluster(group)
    for arrow in graph.arrows:
        yield f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)}{_ARROWS[arrow.kind]};"
    yield "}"


def _cluster(group: GraphGroup) -> Iterator[str]:
    yield f"  subgraph {_quoted(f'cluster {group.id}')} {{"
    yield f"    label={_label(group.title, group.detail)};"
    for node in group.nodes:
        yield f"    {_quoted(node.id)} [shape={_SHAPES[node.kind]}, label={_label(node.title, node.detail)}];"
    if not group.nodes:  # Graphviz draws no empty cluster
        yield f"    {_quoted(group.id)} [style=invis];"
    yield "  }"


def _label(*lines: str) -> str:
    return '"' + r"\n".join(_escaped(line) for line in lines if line) + '"'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    r"""Escape backslashes and quotes, so that Graphviz does not read `\N` in a label as the node's name."""
    return printable(text).replace("\\", r"\\").replace('"', r"\"")
