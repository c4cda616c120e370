"""A graph in the Mermaid format, which GitHub and GitLab draw in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .graph import ArrowKind, Graph, Node, NodeKind, printable

_SHAPES = {NodeKind.AGENT: ("[", "]"), NodeKind.USER: ("(", ")"), NodeKind.TOPIC: ("([", "])")}
_ARROWS = {ArrowKind.ONE_WAY: "-->", ArrowKind.BOTH_WAYS: "<-->", ArrowKind.DENIED: "-. denied .-x"}
_STEERS = re.compile(r"[^\w \-.,:/~()+=@]")


def mermaid(graph: Graph) -> Iterator[str]:
    """The lines of a flowchart with one subgraph per group."""
    names = {node.id: f"n{number}" for number, node in enumerate(_nodes(graph), 1)}
    yield "flowchart LR"
    for number, group in enumerate(graph.groups, 1):
        yield f'  subgraph g{number}["{_text(group.title, group.detail)}"]'
        yield from (f"    {names[node.id]}{_box(node)}" for node in group.nodes)
        yield "  end"
    for arrow in graph.arrows:
        yield f"  {names[arrow.source]} {_ARROWS[arrow.kind]} {names[arrow.target]}"


def _nodes(graph: Graph) -> list[Node]:
    return [node for group in graph.groups for node in group.nodes]


def _box(node: Node) -> str:
    left, right = _SHAPES[node.kind]
    return f'{left}"{_text(node.title, node.detail)}"{right}'


def _text(*lines: str) -> str:
    """The label text. Characters that could end it, or be read as HTML or Markdown, become numeric entities."""
    return "<br>".join(_STEERS.sub(_number, printable(line)) for line in lines if line)


def _number(found: re.Match[str]) -> str:
    return f"#{ord(found.group())};"
