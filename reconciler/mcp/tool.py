"""The definition of a tool, and its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from reconciler.app.project.project import Project
from reconciler.model.exit_code import ExitCode
from reconciler.render.documents.plan import PlanDoc


class ToolPermission(StrEnum):
    """The values of `--allow`."""

    SEND = "send"
    JOB = "job"
    ANSWER = "answer"
    STOP = "stop"
    RESUME = "resume"
    APPLY = "apply"
    SELF = "self"  # the other permissions also apply to the calling agent itself


class ToolAccess(Struct, frozen=True):
    """What the tools of one connection have access to."""

    open: Callable[[], Project]  # each call opens the project anew
    report: Callable[[Exception], Sequence[str]]  # keeps a report of an error in our code; returns what to say
    allowed: frozenset[ToolPermission] = frozenset()
    shown: dict[str, PlanDoc] = field(default_factory=dict)  # the plans that this client was shown, by digest


class ToolResult(Struct, frozen=True):
    """A document, and the exit code of the corresponding command."""

    document: Mapping[str, Any]
    exit_code: int = ExitCode.OK


class Tool(Struct, frozen=True, kw_only=True):
    """One tool."""

    name: str
    summary: str
    """For the client: what it does, in a sentence or two."""
    arguments: type[Struct]
    schema: str
    """The published schema of its document."""
    events: bool = False
    """Whether the document is `{"events": [...]}`, each as the schema says."""
    permission: ToolPermission | None = None
    """The permission that the tool needs; None if it is always allowed."""
    changes: bool = False
    """Whether it changes something. Such calls run one at a time."""
    call: Callable[[ToolAccess, Any], ToolResult]
