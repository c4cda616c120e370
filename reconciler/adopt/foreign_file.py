"""A file of another tool -> plain data with places; whatever is wrong with it is one error that says where.

The same reader as for manifests does the work. It knows JSON too, as far as YAML does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from msgspec import Struct

from reconciler.model.diagnostic import Place
from reconciler.model.errors import ReconcilerError
from reconciler.model.read_json import read_json
from reconciler.model.record import Json
from reconciler.text import values
from reconciler.text.characters import decoded
from reconciler.text.nodes import CORE_TAGS, Bounds, YamlProblem, YamlProblemKind

LARGEST = 1024 * 1024  # bytes; such files are written by hand
LARGEST_STORE = 64 * 1024 * 1024  # bytes; a program writes it, and may keep differences of files in it
_BOUNDS = Bounds(depth=30, unfolded=10_000, tags=CORE_TAGS, escapes=True)
_TAB = "\\t"

# What is wrong; `{about}` is what it is about.
_WORDS = {
    YamlProblemKind.SYNTAX: "not YAML",
    YamlProblemKind.NUMBER: "not YAML: a number in it is out of range",
    YamlProblemKind.CONTROL: "the control character {about}",
    YamlProblemKind.DOCUMENTS: "more than one YAML document",
    YamlProblemKind.DEPTH: "nested more than {about} levels deep",
    YamlProblemKind.TAG: "the tag `{about}` is not supported",
    YamlProblemKind.ALIAS: "`*{about}` refers to no anchor before it",
    YamlProblemKind.LOOP: "`*{about}` refers to itself",
    YamlProblemKind.UNFOLDED: "`*{about}` makes the file too big",
    YamlProblemKind.KEY: "a key must be a word",
    YamlProblemKind.DUPLICATE: "`{about}` is defined twice",
    YamlProblemKind.MERGE: "`<<` merges mappings only",
}


class ForeignFile(Struct, frozen=True):
    """A file of another tool as it was read; `path` is absolute, `shown` is what messages call it."""

    path: str
    data: bytes
    shown: str = ""

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.shown or self.path

    def refuse(self, summary: str) -> NoReturn:
        """Raise the one error of this file, where nothing tells the line."""
        refuse(Place(self.name, 1), summary)


class ForeignContent(Struct, frozen=True):
    """What a file says, and where: dotted paths lead to the place of their keys."""

    file: ForeignFile
    value: Json
    places: Mapping[str, tuple[int, int]]
    spellings: Mapping[str, str]

    def place(self, path: str) -> Place:
        """The place of `path`, or of the nearest thing around it."""
        while path and path not in self.places:
            path = path.rpartition(".")[0]
        return Place(self.file.name, *self.places.get(path, (1, 1)))

    def refuse(self, path: str, wanted: str) -> NoReturn:
        """Raise the one error of this file."""
        refuse(self.place(path), wanted)

    def mapping(self, value: Any, path: str) -> dict[str, Any]:
        """The value as a mapping; nothing counts as an empty one."""
        if value is None:
            return {}
        return value if isinstance(value, dict) else self.refuse(path, f"`{path}` must be a mapping")

    def listing(self, value: Any, path: str) -> list[Any]:
        """The value as a list; nothing counts as an empty one."""
        if value is None:
            return []
        return value if isinstance(value, list) else self.refuse(path, f"`{path}` must be a list")

    def text(self, value: Any, path: str) -> str:
        """The value as text, as it is written; nothing counts as no text."""
        if value is None:
            return ""
        if isinstance(value, dict | list):
            self.refuse(path, f"`{path}` must be text")
        return value if isinstance(value, str) else self.spellings.get(path, str(value))


def refuse(place: Place, summary: str, *, detail: str = "", fix: str = "") -> NoReturn:
    """Raise an error that names its place first."""
    raise ReconcilerError(f"{place}: {summary}", detail=detail, fix=fix)


def text_of(file: ForeignFile, largest: int = LARGEST) -> str:
    """The characters of a file.

    Raises:
        ReconcilerError: It is not UTF-8, or too big.
    """
    if len(file.data) > largest:
        refuse(Place(file.name, 1), f"{len(file.data):,} bytes is too big", fix=f"at most {largest:,} bytes")
    try:
        return decoded(file.data)
    except UnicodeDecodeError as error:
        place = Place(file.name, file.data.count(b"\n", 0, error.start) + 1)
        refuse(place, f"not UTF-8: byte 0x{file.data[error.start]:02x}", fix="save the file as UTF-8")


def read_content(file: ForeignFile, text: str) -> ForeignContent:
    """What a file with this text says.

    Raises:
        ReconcilerError: It is neither YAML nor JSON, or uses too much of it.
    """
    found = values.read(text, _BOUNDS)
    problems = [*([found.broken] if found.broken else []), *found.problems]
    if problems:
        _refuse_yaml(file, problems[0])
    return ForeignContent(file, found.value, found.places, found.spellings)


def read_json_object(file: ForeignFile) -> dict[str, Any]:
    """The JSON object that a program's own file is; an empty file is an empty one.

    Raises:
        ReconcilerError: It is not UTF-8, not JSON, not an object, or too big.
    """
    text = text_of(file, LARGEST_STORE)
    try:
        found = read_json(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        refuse(Place(file.name, error.lineno, error.colno), "not JSON", detail=error.msg)
    except ValueError as error:
        refuse(Place(file.name, 1), "not JSON", detail=str(error))
    return found if isinstance(found, dict) else file.refuse("a JSON object is expected here")


def _refuse_yaml(file: ForeignFile, problem: YamlProblem) -> NoReturn:
    place = Place(file.name, *problem.at)
    if problem.kind is YamlProblemKind.SYNTAX and _TAB in problem.about:
        refuse(place, "a tab where YAML wants spaces", fix="indent with spaces")
    detail = ", ".join(dict.fromkeys(filter(None, [problem.detail, problem.about])))
    detail = detail if problem.kind is YamlProblemKind.SYNTAX else ""
    refuse(place, _WORDS[problem.kind].format(about=problem.about), detail=detail)
