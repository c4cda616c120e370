"""Parse YAML text into nodes with their places. Words are not interpreted yet.

ruamel.yaml only tokenises and parses. Its own composer recurses as deep as the text is nested. The one in this file
stops at a maximum depth, and accepts only one document, the allowed tags, and anchors that come before their aliases.
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
Span: TypeAlias = tuple[int, int]  # offsets of the first character and after the last one

_CORE = "tag:yaml.org,2002:"
_RESOLVED = frozenset(f"{_CORE}{kind}" for kind in ("null", "bool", "int", "float"))
TEXT_TAGS = frozenset({f"{_CORE}str"})
CORE_TAGS = frozenset({"!", *_RESOLVED, *TEXT_TAGS}) | {
    f"{_CORE}{kind}" for kind in ("timestamp", "binary", "seq", "map", "set", "omap", "pairs")
}


class Bounds(Struct, frozen=True):
    """The limits for one kind of file.

    `depth` is the maximum nesting, `unfolded` the maximum number of nodes that aliases may expand to. `tags` are the
    allowed tags. `escapes` says whether characters that YAML forbids may be written as escapes.
    """

    depth: int
    unfolded: int
    tags: frozenset[str]
    escapes: bool


class YamlProblemKind(Enum):
    """The kinds of YAML mistakes. The comments say what `about` and `detail` of the `YamlProblem` contain."""

    SYNTAX = auto()  # about: the message of the parser; detail: what it was parsing
    NUMBER = auto()  # an escape has a number that is too large
    CONTROL = auto()  # about: the character, as U+0007
    DOCUMENTS = auto()  # more than one document
    DEPTH = auto()  # about: the maximum depth
    TAG = auto()  # about: the tag
    ALIAS = auto()  # about: the name of an alias without an earlier anchor
    LOOP = auto()  # about: the name of an alias that is inside its own anchor
    UNFOLDED = auto()  # about: the name of the alias that exceeds the limit
    KEY = auto()  # a key that is not a scalar
    DUPLICATE = auto()  # about: the key; detail: both values
    MERGE = auto()  # about: the word that is there instead of a mapping


class YamlProblem(Struct, frozen=True):
    """One mistake in a YAML text.

    `earlier` is the place of the first of two duplicates, or where the parser began what it could not end.
    """

    kind: YamlProblemKind
    at: At
    about: str = ""
    detail: str = ""
    earlier: At = (0, 0)


class NotYaml(ValueError):
    """The text cannot be read any further; `problem` says where and why."""

    def __init__(self, problem: YamlProblem) -> None:
        super().__init__(problem)
        self.problem = problem


class ScalarNode(Struct, frozen=True):
    """A piece of text. Only a `plain` one (no quotes, no text tag) can mean a number, a flag or null."""

    text: str
    plain: bool
    at: At
    span: Span


class SequenceNode(Struct, frozen=True):
    """A sequence. `flow` means that it is written in brackets."""

    items: list[Node]
    at: At
    span: Span
    flow: bool


class MappingNode(Struct, frozen=True):
    """A mapping as it is written, with duplicates and merge keys. `flow` means that it is written in braces."""

    entries: list[tuple[Node, Node]]
    at: At
    span: Span
    flow: bool


class AliasNode(Struct, frozen=True):
    """An alias `*name` and the node that it refers to."""

    name: str
    target: Node
    at: At
    span: Span


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode | AliasNode


def give_up(kind: YamlProblemKind, at: At, about: str = "", detail: str = "") -> NoReturn:
    """Raise `NotYaml` with the problem and its place."""
    raise NotYaml(YamlProblem(kind, at, about, detail))


def compose(text: str, bounds: Bounds) -> Node | None:
    """The root node of the only document in `text`; None when there is no document.

    Raises:
        NotYaml: It is not YAML 1.2, or exceeds `bounds`.
    """
    if found := unprintable(text):
        give_up(YamlProblemKind.CONTROL, line_and_column(text, found.start()), _code_point(found.group()))
    try:
        return _only_document(bounds, YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        raise NotYaml(_syntax_problem(error)) from error
    except NotYaml:
        raise
    except (ValueError, OverflowError) as error:  # ruamel accepts the digits of "\UFFFFFFFF", then fails at the number
        raise NotYaml(YamlProblem(YamlProblemKind.NUMBER, (0, 0), detail=str(error))) from error
    except Exception as error:  # on unusual files the library raises anything: KeyError, AttributeError ...
        raise NotYaml(YamlProblem(YamlProblemKind.SYNTAX, (0, 0), "the YAML parser cannot read this")) from error


def _syntax_problem(error: MarkedYAMLError) -> YamlProblem:
    mark = error.problem_mark or error.context_mark
    at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    began = error.context_mark
    return YamlProblem(
        kind=YamlProblemKind.SYNTAX,
        at=at,
        about=str(error.problem or error.context or ""),
        detail=str(error.context or ""),
        earlier=(began.line + 1, began.column + 1) if began else (0, 0),
    )


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
    """Makes nodes from the events of the parser.

    `end` is the offset after the last token; the parser's own end of a block is after the comments that follow it.
    `open` are the anchors of nodes that are still being read.
    """

    bounds: Bounds
    events: Iterator[Any]
    anchors: dict[str, Node] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    end: int = 0

    def node(self, depth: int) -> Node | None:
        """The next node, or None at the end of its container."""
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
        """The text of a scalar. JSON's two escapes for a character beyond U+FFFF are joined (RFC 8259, section 7)."""
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
