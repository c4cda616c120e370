"""The tools that change nothing."""

from __future__ import annotations

from reconciler.app.agents.diff import diff
from reconciler.app.agents.last import last
from reconciler.app.agents.peek import peek
from reconciler.app.agents.status import status
from reconciler.app.plan.drift import drift
from reconciler.app.plan.explain import explanation
from reconciler.app.plan.make import make_plan
from reconciler.app.plan.plans import document_of
from reconciler.app.usage.report import UsageRequest, opened, usage
from reconciler.model.exit_code import ExitCode, exit_code_of
from reconciler.model.usage import GroupBy
from reconciler.plan.request import Request
from reconciler.plan.verdict import refusal
from reconciler.render.usage import usage_document

from .arguments import (
    AddressArgument,
    LastArguments,
    NoArguments,
    OneName,
    OptionalName,
    PeekArguments,
    UsageArguments,
)
from .tool import Tool, ToolAccess, ToolResult


def _status(access: ToolAccess, given: OptionalName) -> ToolResult:
    document = status(access.open(), given.name)
    return ToolResult(document, exit_code_of(each["severity"] for each in document["diagnostics"]))


def _peek(access: ToolAccess, given: PeekArguments) -> ToolResult:
    return ToolResult(peek(access.open(), given.name, given.lines))


def _last(access: ToolAccess, given: LastArguments) -> ToolResult:
    return ToolResult(last(access.open(), given.name, given.turns))


def _diff(access: ToolAccess, given: OneName) -> ToolResult:
    return ToolResult(diff(access.open(), given.name))


def _plan(access: ToolAccess, _given: NoArguments) -> ToolResult:
    at = access.open()
    planned = make_plan(at, Request())
    document = document_of(at, planned)
    access.shown[document["digest"]] = document
    errors = planned.plan.errors
    return ToolResult(document, refusal(errors).exit_code if errors else ExitCode.OK)


def _explain(access: ToolAccess, given: AddressArgument) -> ToolResult:
    document = explanation(access.open(), given.address)
    return ToolResult(document, exit_code_of(each["severity"] for each in document["diagnostics"]))


def _drift(access: ToolAccess, _given: NoArguments) -> ToolResult:
    document = drift(access.open())
    return ToolResult(document, ExitCode.OK if document["in_sync"] else ExitCode.CHANGES)


def _usage(access: ToolAccess, given: UsageArguments) -> ToolResult:
    request = UsageRequest(given.since, given.until, tuple(dict.fromkeys(given.by or [GroupBy.AGENT])), given.cost)
    return ToolResult(usage_document(usage([opened(access.open())], request)))


READING = (
    Tool(
        name="status",
        summary="Show all agents of the project, one row each, or one agent in detail.",
        arguments=OptionalName,
        schema="status",
        call=_status,
    ),
    Tool(
        name="peek",
        summary="Show what is on an agent's screen now. The agent does not notice.",
        arguments=PeekArguments,
        schema="peek",
        call=_peek,
    ),
    Tool(
        name="last",
        summary="Show the last messages of an agent, from its stored conversation.",
        arguments=LastArguments,
        schema="last",
        call=_last,
    ),
    Tool(
        name="diff",
        summary="Show what an agent changed: its branch, its uncommitted files, and how much.",
        arguments=OneName,
        schema="diff",
        call=_diff,
    ),
    Tool(
        name="plan",
        summary="Show what `apply` would do. Changes nothing. Pass its `digest` to the tool `apply`.",
        arguments=NoArguments,
        schema="plan",
        call=_plan,
    ),
    Tool(
        name="explain",
        summary="Explain why an agent, a workspace or a broker will change, or why it won't.",
        arguments=AddressArgument,
        schema="explanation",
        call=_explain,
    ),
    Tool(
        name="drift",
        summary="Show where the registry and the running agents differ. Changes nothing.",
        arguments=NoArguments,
        schema="drift",
        call=_drift,
    ),
    Tool(
        name="usage",
        summary="Show how many tokens the agents used, from what their CLIs stored, and what that cost.",
        arguments=UsageArguments,
        schema="usage",
        call=_usage,
    ),
)
