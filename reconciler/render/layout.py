"""Where the parts of a graph stand in a picture: a lane for each group, columns from left to right.

An arrow over several columns gets a bend in each of those between, so that it passes beside the boxes.
The same graph always gives the same picture. Lengths are pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias
from unicodedata import east_asian_width

from .graph import Arrow, Graph, Group, Node

TITLE, DETAIL = 13, 11  # font sizes
_WIDE = 0.61  # a character of a monospaced font, in font sizes
_PAD, _GAP, _BETWEEN, _MARGIN = 12, 14, 64, 16
_HEAD = 48  # the title of a lane
_BOX, _LOW_BOX, _BEND = 44, 30, 8
_LARGEST_STACK = 10_000

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A node and its rectangle."""

    node: Node
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Lane:
    """A group and how high its part of the picture is."""

    group: Group
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Route:
    """An arrow and the points on its way, in pairs: where a column is left, where the next is reached."""

    arrow: Arrow
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything in its place; lanes are as wide as the picture, but for a margin."""

    width: float
    height: float
    margin: float
    lanes: tuple[Lane, ...]
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class _Item:
    """A node, or a bend of an arrow (without a node), in one column of one lane."""

    id: str
    lane: int
    column: int
    height: float
    node: Node | None = None


Stacks: TypeAlias = dict[tuple[int, int], list[_Item]]  # by lane and column


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: its left edge and its width."""

    left: float
    width: float

    @property
    def right(self) -> float:
        return self.left + self.width


def picture(graph: Graph) -> Picture:
    """The graph laid out."""
    items = {item.id: item for item in _node_items(graph)}
    chains = [_chain(number, arrow, items) for number, arrow in enumerate(graph.arrows)]
    items |= {item.id: item for chain in chains for item in chain}
    stacks = _stacks(items, chains)
    columns = _columns(items.values())
    lanes = _lanes(graph, stacks)
    middles = _middles(stacks, lanes)
    boxes = {item.id: _box(item, item.node, middles[item.id], columns) for item in items.values() if item.node}
    routes = _apart([_route(chain, middles, boxes, columns) for chain in chains], boxes.values())
    titles = max((_title_width(group) for group in graph.groups), default=0)
    content = max([columns[-1].right if columns else 0, _MARGIN + _PAD + titles])
    bottom = lanes[-1].y + lanes[-1].height if lanes else 0
    told = tuple(Route(arrow, tuple(points)) for arrow, points in zip(graph.arrows, routes, strict=True))
    return Picture(
        width=content + _PAD + _MARGIN,
        height=bottom + _MARGIN,
        margin=_MARGIN,
        lanes=lanes,
        boxes=tuple(boxes.values()),
        routes=told,
    )


# --- what there is to place -------------------------------------------------------------------


def _node_items(graph: Graph) -> list[_Item]:
    return [
        _Item(node.id, lane, node.column, _BOX if node.detail else _LOW_BOX, node)
        for lane, group in enumerate(graph.groups)
        for node in group.nodes
    ]


def _chain(number: int, arrow: Arrow, items: Mapping[str, _Item]) -> list[_Item]:
    """The arrow's source, its bends in the lane of its target, and its target."""
    source, target = items[arrow.source], items[arrow.target]
    step = 1 if source.column <= target.column else -1
    between = range(source.column + step, target.column, step)
    bends = [_Item(f"bend {number} {column}", target.lane, column, _BEND) for column in between]
    return [source, *bends, target]


def _stacks(items: Mapping[str, _Item], chains: Sequence[Sequence[_Item]]) -> Stacks:
    """What stands in each column of each lane, from top to bottom: near what leads to it from the left."""
    stacks: Stacks = {}
    for item in items.values():
        stacks.setdefault((item.lane, item.column), []).append(item)
    leading = _leading(chains)
    ranks: dict[str, float] = {}
    for lane, column in sorted(stacks, key=lambda place: (place[1], place[0])):
        stack = stacks[lane, column]
        own = {item.id: lane * _LARGEST_STACK + index for index, item in enumerate(stack)}
        near = {item.id: _mean([ranks[each] for each in leading.get(item.id, ())], own[item.id]) for item in stack}
        stack.sort(key=lambda item: near[item.id])
        ranks |= {item.id: lane * _LARGEST_STACK + index for index, item in enumerate(stack)}
    return stacks


