"""Check files against the published schemas, with the place of each mistake."""

from __future__ import annotations

import os
from collections.abc import Iterator

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match, relevance

from reconciler.app.project.project import Project
from reconciler.manifest import Source
from reconciler.manifest.document import mistake, place_of
from reconciler.manifest.source import read
from reconciler.model.adoption import Assumption, OlderShape
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import RegistryUnreadable
from reconciler.state.assumptions import WAY_OUT, assumptions, left_alone
from reconciler.state.registry import Registry, StoredRegistry
from reconciler.state.registry import read as read_registry
from reconciler.state.schemas import load_schema

_SHOWN = 200  # characters of a finding


def schema_mistakes(name: str, source: Source) -> Iterator[Diagnostic]:
    """Every mistake of a YAML or JSON file against the schema `name`."""
    reading = read(source)
    yield from reading.mistakes
    if reading.mistakes:
        return
    for error in sorted(Draft7Validator(load_schema(name)).iter_errors(reading.content), key=relevance):
        closest = best_match([error]) or error
        path = ".".join(map(str, closest.absolute_path))
        summary = f"`{path}` does not fit the {name} schema" if path else f"this does not fit the {name} schema"
        yield mistake(summary, place_of(source.file, reading.places, path), detail=closest.message[:_SHOWN])


def registry_mistakes(at: Project, path: str, source: Source) -> Iterator[Diagnostic]:
    """Every mistake of a registry. For an older registry, the messages come from its reader and say what is assumed.

    Content that the schema allows but only older tools write is a warning.
    """
    try:
        stored = read_registry(Registry(os.path.abspath(path), "", at.files, declared=at.registry.declared))
    except RegistryUnreadable:
        yield from schema_mistakes("registry", source)
        return
    if not _has_older_rows(stored):
        yield from schema_mistakes("registry", source)
    yield from (_told(each) for each in assumptions(stored, source.file))
    for left in left_alone(stored, source.file):
        severity = Severity.ERROR if left.what.startswith("sessions.") else Severity.WARNING
        summary = f"`{left.what}` is left alone"
        yield Diagnostic(severity=severity, summary=summary, detail=left.why, fix=left.fix, place=left.place)


_ALLOWED = {OlderShape.ID_ONLY_IN_ROW, OlderShape.IDENTITIES_AT_TOP}


def _has_older_rows(stored: StoredRegistry) -> bool:
    older = stored.older
    return older is not None and (
        any(each.shape not in _ALLOWED for each in older.taken) or older.data is not older.base
    )


def _told(assumed: Assumption) -> Diagnostic:
    allowed = assumed.shape in _ALLOWED
    severity = Severity.WARNING if allowed else Severity.ERROR
    summary = f"`{assumed.subject}` is as an older tool writes it"
    detail = f"{assumed.found} -> {assumed.assumed}"
    return Diagnostic(severity=severity, summary=summary, detail=detail, fix=WAY_OUT, place=assumed.place)
