"""Read a file of another tool as plain data with places. The first mistake is an error with its place.

It uses the same YAML reader as manifests do. That reader also accepts JSON, as far as JSON is YAML.
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

LARGEST = 1024 * 1024  # bytes, of a file that people write by hand
LARGEST_STORE = 64 * 1024 * 1024  # bytes, of a file that a program writes; it may contain diffs of files
_BOUNDS = Bounds(depth=30, unfolded=10_000, tags=CORE_TAGS, escapes=True)
_TAB = "\\t"

# The message for each kind of problem; `{about}` is the text at fault.
_MESSAGES = {
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
    """A file of another tool and its bytes; `path` is absolute, `shown` is the name used in messages."""

    path: str
    data: bytes
    shown: str = ""

    @property
    def name(self) -> str:
        """The name used in messages."""
        return self.shown or self.path

    def refuse(self, summary: str) -> NoReturn:
        """Raise an error about this file when the line is not known."""
        refuse(Place(self.name, 1), summary)


class ForeignContent(Struct, frozen=True):
    """The parsed content of a file; `places` maps dotted paths to the line and column of their keys."""

    file: ForeignFile
    value: Json
    places: Mapping[str, tuple[int, int]]
    spellings: Mapping[str, str]

    def place(self, path: str) -> Place:
        """The place of `path`, or of its nearest parent that has one."""
        while path and path not in self.places:
            path = path.rpartition(".")[0]
        return Place(self.file.name, *self.places.get(path, (1, 1)))

    def refuse(self, path: str, wanted: str) -> NoReturn:
        """Raise an error with the place of `path`."""
        refuse(self.place(path), wanted)

    def mapping(self, value: Any, path: str) -> dict[str, Any]:
        """The value as a mapping; None becomes an empty one."""
        if value is None:
            return {}
        return value if isinstance(value, dict) else self.refuse(path, f"`{path}` must be a mapping")

    def listing(self, value: Any, path: str) -> list[Any]:
        """The value as a list; None becomes an empty one."""
        if value is None:
            return []
        return value if isinstance(value, list) else self.refuse(path, f"`{path}` must be a list")

    def text(self, value: Any, path: str) -> str:
        """The value as text, spelled as in the file; None becomes an empty text."""
        if value is None:
            return ""
        if isinstance(value, dict | list):
            self.refuse(path, f"`{path}` must be text")
        return value if isinstance(value, str) else self.spellings.get(path, str(value))


def refuse(place: Place, summary: str, *, detail: str = "", fix: str = "") -> NoReturn:
    """Raise an error whose message begins with the place."""
    raise ReconcilerError(f"{place}: {summary}", detail=detail, fix=fix)


def text_of(file: ForeignFile, largest: int = LARGEST) -> str:
    """The text of a file.

    Raises:
        ReconcilerError: The file is not UTF-8, or it is too big.
    """
    if len(file.data) > largest:
        refuse(Place(file.name, 1), f"the file is too big ({len(file.data):,} bytes)", fix=f"at most {largest:,} bytes")
    try:
        return decoded(file.data)
    except UnicodeDecodeError as error:
        place = Place(file.name, file.data.count(b"\n", 0, error.start) + 1)
        refuse(place, f"not UTF-8: byte 0x{file.data[error.start]:02x}", fix="save the file as UTF-8")


def read_content(file: ForeignFile, text: str) -> ForeignContent:
    """Parse the text of a file as YAML or JSON.

    Raises:
        ReconcilerError: The text is not valid, or it uses a YAML feature that is not supported.
    """
    found = values.read(text, _BOUNDS)
    problems = [*([found.broken] if found.broken else []), *found.problems]
    if problems:
        _refuse_yaml(file, problems[0])
    return ForeignContent(file, found.value, found.places, found.spellings)


def read_json_object(file: ForeignFile) -> dict[str, Any]:
    """Parse a program's file as one JSON object; an empty file becomes an empty object.

    Raises:
        ReconcilerError: The file is not UTF-8, not JSON, not an object, or too big.
    """
    text = text_of(file, LARGEST_STORE)
    try:
        found = read_json(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        refuse(Place(file.name, error.lineno, error.colno), "not JSON", detail=error.msg)
    except ValueError as error:
        refuse(Place(file.name, 1), "not JSON", detail=str(error))
    return found if isinstance(found, dict) else file.refuse("not a JSON object")


def _refuse_yaml(file: ForeignFile, problem: YamlProblem) -> NoReturn:
    place = Place(file.name, *problem.at)
    if problem.kind is YamlProblemKind.SYNTAX and _TAB in problem.about:
        refuse(place, "YAML does not allow a tab here", fix="indent with spaces")
    detail = ", ".join(dict.fromkeys(filter(None, [problem.detail, problem.about])))
    detail = detail if problem.kind is YamlProblemKind.SYNTAX else ""
    refuse(place, _MESSAGES[problem.kind].format(about=problem.about), detail=detail)
