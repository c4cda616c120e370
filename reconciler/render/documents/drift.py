"""`schemas/drift.schema.json`: the document of `drift --json`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .change import DeepChangeDoc, ResourceChangeDoc
from .common import DiagnosticDoc, documented

DriftFactsDoc = TypedDict(
    "DriftFactsDoc",
    {
        "class": str,
        "session": str,
        "address": str | None,
        "message": str,
        "before": Any,
        "after": Any,
        "path": str,
        "changes": NotRequired[list[DeepChangeDoc]],
    },
)
"""One difference between the registry and the live world; `path` is the field.

Of a file of a broker, `changes` say what is different in it; none means that its layout alone is.
"""

DriftDoc = TypedDict(
    "DriftDoc",
    {
        "class": str,
        "session": str,
        "address": str | None,
        "message": str,
        "before": Any,
        "after": Any,
        "path": str,
        "changes": NotRequired[list[DeepChangeDoc]],
        "file": str,
        "line": int,
    },
)
"""One difference between the registry and the live world; `path` is the field, `file` and `line` as for a change.

Of a file of a broker, `changes` say what is different in it; none means that its layout alone is.
"""


@documented
class AcceptedDoc(TypedDict):
    """A drift that is no news."""

    drift: DriftDoc
    until: str
    """The last day, in UTC."""
    owner: str
    why: str
    file: str
    """The manifest that accepts it."""
    line: int


@documented
class DriftsDoc(TypedDict):
    """Where the registry and the live world differ."""

    format_version: str
    tool_version: str
    compared: Literal["live", "offline"]
    """Whether the registry was held against the live world, or against files only."""
    drifts: list[DriftDoc]
    learned: NotRequired[list[DriftDoc]]
    """What the registry only learns, classes C and I: nothing is wrong. It is not in `drifts`."""
    accepted: list[AcceptedDoc]
    """Drift that a manifest accepts; it is not in `drifts`."""
    resource_changes: list[ResourceChangeDoc]
    """What an apply would do, with `--intent` and `--offline`; else nothing."""
    unseen: list[str]
    """What could not be known, because nothing live was looked at."""
    in_sync: bool
    """False when something differs, and when something could not be looked at."""
    diagnostics: list[DiagnosticDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(DriftsDoc, title="reconciler drift", identifier="drift.schema.json")
