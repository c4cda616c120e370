"""The arguments of each tool. Clients see their JSON Schema."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from reconciler.model.usage import GroupBy

Name = Annotated[str, Meta(min_length=1, description="The agent: an address, or any unique part of its name")]
Names = Annotated[list[Name], Meta(min_length=1, description="The agents, each by any unique part of its name")]
Seconds = Annotated[float, Meta(ge=0, le=3600)]


class NoArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """A tool without arguments."""


class OptionalName(Struct, frozen=True, forbid_unknown_fields=True):
    """All agents, or one."""

    name: Annotated[str, Meta(description="Only this agent, in detail; empty for all")] = ""


class OneName(Struct, frozen=True, forbid_unknown_fields=True):
    """One agent."""

    name: Name


class PeekArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """One agent, and how many lines of its screen."""

    name: Name
    lines: Annotated[int, Meta(ge=0, le=5000, description="The last N lines, including lines that scrolled away")] = 0


class LastArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """One agent, and how many turns."""

    name: Name
    turns: Annotated[int, Meta(ge=1, le=100, description="The last N prompts and their answers")] = 1


class AddressArgument(Struct, frozen=True, forbid_unknown_fields=True):
    """A workspace, an agent or a broker."""

    address: Annotated[str, Meta(min_length=1, description="An address, or any unique part of a name")]


class UsageArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """The period, the groups, and whether money is shown."""

    since: Annotated[str, Meta(description="How long ago (24h, 7d, 2w), a date (2026-11-01), or all")] = "7d"
    until: Annotated[str, Meta(description="The same; a date includes that day; empty: now")] = ""
    by: Annotated[list[GroupBy], Meta(description="What to add up for; empty: agent")] = []
    cost: Annotated[bool, Meta(description="Also show money: as stored, else by a price list")] = False


class SendArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt for one agent."""

    name: Name
    text: Annotated[str, Meta(min_length=1, description="The prompt")]
    wait_idle: Annotated[Seconds, Meta(description="How many seconds a busy agent is waited for")] = 0.0


class AnswerArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to the dialog of one agent."""

    name: Name
    request: Annotated[
        str, Meta(description="The id that this tool returned when it showed the dialog; empty: show it")
    ] = ""
    answer: Annotated[
        Literal["approve", "deny", ""], Meta(description="Empty: only show the dialog; otherwise `request` is needed")
    ] = ""


class StopArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """The agents to stop."""

    names: Names
    reason: Annotated[str, Meta(description="Why, for the registry and the history")] = ""


class ResumeArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """The agents to start again."""

    names: Names


class SubmitArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """A job for one agent."""

    name: Name
    prompt: Annotated[str, Meta(min_length=1, description="The task")]
    timeout: Annotated[float, Meta(gt=0, description="Time limit of the job, in seconds")] = 3600.0
    idle_timeout: Annotated[float, Meta(gt=0, description="How many seconds the job may send no event")] = 120.0
    wait_idle: Annotated[Seconds, Meta(description="How many seconds a busy agent is waited for")] = 0.0


class WaitArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """The job to wait for."""

    job: Annotated[str, Meta(description="Id of the job; empty for all open jobs")] = ""
    seconds: Annotated[Seconds, Meta(description="How long to wait at most; the job goes on afterwards")] = 60.0


class ApplyArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """The plan to apply."""

    digest: Annotated[str, Meta(min_length=1, description="The `digest` of a plan that the tool `plan` returned")]