def _leading(chains: Sequence[Sequence[_Item]]) -> dict[str, list[str]]:
    """By item: those in the column to its left that an arrow connects it with."""
    found: dict[str, list[str]] = {}
    for chain in chains:
        for one, other in pairwise(chain):
            left, right = sorted((one, other), key=lambda item: item.column)
            found.setdefault(right.id, []).append(left.id)
    return found


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


# --- places -----------------------------------------------------------------------------------


def _columns(items: Iterable[_Item]) -> list[_Column]:
    widths: dict[int, float] = {}
    for item in items:
        widths[item.column] = max(widths.get(item.column, 0), _node_width(item.node) if item.node else 0)
    columns: list[_Column] = []
    for column in sorted(widths):
        left = columns[-1].right + _BETWEEN if columns else _MARGIN + _PAD
        columns.append(_Column(left, widths[column]))
    return columns


def _node_width(node: Node) -> float:
    return max(_text_width(node.title, TITLE), _text_width(node.detail, DETAIL)) + 2 * _PAD


def _title_width(group: Group) -> float:
    return max(_text_width(group.title, TITLE), _text_width(group.detail, DETAIL))


def _text_width(text: str, size: int) -> float:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text) * size * _WIDE


def _lanes(graph: Graph, stacks: Stacks) -> tuple[Lane, ...]:
    lanes: list[Lane] = []
    for number, group in enumerate(graph.groups):
        content = max((_stack_height(stack) for (lane, _), stack in stacks.items() if lane == number), default=0)
        top = lanes[-1].y + lanes[-1].height + _GAP if lanes else _MARGIN
        lanes.append(Lane(group, top, _HEAD + content + (_PAD if content else 0)))
    return tuple(lanes)


def _stack_height(stack: Sequence[_Item]) -> float:
    return sum(item.height for item in stack) + _GAP * (len(stack) - 1)


def _middles(stacks: Stacks, lanes: Sequence[Lane]) -> dict[str, float]:
    """The height at which the middle of each item is; a stack stands in the middle of its lane."""
    middles: dict[str, float] = {}
    for (number, _), stack in stacks.items():
        lane = lanes[number]
        y = lane.y + _HEAD + (lane.height - _HEAD - _PAD - _stack_height(stack)) / 2
        for item in stack:
            middles[item.id] = y + item.height / 2
            y += item.height + _GAP
    return middles


def _box(item: _Item, node: Node, middle: float, columns: Sequence[_Column]) -> Box:
    column, width = columns[item.column], _node_width(node)
    return Box(node, column.left + (column.width - width) / 2, middle - item.height / 2, width, item.height)


def _route(
    chain: Sequence[_Item], middles: Mapping[str, float], boxes: Mapping[str, Box], columns: Sequence[_Column]
) -> list[Point]:
    """From the side of a box that faces the other one, past all bends, to the facing side of the other."""
    source, *bends, target = chain
    forth = source.column <= target.column
    points = [_side(boxes[source.id], right=forth)]
    for bend in bends:
        edges = (columns[bend.column].left, columns[bend.column].right)
        points += [(x, middles[bend.id]) for x in (edges if forth else edges[::-1])]
    return [*points, _side(boxes[target.id], right=not forth)]


def _side(box: Box, *, right: bool) -> Point:
    return box.x + (box.width if right else 0), box.y + box.height / 2


def _apart(routes: list[list[Point]], boxes: Iterable[Box]) -> list[list[Point]]:
    """The routes, with those that meet at one side of a box spread along it, in the order of where they come from."""
    meeting: dict[Point, list[tuple[float, int, int]]] = {}
    for number, points in enumerate(routes):
        for end, before in ((0, 1), (-1, -2)):
            meeting.setdefault(points[end], []).append((points[before][1], number, end))
    for box in boxes:
        for side in (_side(box, right=True), _side(box, right=False)):
            ends = sorted(meeting.get(side, ()))
            for place, (_, number, end) in enumerate(ends, 1):
                routes[number][end] = (side[0], box.y + box.height * place / (len(ends) + 1))
    return routes
