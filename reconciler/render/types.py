"""Agent types: the JSON document, and the text made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from reconciler.agents.profile import Profile
from reconciler.model.diagnostic import Place
from reconciler.model.harmless import one_line
from reconciler.model.record import Json
from reconciler.text.quoting import flow, scalar

from .documents import FORMAT_VERSION
from .table import table

if TYPE_CHECKING:
    from .documents.types import KnownTypeDoc, TypesDoc

_SHORT = 100  # characters of a value that is written on one line
_HEADS = ("TYPE", "FROM", "CHECKED WITH", "ID", "CONVERSATION", "STATE", "DIALOGS", "TOKENS", "HOOKS")


def type_document(
    profile: Profile, origin: str, words: Mapping[str, Json], in_python: Iterable[str], place: Place | None
) -> KnownTypeDoc:
    """One type, without what depends on this machine: its program, and what its wrapper hides."""
    return {
        "name": profile.name,
        "origin": "manifest" if origin == "manifest" else "package" if origin == "package" else "built-in",
        "file": place.file if place else None,
        "line": place.line if place else None,
        "source": profile.form.source if profile.form else "",
        "tested": list(profile.tested),
        "program": None,
        "version": None,
        "chooses_id": profile.launch.chooses_id,
        "proof": profile.proof,
        "tells_state": profile.display.tells_activity,
        "answers_permissions": profile.display.permission is not None,
        "counts_tokens": profile.counts_tokens,
        "sends_events": profile.hooks is not None,
        "words": dict(words),
        "in_python": list(in_python),
        "hidden": [],
    }


def types_document(types: list[KnownTypeDoc]) -> TypesDoc:
    """The document of `types --json`."""
    return {"format_version": FORMAT_VERSION, "types": types}


def types_text(document: TypesDoc) -> Iterator[str]:
    """All types, one line each."""
    yield from table([_HEADS, *(_row(each) for each in document["types"])])


def _row(found: KnownTypeDoc) -> tuple[str, ...]:
    tested = found["tested"]
    checked = f"{tested[0]} to {tested[-1]}" if len(tested) > 1 else "".join(tested) or "no version"
    return (
        found["name"],
        found["origin"],
        checked,
        "ours" if found["chooses_id"] else "its own",
        found["proof"],
        _known(found["tells_state"]),
        "answered" if found["answers_permissions"] else "-",
        "counted" if found["counts_tokens"] else "-",
        "yes" if found["sends_events"] else "-",
    )


def _known(is_known: bool) -> str:
    return "known" if is_known else "-"


def type_text(found: KnownTypeDoc) -> Iterator[str]:
    """All that is known of one type: a summary, then the block that says it in a manifest."""
    for name, value in _summary(found):
        yield one_line(f"{name:<20} {value}")
    yield ""
    if not found["words"]:
        yield "It is written in Python alone, so there is no block of a manifest that says it."
        return
    if found["in_python"]:
        yield f"# A manifest cannot say these parts of it: {', '.join(found['in_python'])}"
    yield "agent_types:"
    yield f"  {scalar(found['name'])}:"
    for key, value in found["words"].items():
        yield from map(one_line, _block(key, value, "    "))


def _summary(found: KnownTypeDoc) -> Iterator[tuple[str, str]]:
    where = f"{found['file']}:{found['line']}" if found["file"] else found["origin"]
    yield "Type", f"{found['name']} ({where})"
    yield "Facts from", found["source"] or "not said"
    yield "Checked with", ", ".join(found["tested"]) or "no version"
    program = f"{found['program']}{' ' + found['version'] if found['version'] else ''}"
    yield "Program here", program if found["program"] else "not found"
    yield "Id of conversations", "chosen by reconciler" if found["chooses_id"] else "chosen by the CLI"
    yield "Conversation known", found["proof"]
    yield "State", "known" if found["tells_state"] else "not known"
    yield "Permission dialogs", "answered" if found["answers_permissions"] else "not answered"
    yield "Tokens", "counted" if found["counts_tokens"] else "not counted"
    yield "Hooks", "can report" if found["sends_events"] else "none known"
    for said in found["hidden"]:
        yield "Hidden", said


def _block(key: str, value: Json, indent: str) -> Iterator[str]:
    """A key of YAML with its value, on one line if that is short."""
    short = f"{indent}{scalar(key)}: {flow(value)}"
    if len(short) <= _SHORT or not isinstance(value, list | dict):
        yield short
        return
    yield f"{indent}{scalar(key)}:"
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _block(name, each, f"{indent}  ")
        return
    yield from (f"{indent}  - {flow(each)}" for each in value)
