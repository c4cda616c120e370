"""Files held against the published schemas, with the place of each mistake."""

from __future__ import annotations

from collections.abc import Iterator

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match, relevance

from reconciler.manifest import Source
from reconciler.manifest.document import mistake, place_of
from reconciler.manifest.source import read
from reconciler.model.diagnostic import Diagnostic
from reconciler.state.schemas import load_schema

_SHOWN = 200  # characters of a finding


def schema_mistakes(name: str, source: Source) -> Iterator[Diagnostic]:
    """Every way in which a YAML or JSON file does not fit the schema called `name`."""
    reading = read(source)
    yield from reading.mistakes
    if reading.mistakes:
        return
    for error in sorted(Draft7Validator(load_schema(name)).iter_errors(reading.content), key=relevance):
        closest = best_match([error]) or error
        path = ".".join(map(str, closest.absolute_path))
        summary = f"`{path}` does not fit the {name} schema" if path else f"this does not fit the {name} schema"
        yield mistake(summary, place_of(source.file, reading.places, path), detail=closest.message[:_SHOWN])
