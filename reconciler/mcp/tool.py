"""What a tool is, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from reconciler.app.project.project import Project
from reconciler.model.exit_code import ExitCode
from reconciler.render.documents.plan import PlanDoc


class ToolPermission(StrEnum):
    """What the user may allow with `--allow`."""

    SEND = "send"
    JOB = "job"
    ANSWER = "answer"
    STOP = "stop"
    RESUME = "resume"
    APPLY = "apply"
    SELF = "self"  # the others may be about the agent that calls


class ToolAccess(Struct, frozen=True):
    """What the tools of one connection work on."""

    open: Callable[[], Project]  # each call opens the project anew
    report: Callable[[Exception], Sequence[str]]  # keeps a report of an error in our code; returns what to say
    allowed: frozenset[ToolPermission] = frozenset()
    shown: dict[str, PlanDoc] = field(default_factory=dict)  # the plans that this client was shown, by digest


class Answered(Struct, frozen=True):
    """A document, and the exit code that the command would have ended with."""

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
    """What the user must allow; None when anybody may call it."""
    changes: bool = False
    """Whether it changes something: such calls come one after the other."""
    call: Callable[[ToolAccess, Any], Answered]
