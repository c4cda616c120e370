"""Text -> nodes: YAML's own structure, before any meaning.

ruamel.yaml only tokenises and parses. Its composer would recurse as deep as the text asks for;
this one stops at a depth, and knows one document, no tags and no anchors but earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from reconciler.model.diagnostic import Diagnostic, Place

from .document import mistake
from .rules import unprintable

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError

MAX_DEPTH = 50
Span: TypeAlias = tuple[int, int]  # offsets of the first character, and behind the last one
_STRING_TAGS = {"!!str", "tag:yaml.org,2002:str"}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A piece of text; only a `plain` one (no quotes, no tag) may be read as something else."""

    text: str
    plain: bool
    at: tuple[int, int]
    span: Span


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence, in brackets when it is `flow`."""

    nodes: list[Node]
    at: tuple[int, int]
    span: Span
    flow: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping as it is written, in braces when it is `flow`: duplicates and merge keys included."""

    entries: list[tuple[Node, Node]]
    at: tuple[int, int]
    span: Span
    flow: bool


@dataclass(frozen=True, slots=True)
class Alias:
    """`*name`, and what it stands for."""

    name: str
    target: Node
    at: tuple[int, int]
    span: Span


Node: TypeAlias = Scalar | Items | Table | Alias


class Broken(Exception):
    """A file that cannot be read any further; `diagnostic` says where and why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.summary)
        self.diagnostic = diagnostic


def give_up(file: str, at: tuple[int, int], summary: str, fix: str = "") -> NoReturn:
    """Raise `Broken` for a place in `file`."""
    raise Broken(mistake(summary, Place(file, *at), fix=fix))


def compose(file: str, text: str) -> Node | None:
    """The node that the only document of `text` is, or None when there is none.

    Raises:
        Broken: no YAML 1.2, or more of it than a manifest needs.
    """
    from ruamel.yaml import YAML  # noqa: PLC0415 - a remembered manifest is not parsed
    from ruamel.yaml.error import MarkedYAMLError  # noqa: PLC0415 - see above

    events = YAML(typ="safe", pure=True).parse(text)
    try:
        return _only_document(file, events)
    except MarkedYAMLError as error:
        raise Broken(_syntax_mistake(file, error)) from error
    except (ValueError, OverflowError) as error:  # ruamel checks the digits of "\UFFFFFFFF", not the number
        raise Broken(mistake("not YAML: a number in it is out of range", Place(file), detail=str(error))) from error


def _syntax_mistake(file: str, error: MarkedYAMLError) -> Diagnostic:
    mark = error.problem_mark or error.context_mark
    at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = str(error.problem or error.context)
    if r"'\t'" in problem:
        return mistake("a tab where YAML wants spaces", Place(file, *at), fix="indent with spaces")
    detail = ", ".join(filter(None, [str(error.context or ""), problem]))
    return mistake("not YAML", Place(file, *at), detail=detail, fix="look at this line and the one before it")


def _only_document(file: str, events: Iterator[Any]) -> Node | None:
    root: Node | None = None
    documents = 0
    for event in events:
        if type(event).__name__ != "DocumentStartEvent":
            continue
        documents += 1
        if documents > 1:
            give_up(file, _at(event), "more than one YAML document", "put each manifest into a file of its own")
        root = _Composer(file, events, {}).node(0)
    return root


@dataclass(slots=True)
class _Composer:
    """`end` is the offset behind what was read last: YAML itself ends a block behind the comments that follow."""

    file: str
    events: Iterator[Any]
    anchors: dict[str, Node]
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
        node = self._new(event, depth)
        if event.anchor:
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
                plain = event.tag is None and not event.style
                return Scalar(self._text(event), plain, _at(event), (min(start, self.end), self.end))
            case "SequenceStartEvent":
                nodes = list(self._until_end(depth))
                return Items(nodes, _at(event), (start, self.end), bool(event.flow_style))
            case _:
                flat = list(self._until_end(depth))
                entries = list(zip(flat[::2], flat[1::2], strict=True))
                return Table(entries, _at(event), (start, self.end), bool(event.flow_style))

    def _until_end(self, depth: int) -> Iterator[Node]:
        while (node := self.node(depth + 1)) is not None:
            yield node

    def _refuse(self, event: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            summary = f"nested more than {MAX_DEPTH} levels deep"
            give_up(self.file, _at(event), summary, "a manifest needs fewer than 10")
        if event.tag is not None and str(event.tag) not in _STRING_TAGS:
            fix = "remove the tag; quote text that looks like a number"
            give_up(self.file, _at(event), f"the tag `{event.tag}` is not supported", fix)

    def _text(self, event: Any) -> str:
        """The text of a scalar. JSON spells what is beyond U+FFFF as two escapes (RFC 8259, section 7)."""
        value: str = event.value
        text = value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if found := unprintable(text):
            give_up(self.file, _at(event), f"the control character U+{ord(found.group()):04X}", "remove it")
        return text

    def _alias(self, event: Any) -> Alias:
        if event.anchor not in self.anchors:
            fix = f"mark something with `&{event.anchor}` first"
            give_up(self.file, _at(event), f"`*{event.anchor}` refers to no anchor before it", fix)
        return Alias(event.anchor, self.anchors[event.anchor], _at(event), (event.start_mark.index, self.end))


def _at(event: Any) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1
