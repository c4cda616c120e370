"""The manifest that takes unmanaged sessions into care."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator


def adoption_text(sessions: list[dict[str, object]], known: Collection[str]) -> Iterator[str]:
    """The lines of a manifest that declares the sessions.

    It describes the types that are not `known`; they need a look by the user.
    """
    yield "version: 1"
    yield "workspaces:" if sessions else "workspaces: {}"
    for workspace in dict.fromkeys(str(each["workspace"]) for each in sessions):
        yield from _workspace(workspace, [each for each in sessions if each["workspace"] == workspace])
    yield from _own_types(sessions, known)


def _workspace(workspace: str, sessions: list[dict[str, object]]) -> Iterator[str]:
    yield f"  {_quoted(workspace)}:"
    yield f"    path: {_quoted(sessions[0]['cwd'])}"
    yield "    agents:"
    taken: set[str] = set()
    for each in sessions:
        agent = str(each["agent"])
        name = f"{each['role']}-{agent}" if agent in taken else agent  # two roles may have an agent of one name
        taken.add(agent)
        yield f"      {_quoted(name)}: # adopt with: reconciler import agent.{workspace}.{name} {each['session']}"
        yield f"        role: {_quoted(each['role'])}"
        if name != agent:
            yield f"        type: {_quoted(agent)}"


def _own_types(sessions: list[dict[str, object]], known: Collection[str]) -> Iterator[str]:
    commands = {str(each["agent"]): each["command"] for each in sessions if each["agent"] not in known}
    if commands:
        yield "agent_types: # look these over: they know no more than what runs there now"
    for name, command in commands.items():
        yield f"  {_quoted(name)}:"
        yield f"    command: [{_quoted(command)}]"


def _quoted(text: object) -> str:
    """A YAML string, also where it looks like a number."""
    return json.dumps(text, ensure_ascii=False)
