"""Fill in `${NAME}` and `${NAME:-default}` in the strings of a manifest. `$${` becomes a plain `${`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.errors import InvalidManifest
from reconciler.text.characters import unprintable

from .document import Document, Source, mistake
from .rules import RULES, VARIABLE

_REFERENCE = re.compile(rf"\$\$\{{|\$\{{(?:(?P<name>{VARIABLE})(?::-(?P<default>[^}}]*))?\}})?")


class ExpandedDocument(Struct):
    """A document with its variables filled in. `mistakes` lists values that are invalid after that.

    `expanded` has the paths of the strings that contained variables.
    """

    document: Document
    content: Any
    expanded: set[str] = field(default_factory=set)
    mistakes: list[Diagnostic] = field(default_factory=list)

    def place(self, path: str) -> Place:
        """The place of `path` in the file, or of the nearest enclosing key."""
        return self.document.place(path)


def fill(document: Document, env: Mapping[str, str]) -> ExpandedDocument:
    """The document with every variable replaced by its value in `env`."""
    filled = ExpandedDocument(document, {})
    for key, value in document.content.items():
        # what an agent takes over from a template is filled in there
        filled.content[key] = value if key == "templates" else _filled(filled, value, key, env)
    return filled


def _filled(filled: ExpandedDocument, value: Any, path: str, env: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _expanded(filled, value, path, env) if "${" in value else value
    if isinstance(value, dict):
        return {key: _filled(filled, inner, f"{path}.{key}", env) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(filled, inner, f"{path}.{index}", env) for index, inner in enumerate(value)]
    return value


def _expanded(filled: ExpandedDocument, text: str, path: str, env: Mapping[str, str]) -> str:
    problems: list[Diagnostic] = []

    def value(reference: re.Match[str]) -> str:
        if reference.group() == "$${":
            return "${"
        filled.expanded.add(path)
        found = _value(reference, env)
        if found is None:
            problems.append(_unset(reference, text, filled.place(path)))
        return found or ""

    result = _REFERENCE.sub(value, text)
    filled.mistakes += problems or _misfits(path, result, filled.place(path))
    return result


def _value(reference: re.Match[str], env: Mapping[str, str]) -> str | None:
    """The value of a reference. As in a shell, an empty variable counts as unset if there is a default."""
    name, default = reference["name"], reference["default"]
    if default is None:
        return env.get(name) if name else None
    return env.get(name) or default


def _unset(reference: re.Match[str], text: str, place: Place) -> Diagnostic:
    name = reference["name"]
    if text.startswith("each.", reference.end()):
        fix = "add `for_each: [a, b]` or `count: 2` to the agent or workspace; for the plain text, write `$${each.`"
        return mistake("`${each...}` is used outside of `for_each` and `count`", place, detail=text, fix=fix)
    if not name:
        return mistake(
            "`${` without the name of a variable", place, detail=text, fix="write `${NAME}`; `$${` is a plain `${`"
        )
    return mistake(
        f"the variable `{name}` is not set",
        place,
        detail=text,
        fix=f"set it, or write `${{{name}:-default}}`; for the plain text, write `$${{{name}}}`",
    )


def _misfits(path: str, text: str, place: Place) -> list[Diagnostic]:
    """The mistakes of a value that could be checked only after its variables were filled in."""
    parent, _, key = path.rpartition(".")
    if unprintable(text):
        return [mistake(f"`{path}` gets a control character from a variable", place, fix="remove it from the variable")]
    if key not in RULES or parent.endswith(".env"):
        return []
    regex, words = RULES[key]
    if re.fullmatch(regex, text):
        return []
    return [mistake(f"`{path}` must be {words}", place, fix="check the variables in it")]


# --- the values of one host -------------------------------------------------------------------
# `reconciler.env.yaml` has one `NAME: "text"` a line. It is YAML, and read without a YAML parser, since every command
# reads it.

HOST_VALUES = "reconciler.env.yaml"
_VALUE_LINE = re.compile(rf'(?P<name>{VARIABLE}):[ ]+(?P<text>"(?:[^"\\]|\\.)*")[ ]*(?:#.*)?')
_NOTHING = re.compile(r"\s*(#.*)?|---|\{\}")
_VALUE_FIX = 'write one `NAME: "text"` a line, with the text in double quotes'


def host_values(source: Source) -> dict[str, str]:
    """The values by name. Raises InvalidManifest with every mistake."""
    values: dict[str, str] = {}
    mistakes: list[Diagnostic] = []
    for number, line in enumerate(source.data.decode("utf-8", "replace").splitlines(), start=1):
        if _NOTHING.fullmatch(line):
            continue
        found, place = _value_in(line), Place(source.file, number, 1)
        if found is None:
            mistakes.append(
                mistake("this line is not a value of this host", place, detail=line.strip()[:80], fix=_VALUE_FIX)
            )
        elif found[0] in values:
            mistakes.append(mistake(f"`{found[0]}` is defined twice", place, fix="remove one of the lines"))
        else:
            values[found[0]] = found[1]
    if mistakes:
        raise InvalidManifest(tuple(mistakes))
    return values


def _value_in(line: str) -> tuple[str, str] | None:
    found = _VALUE_LINE.fullmatch(line)
    try:
        return (found["name"], json.loads(found["text"])) if found else None
    except ValueError:
        return None


def host_values_text(values: Mapping[str, str]) -> str:
    """The file with these values."""
    lines = [f"{name}: {_quoted(text)}" for name, text in sorted(values.items())]
    return "\n".join(["# Written by `reconciler fleet push`, which replaces it.", *(lines or ["{}"])]) + "\n"


def _quoted(text: str) -> str:
    """The text in double quotes, as JSON and YAML both read it."""
    plain = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() or ord(each) > 0xFFFF else f"\\u{ord(each):04x}" for each in plain)
