"""`schemas/drift.schema.json`: the document of `drift --json`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .change import DeepChangeDoc, ResourceChangeDoc
from .common import AtDoc, DiagnosticDoc

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

For a broker's file, `changes` say what differs in it; if there are none, only its layout differs.
"""


class DriftDoc(DriftFactsDoc):
    """One difference between the registry and the live world, with the place in a manifest that it is about."""

    file: str
    line: int


class AcceptedDoc(TypedDict):
    """A drift that a manifest accepts until a date."""

    drift: DriftDoc
    until: str
    """The last day, in UTC."""
    owner: str
    why: str
    file: str
    """The manifest that accepts it."""
    line: int


class DriftsDoc(TypedDict):
    """Where the registry and the live world differ."""

    format_version: str
    tool_version: str
    at: NotRequired[AtDoc]
    """Whose drift it is. Since 1.3."""
    shape: NotRequired[str]
    """SHA-256 of what differs: equal on two hosts where the same differs. Only for groups of hosts. Since 1.3."""
    compared: Literal["live", "offline"]
    """Whether the registry was compared with the live world, or with files only."""
    drifts: list[DriftDoc]
    learned: NotRequired[list[DriftDoc]]
    """Classes C and I: the registry only learns something, and nothing is wrong. They are not in `drifts`."""
    accepted: list[AcceptedDoc]
    """Drift that a manifest accepts; it is not in `drifts`."""
    resource_changes: list[ResourceChangeDoc]
    """What an apply would do; filled only with `--intent` or `--offline`."""
    unseen: list[str]
    """What could not be known, because the live world was not looked at."""
    in_sync: bool
    """False if something differs, or could not be looked at."""
    diagnostics: list[DiagnosticDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(DriftsDoc, title="reconciler drift", identifier="drift.schema.json")
