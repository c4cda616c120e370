"""`schemas/job-hooks.schema.json`: the document of `job hooks install --json` and `job hooks uninstall --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import documented


@documented
class HooksDoc(TypedDict):
    """What became of the hooks in a CLI's settings."""

    format_version: str
    cli: str
    path: str
    """The settings."""
    changed: bool
    """False when they were so already."""
    notice: str
    """What the user has to do; empty for nothing."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(HooksDoc, title="reconciler job hooks", identifier="job-hooks.schema.json")
