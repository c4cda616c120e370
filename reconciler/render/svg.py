"""A graph as a picture that needs no other program and no other file; light or dark as its reader prefers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from xml.sax.saxutils import escape

from .graph import ArrowKind, Graph, NodeKind, printable
from .layout import DETAIL, TITLE, Box, Lane, Picture, Point, Route, picture

# Plain rules, no variables: some programs that draw SVG know none.
_RULES = f"""\
text {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
.title {{ font-size: {TITLE}px; font-weight: 600; }}
.detail {{ font-size: {DETAIL}px; }}
.arrow {{ fill: none; stroke-width: 1.5; }}
.denied {{ stroke-dasharray: 5 4; }}"""
_LIGHT = {
    ".paper": "fill: #fff",
    ".lane": "fill: #f4f5f7; stroke: #d0d5dd",
    ".box": "stroke: #c3c9d3",
    ".agent": "fill: #dbe9ff",
    ".user": "fill: #e3f4e1",
    ".topic": "fill: #fdf0d5",
    ".title": "fill: #1c2330",
    ".detail": "fill: #5b6472",
    ".arrow": "stroke: #7a8496",
    ".head": "fill: #7a8496",
    ".arrow.denied": "stroke: #c0392b",
}
_DARK = {
    ".paper": "fill: #12161d",
    ".lane": "fill: #1a2029; stroke: #323b49",
    ".box": "stroke: #3d4757",
    ".agent": "fill: #22385a",
    ".user": "fill: #234029",
    ".topic": "fill: #4a3a17",
    ".title": "fill: #e6eaf0",
    ".detail": "fill: #9aa5b5",
    ".arrow": "stroke: #8a96a8",
    ".head": "fill: #8a96a8",
    ".arrow.denied": "stroke: #ef7a6d",
}
_HEAD = (
    '<marker id="head" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path class="head" d="M0 0L8 4L0 8z"/></marker>'
)
_ROUND = {NodeKind.AGENT: 6, NodeKind.USER: 14, NodeKind.TOPIC: 0}
_ENDS = {
    ArrowKind.ONE_WAY: ' marker-end="url(#head)"',
    ArrowKind.BOTH_WAYS: ' marker-start="url(#head)" marker-end="url(#head)"',
    ArrowKind.DENIED: "",
}


def svg(graph: Graph) -> Iterator[str]:
    """The lines of an SVG 1.1 document."""
    drawn = picture(graph)
    size = f'width="{_n(drawn.width)}" height="{_n(drawn.height)}" viewBox="0 0 {_n(drawn.width)} {_n(drawn.height)}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    yield f"<title>{_text(graph.title)}</title>"
    yield f"<style>{escape(_style())}</style>"
    yield f"<defs>{_HEAD}</defs>"
    yield '<rect class="paper" width="100%" height="100%"/>'
    for lane in drawn.lanes:
        yield from _lane(lane, drawn)
    yield from map(_arrow, drawn.routes)
    for box in drawn.boxes:
        yield from _box(box)
    yield "</svg>"


def _style() -> str:
    light, dark = ("\n".join(f"{name} {{ {rule}; }}" for name, rule in each.items()) for each in (_LIGHT, _DARK))
    return f"{_RULES}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _lane(lane: Lane, drawn: Picture) -> Iterator[str]:
    x, width = drawn.margin, drawn.width - 2 * drawn.margin
    yield f'<rect class="lane" x="{_n(x)}" y="{_n(lane.y)}" width="{_n(width)}" height="{_n(lane.height)}" rx="8"/>'
    yield _line("title", x + 12, lane.y + 20, lane.group.title)
    yield _line("detail", x + 12, lane.y + 36, lane.group.detail)


def _box(box: Box) -> Iterator[str]:
    node, middle = box.node, box.x + box.width / 2
    place = f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'
    yield f"<g><title>{_text(node.id)}</title>"
    yield f'<rect class="box {node.kind}" {place} rx="{_ROUND[node.kind]}"/>'
    yield _line("title", middle, box.y + (19 if node.detail else 20), node.title, anchor=' text-anchor="middle"')
    if node.detail:
        yield _line("detail", middle, box.y + 34, node.detail, anchor=' text-anchor="middle"')
    yield "</g>"


def _line(style: str, x: float, y: float, text: str, *, anchor: str = "") -> str:
    return f'<text class="{style}" x="{_n(x)}" y="{_n(y)}"{anchor}>{_text(text)}</text>'


def _arrow(route: Route) -> str:
    style = "arrow denied" if route.arrow.kind is ArrowKind.DENIED else "arrow"
    words = {ArrowKind.ONE_WAY: "leads to", ArrowKind.BOTH_WAYS: "and", ArrowKind.DENIED: "may not use"}
    told = _text(f"{route.arrow.source} {words[route.arrow.kind]} {route.arrow.target}")
    return f'<path class="{style}" d="{_curves(route.points)}"{_ENDS[route.arrow.kind]}><title>{told}</title></path>'


def _curves(points: tuple[Point, ...]) -> str:
    """Bends between columns, straight lines through them."""
    parts = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for number, ((x, y), (to_x, to_y)) in enumerate(pairwise(points)):
        middle = (x + to_x) / 2
        bend = f"C{_n(middle)} {_n(y)} {_n(middle)} {_n(to_y)} {_n(to_x)} {_n(to_y)}"
        parts.append(f"L{_n(to_x)} {_n(to_y)}" if number % 2 else bend)
    return "".join(parts)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return escape(printable(text))
