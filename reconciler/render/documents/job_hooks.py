"""`schemas/job-hooks.schema.json`: the document of `job hooks install --json` and `job hooks uninstall --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class HooksDoc(TypedDict):
    """What happened to the hooks in a CLI's settings."""

    format_version: str
    cli: str
    path: str
    """The path of the settings file."""
    changed: bool
    """False if the settings were already like that."""
    notice: str
    """What the user still has to do; empty if nothing."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(HooksDoc, title="reconciler job hooks", identifier="job-hooks.schema.json")
