"""`schemas/plan.schema.json`: the document of `plan --json` and of a saved plan."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .change import ResourceChangeDoc
from .common import AtDoc, DiagnosticDoc
from .drift import AcceptedDoc, DriftDoc


class UnmanagedDoc(TypedDict):
    """A live session that looks like ours and is in no manifest."""

    session: str
    workspace: str
    role: str
    agent: str
    command: str
    cwd: str
    pid: int


SummaryDoc = TypedDict(
    "SummaryDoc",
    {"add": int, "change": int, "destroy": int, "import": int, "forget": int, "resume": int, "deferred": int},
)
"""The number of actions of each sort; a replacement counts in `add` and `destroy`. `resume` counts conversations."""


class OptionsDoc(TypedDict):
    """The options that the plan was made with; `apply PLANFILE` uses the same ones."""

    mode: Literal["normal", "destroy", "refresh-only"]
    manifests: list[str]
    targets: list[str]
    exclude: list[str]
    replace: list[str]
    force: bool
    """True when agents that are in use may be interrupted."""
    profiles: NotRequired[list[str]]
    """The active profiles; missing if there are none."""


class PlanDoc(TypedDict):
    """Everything that an apply would do. It contains no secret and may be published."""

    format_version: str
    """A new minor version only adds keys; a new major version may change or remove them."""
    tool_version: str
    at: NotRequired[AtDoc]
    """Whose plan it is. Since 1.3."""
    options: OptionsDoc
    lineage: str
    """The registry's lineage; empty before the first apply."""
    serial: int
    manifest_digest: str
    digest: str
    """SHA-256 of everything else in the document, as JSON with sorted keys and no spaces, in ASCII."""
    shape: NotRequired[str]
    """SHA-256 of what would be done: equal on two hosts that do the same. Only for groups of hosts. Since 1.3."""
    basis: NotRequired[str]
    """Changes whenever the plan's actions, or the facts that they depend on, change, including live ones. Since 1.2."""
    summary: SummaryDoc
    resource_changes: list[ResourceChangeDoc]
    resource_drift: list[DriftDoc]
    learned: NotRequired[list[DriftDoc]]
    """Classes C and I: the registry only learns something, and nothing is wrong. They are not in `resource_drift`."""
    accepted: list[AcceptedDoc]
    """Drift that a manifest accepts; it is not in `resource_drift`."""
    unmanaged: list[UnmanagedDoc]
    diagnostics: list[DiagnosticDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(PlanDoc, title="reconciler plan", identifier="plan.schema.json")
