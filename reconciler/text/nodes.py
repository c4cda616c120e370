"""YAML text -> nodes, each with its place: the structure, before any meaning.

ruamel.yaml only tokenises and parses. Its composer would recurse as deep as the text asks for;
this one stops at a depth, and knows one document, the allowed tags and earlier anchors only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, NoReturn, TypeAlias

from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from .characters import line_and_column, unprintable

At: TypeAlias = tuple[int, int]  # line and column, from 1
Span: TypeAlias = tuple[int, int]  # offsets of the first character, and behind the last one

_CORE = "tag:yaml.org,2002:"
_RESOLVED = frozenset(f"{_CORE}{kind}" for kind in ("null", "bool", "int", "float"))
TEXT_TAGS = frozenset({f"{_CORE}str"})
CORE_TAGS = frozenset({"!", *_RESOLVED, *TEXT_TAGS}) | {
    f"{_CORE}{kind}" for kind in ("timestamp", "binary", "seq", "map", "set", "omap", "pairs")
}


class Bounds(Struct, frozen=True):
    """How much of YAML a kind of file may use.

    `depth` is how many levels deep, `unfolded` how many nodes its aliases stand for. `tags` are those allowed.
    `escapes` says whether characters that YAML forbids may be written as escapes.
    """

    depth: int
    unfolded: int
    tags: frozenset[str]
    escapes: bool


class YamlProblemKind(Enum):
    """What may be wrong with a text as YAML; `about` and `detail` are those of its `YamlProblem`."""

    SYNTAX = auto()  # detail: what the parser was in
    NUMBER = auto()  # of an escape
    CONTROL = auto()  # about: the character, as U+0007
    DOCUMENTS = auto()  # more than one
    DEPTH = auto()  # about: how deep it may be
    TAG = auto()  # about: the tag
    ALIAS = auto()  # about: the name, which no earlier anchor has
    LOOP = auto()  # about: the name, which the node that it is in has
    UNFOLDED = auto()  # about: the name of the alias that is too much
    KEY = auto()  # one that is not a scalar
    DUPLICATE = auto()  # about: the key; detail: both values
    MERGE = auto()  # about: the word that stands instead of a mapping


class YamlProblem(Struct, frozen=True):
    """One thing that is wrong with a text as YAML; `earlier` is the place of the first of two."""

    fault: YamlProblemKind
    at: At
    about: str = ""
    detail: str = ""
    earlier: At = (0, 0)


class NotYaml(ValueError):
    """A text that cannot be read any further; `slip` says where and why."""

    def __init__(self, slip: YamlProblem) -> None:
        super().__init__(slip)
        self.slip = slip


class ScalarNode(Struct, frozen=True):
    """A piece of text; only a `plain` one (no quotes, no tag of text) may be read as something else."""

    text: str
    plain: bool
    at: At
    span: Span


class SequenceNode(Struct, frozen=True):
    """A sequence, in brackets when it is `flow`."""

    items: list[Node]
    at: At
    span: Span
    flow: bool


class MappingNode(Struct, frozen=True):
    """A mapping as it is written, in braces when it is `flow`: duplicates and merge keys included."""

    entries: list[tuple[Node, Node]]
    at: At
    span: Span
    flow: bool


class AliasNode(Struct, frozen=True):
    """`*name`, and what it stands for."""

    name: str
    target: Node
    at: At
    span: Span


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode | AliasNode


def give_up(fault: YamlProblemKind, at: At, about: str = "", detail: str = "") -> NoReturn:
    """Raise `NotYaml` for a place."""
    raise NotYaml(YamlProblem(fault, at, about, detail))


def compose(text: str, bounds: Bounds) -> Node | None:
    """The node that the only document of `text` is, or None when there is none.

    Raises:
        NotYaml: It is not YAML 1.2, or uses more of it than `bounds` allow.
    """
    if found := unprintable(text):
        give_up(YamlProblemKind.CONTROL, line_and_column(text, found.start()), _code_point(found.group()))
    try:
        return _only_document(bounds, YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        raise NotYaml(_syntax_slip(error)) from error
    except NotYaml:
        raise
    except (ValueError, OverflowError) as error:  # ruamel checks the digits of "\UFFFFFFFF", not the number
        raise NotYaml(YamlProblem(YamlProblemKind.NUMBER, (0, 0), detail=str(error))) from error
    except Exception as error:  # the library fails at odd files with anything: KeyError, AttributeError ...
        raise NotYaml(YamlProblem(YamlProblemKind.SYNTAX, (0, 0), "this is not YAML that can be understood")) from error


def _syntax_slip(error: MarkedYAMLError) -> YamlProblem:
    mark = error.problem_mark or error.context_mark
    at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    context = str(error.context or "")
    return YamlProblem(YamlProblemKind.SYNTAX, at, str(error.problem or context), context)


def _only_document(bounds: Bounds, events: Iterator[Any]) -> Node | None:
    root: Node | None = None
    documents = 0
    for event in events:
        if type(event).__name__ != "DocumentStartEvent":
            continue
        documents += 1
        if documents > 1:
            give_up(YamlProblemKind.DOCUMENTS, _at(event))
        root = _Composer(bounds, events).node(0)
    return root


@dataclass(slots=True)
class _Composer:
    """`end` is the offset behind what was read last: YAML itself ends a block behind the comments that follow.

    `open` are the anchors of the nodes that are not read to their end yet.
    """

    bounds: Bounds
    events: Iterator[Any]
    anchors: dict[str, Node] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    end: int = 0

    def node(self, depth: int) -> Node | None:
        """The next node, or None where its container ends."""
        event = self._next()
        match type(event).__name__:
            case "AliasEvent":
                return self._alias(event)
            case "SequenceEndEvent" | "MappingEndEvent":
                return None
        self._refuse(event, depth)
        if not event.anchor:
            return self._new(event, depth)
        self.open.append(event.anchor)
        node = self._new(event, depth)
        self.open.pop()
        self.anchors[event.anchor] = node
        return node

    def _next(self) -> Any:
        event = next(self.events)
        if event.end_mark.index > event.start_mark.index:
            self.end = event.end_mark.index
        return event

    def _new(self, event: Any, depth: int) -> Node:
        start = event.start_mark.index
        match type(event).__name__:
            case "ScalarEvent":
                plain = str(event.tag) in _RESOLVED if event.tag is not None else not event.style
                return ScalarNode(self._text(event), plain, _at(event), (min(start, self.end), self.end))
            case "SequenceStartEvent":
                items = list(self._until_end(depth))
                return SequenceNode(items, _at(event), (start, self.end), bool(event.flow_style))
            case _:
                flat = list(self._until_end(depth))
                entries = list(zip(flat[::2], flat[1::2], strict=True))
                return MappingNode(entries, _at(event), (start, self.end), bool(event.flow_style))

    def _until_end(self, depth: int) -> Iterator[Node]:
        while (node := self.node(depth + 1)) is not None:
            yield node

    def _refuse(self, event: Any, depth: int) -> None:
        if depth > self.bounds.depth:
            give_up(YamlProblemKind.DEPTH, _at(event), str(self.bounds.depth))
        if event.tag is not None and str(event.tag) not in self.bounds.tags:
            give_up(YamlProblemKind.TAG, _at(event), str(event.tag))

    def _text(self, event: Any) -> str:
        """The text of a scalar. JSON spells what is beyond U+FFFF as two escapes (RFC 8259, section 7)."""
        value: str = event.value
        text = value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if not self.bounds.escapes and (found := unprintable(text)):
            give_up(YamlProblemKind.CONTROL, _at(event), _code_point(found.group()))
        return text

    def _alias(self, event: Any) -> AliasNode:
        if event.anchor not in self.anchors:
            give_up(
                YamlProblemKind.LOOP if event.anchor in self.open else YamlProblemKind.ALIAS, _at(event), event.anchor
            )
        return AliasNode(event.anchor, self.anchors[event.anchor], _at(event), (event.start_mark.index, self.end))


def _at(event: Any) -> At:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"
