"""Check plain data against the shape of a manifest, and turn pydantic's errors into messages for the user."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING, Any, cast

from pydantic import TypeAdapter, ValidationError

from reconciler.model.diagnostic import Diagnostic, Place

from .document import Document, Source, mistake, place_of, suggestion
from .rules import EXTENSION, NAME_RULE
from .shape import ManifestDoc, keys_at
from .source import Reading, read
from .value_slips import items_instead, list_instead, mapping_instead, own_program, value_source_instead

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


_KEY = "[key]"  # the last step of pydantic's path when the key itself is wrong, not its value
_PLACEHOLDER = "x"
# The keys that get a stand-in where their value is invalid.
_STAND_INS = {"for_each": "for_each", "count": "for_each", "command": "command"}
_NUMBERS = ("a number", "a whole number", "a port")  # how a number is said in `Expected`
_SHOWN = 60  # characters of the user's text in a message

_WANTED = {
    "string_type": "a string",
    "dict_type": "a mapping",
    "list_type": "a list",
    "bool_type": "true or false",
}
_EMPTY = {"dict_type": "{}", "list_type": "[]"}
_FIXES = {"version": "add `version: 1`", "path": "add `path: FOLDER`", "command": "add `command: [PROGRAM]`"}


@cache
def _adapter() -> TypeAdapter[ManifestDoc]:
    return TypeAdapter(ManifestDoc)


def checked_document(source: Source, digest: str) -> tuple[Document | None, list[Diagnostic]]:
    """The document in `source`, without its invalid parts, and every mistake of syntax and shape."""
    reading = read(source)
    if reading.broken:
        return None, [*reading.mistakes]
    if reading.content is None:  # a truncated file must not end the agents that it declared
        return None, [*reading.mistakes, _empty(source.file)]
    mistakes = [*reading.mistakes, *shape_mistakes(reading), *_cut_off(source, reading)]
    content = without_mistakes(reading.content) if mistakes else cast(Any, _ours(reading.content))
    if content is None:
        return None, mistakes
    return Document(source.file, digest, content, reading.places, damaged=bool(mistakes)), mistakes


def _empty(file: str) -> Diagnostic:
    return mistake(
        "the manifest is empty",
        Place(file, 1, 1),
        detail="an empty file is probably one that was not written completely",
        fix="write it again or delete it; to declare nothing, write `version: 1`",
    )


def _cut_off(source: Source, reading: Reading) -> Iterator[Diagnostic]:
    """The mistake of a file that seems truncated: it has no final line end, and more is expected there."""
    if source.data.endswith((b"\n", b"\r", b"}")):  # a closing brace ends a manifest in braces
        return
    last = source.data.count(b"\n") + 1
    open_ended = any(not text and reading.places.get(path, (0, 0))[0] == last for path, text in reading.texts.items())
    if open_ended or reading.content == {"version": 1}:
        yield mistake(
            "the manifest seems to be cut off",
            Place(source.file, last, 1),
            detail="the file ends without a line end, at a place where more is expected",
            fix="write the rest; if nothing is missing, add a line end to the last line",
        )


def shape_mistakes(reading: Reading) -> list[Diagnostic]:
    """Every place where the content of `reading` does not have the shape of a manifest."""
    return [_mistake(reading, error) for error in _errors(reading.content)]


def without_mistakes(content: Any) -> ManifestDoc | None:
    """A copy of `content` without the invalid parts, so that the rest can be checked too.

    Use it only to find more mistakes. None when nothing usable is left.
    """
    if not isinstance(content, dict):
        return None
    content = copy.deepcopy({**content, "version": 1})
    for error in _errors(content):
        _remove(content, error)
    for error in _errors(content):
        _fill(content, error["loc"])
    return None if _errors(content) else cast("ManifestDoc", _ours(content))


def _remove(content: Any, error: ErrorDetails) -> None:
    """Remove the invalid value. If it is an item of a list, remove the whole list."""
    steps = error["loc"][:-1] if _is_key(error) else error["loc"]
    parts = list(takewhile(lambda part: isinstance(part, str), steps))
    container = _reach(content, parts[:-1])
    if not isinstance(container, dict):
        return
    container.pop(parts[-1], None)
    if parts[-1] in _STAND_INS:  # else what needs the value would be one more mistake
        container |= {_STAND_INS[parts[-1]]: [_PLACEHOLDER]}


def _fill(content: Any, loc: Sequence[int | str]) -> None:
    container = _reach(content, loc[:-1])
    if isinstance(container, dict):
        container[loc[-1]] = _PLACEHOLDER


def _reach(content: Any, loc: Sequence[int | str]) -> Any:
    for part in loc:
        content = content.get(part) if isinstance(content, dict) else None
    return content


def _ours(content: Any) -> Any:
    """The content without the keys that users may choose: they hold anchors for other parts."""
    if not isinstance(content, dict):
        return content
    return {key: value for key, value in content.items() if not key.startswith(EXTENSION)}


def _errors(content: Any) -> list[ErrorDetails]:
    try:
        _adapter().validate_python(_ours(content), strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False)
        return [each for each in found if not _is_given_elsewhere(content, each)]
    return []


def _is_given_elsewhere(content: Any, error: ErrorDetails) -> bool:
    """Whether a missing `path` may be in the file that this one is laid over; `composition` checks that."""
    steps = error["loc"]
    is_path = error["type"] == "missing" and len(steps) == 3 and (steps[0], steps[2]) == ("workspaces", "path")
    return is_path and isinstance(content, dict) and content.get("merge") is True


def _mistake(reading: Reading, error: ErrorDetails) -> Diagnostic:
    parts = [str(part) for part in error["loc"]]
    match error["type"]:
        case "extra_forbidden":
            return _unknown_key(reading, parts)
        case "missing":
            return _missing_key(reading, parts)
        case _ if _is_key(error):
            return _bad_key(reading, parts[:-1], error["msg"])
        case _:
            return _bad_value(reading, ".".join(parts), error)


def _is_key(error: ErrorDetails) -> bool:
    return error["loc"][-1:] == (_KEY,) and error["type"] != "extra_forbidden"


def _unknown_key(reading: Reading, parts: list[str]) -> Diagnostic:
    *parents, key = parts
    return mistake(
        f"unknown key `{key}`{_inside(parents)}",
        place_of(reading.file, reading.places, ".".join(parts)),
        fix=own_program(parents, key, _reach(reading.content, parts)) or suggestion(key, keys_at(parents)),
    )


def _missing_key(reading: Reading, parts: list[str]) -> Diagnostic:
    *parents, key = parts
    return mistake(
        f"`{key}` is missing{_inside(parents)}",
        place_of(reading.file, reading.places, ".".join(parents)),
        fix=_FIXES.get(key, f"add `{key}:`"),
    )


def _bad_key(reading: Reading, parts: list[str], wanted: str) -> Diagnostic:
    *parents, key = parts
    return mistake(
        f"`{key}`{_inside(parents)} is not {wanted}",
        place_of(reading.file, reading.places, ".".join(parts)),
        fix=_renamed(key) or "choose another name",
    )


def _renamed(word: str) -> str:
    """Suggest `word` with only letters, digits, `-` and `_`; empty if there is no such name."""
    dashed = re.sub(r"[^A-Za-z0-9_]+", "-", word).strip("-_")
    better = dashed if dashed != word else word.replace("-", "_")
    return f"did you mean `{better}`?" if better not in {"", word} else ""


def _inside(parents: list[str]) -> str:
    return f" in `{'.'.join(parents)}`" if parents else ""


def _bad_value(reading: Reading, path: str, error: ErrorDetails) -> Diagnostic:
    value = error["input"]
    if value is None and error["type"] in _EMPTY:
        key = path.rpartition(".")[2]
        fix = f"if it should be empty, write `{key}: {_EMPTY[error['type']]}`; else the file may be cut off"
        return mistake(f"`{path}` is empty", place_of(reading.file, reading.places, path), fix=fix)
    if path.endswith(".for_each") and (slip := items_instead(value)):
        place = place_of(reading.file, reading.places, f"{path}.{slip.item}")
        return mistake(f"{slip.what}, in `{path}`", place, fix=slip.fix)
    text = reading.texts.get(path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    if path == "version" and isinstance(value, str):  # the quotes are the mistake
        text = f'"{value}"'
    wanted = _wanted(error)
    return mistake(
        f"`{path}` must be {wanted}" if path else f"a manifest must be {wanted}",
        place_of(reading.file, reading.places, path),
        detail=f"found: {text[:_SHOWN] or 'nothing'}{'...' if len(text) > _SHOWN else ''}",
        fix=_slip(path, error) or _fix(error, text, wanted),
    )


def _slip(path: str, error: ErrorDetails) -> str:
    """The text to write, when the value is a common slip; else empty."""
    match error["type"], error["input"]:
        case "dict_type", value:
            return mapping_instead(path, value)
        case "list_type", value:
            return list_instead(path, value)
        case "literal_error", "1" if path == "version":
            return "write it without quotes: `version: 1`"
        case "expected", dict() as value:
            return value_source_instead(value)
        case "expected", str() as value if value.isdecimal() and path.endswith(".count"):
            return f"write it without quotes: `count: {value}`"
        case _:
            return ""


def _wanted(error: ErrorDetails) -> str:
    match error["type"]:
        case "expected":
            return str(error["msg"])
        case "literal_error":
            return str(error["ctx"]["expected"]).replace("'", "`")
        case kind:
            return _WANTED[kind]


def _fix(error: ErrorDetails, text: str, wanted: str) -> str:
    match error["type"], error["input"]:
        case "expected", _ if wanted.startswith(_NUMBERS):
            return f"write {wanted}"
        case ("string_type" | "expected", value) if isinstance(value, int | float) or text == "~":
            return f'write "{text}" in quotes'
        case "expected", str() if wanted == NAME_RULE[1]:
            return _renamed(text) or "choose another name"
        case "literal_error", str():
            return suggestion(text, re.findall(r"'([^']*)'", error["ctx"]["expected"])) or f"write {wanted}"
        case _:
            return f"write {wanted}"
