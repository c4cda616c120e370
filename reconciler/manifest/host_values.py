"""The values of one host for `${NAME}`: the file `reconciler.env.yaml`, one `NAME: "text"` a line. Pure.

It is YAML, and read without a YAML parser, since every command needs it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.errors import InvalidManifest

from .document import Source, mistake
from .rules import VARIABLE

HOST_VALUES = "reconciler.env.yaml"
_LINE = re.compile(rf'(?P<name>{VARIABLE}):[ ]+(?P<text>"(?:[^"\\]|\\.)*")[ ]*(?:#.*)?')
_NOTHING = re.compile(r"\s*(#.*)?|---|\{\}")
_FIX = 'write one `NAME: "text"` a line, with the text in double quotes'


def host_values(source: Source) -> dict[str, str]:
    """The values by name. Raises InvalidManifest with every mistake."""
    values: dict[str, str] = {}
    mistakes: list[Diagnostic] = []
    for number, line in enumerate(source.data.decode("utf-8", "replace").splitlines(), start=1):
        if _NOTHING.fullmatch(line):
            continue
        found, place = _value(line), Place(source.file, number, 1)
        if found is None:
            mistakes.append(mistake("this line is not a value of this host", place, detail=line.strip()[:80], fix=_FIX))
        elif found[0] in values:
            mistakes.append(mistake(f"`{found[0]}` is defined twice", place, fix="remove one of the lines"))
        else:
            values[found[0]] = found[1]
    if mistakes:
        raise InvalidManifest(tuple(mistakes))
    return values


def _value(line: str) -> tuple[str, str] | None:
    found = _LINE.fullmatch(line)
    try:
        return (found["name"], json.loads(found["text"])) if found else None
    except ValueError:
        return None


def host_values_text(values: Mapping[str, str]) -> str:
    """The file with these values."""
    lines = [f"{name}: {json.dumps(text, ensure_ascii=False)}" for name, text in sorted(values.items())]
    return "\n".join(["# Written by `reconciler fleet push`, which replaces it.", *(lines or ["{}"])]) + "\n"
