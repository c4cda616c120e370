"""What must never be: complaints about stored conversations and the ids that the registry gives to agents.

Every line of a user says whose it is. A complaint comes with the address of an agent that it is about.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from heard import Conversation

Owners = Mapping[str, Collection[str]]
Complaint = tuple[str, str]
LINE = re.compile(r"I am (?P<speaker>agent\.\S+), line \d+")
TURNS_AWAY = {
    "claude": "/clear",
    "codex": "/new",
    "opencode": "/new",
    "kilo": "/new",
}  # to a conversation with an id of the CLI's own
MINTS = frozenset({"codex", "agy", "opencode", "kilo", "cline", "cursor-agent"})


def line_of(address: str, number: int) -> str:
    """What is typed to an agent."""
    return f"I am {address}, line {number}"


def address_of(workspace: str, name: str) -> str:
    return f"agent.{workspace}.{name}"


def workspace_of(address: str) -> str:
    return address.split(".", 2)[1]


def owners_of(record: Mapping[str, Any]) -> Owners:
    """The agents that the registry gives each conversation id to, now or earlier."""
    owners = defaultdict(set)
    for place, workspace in record["workspaces"].items():
        for name, identity in workspace.get("agent_identities", {}).items():
            for conversation in (identity["session_id"], *identity.get("previous", ())):
                owners[conversation].add(address_of(place, name))
    for row in record["sessions"].values():
        owners[row.get(f"{row['agent']}_session_id_own")].add(address_of(row["workspace"], row["agent"]))
    return {conversation: agents for conversation, agents in owners.items() if conversation}


def mixed(stored: Iterable[Conversation]) -> Iterator[Complaint]:
    """Conversations that hold the words of several agents."""
    for each in stored:
        speakers = sorted(speakers_in(each))
        if len(speakers) > 1:
            yield f"{' and '.join(speakers)} are in one conversation, {each.id}: {each.lines}", speakers[0]


def shared(owners: Owners) -> Iterator[Complaint]:
    """Ids that several agents have."""
    for conversation, agents in owners.items():
        if len(agents) > 1:
            yield f"{' and '.join(sorted(agents))} have the same id, {conversation}", min(agents)


def stolen(stored: Iterable[Conversation], owners: Owners) -> Iterator[Complaint]:
    """Ids of one agent under which the words of another are stored."""
    for each in stored:
        for agent in owners.get(each.id, ()):
            if speakers_in(each) - {agent}:
                yield f"{agent} has the id {each.id}, which holds {each.lines}", agent


def lost(said: Collection[str], stored: Iterable[Conversation]) -> Iterator[Complaint]:
    """Lines that were stored once, and are no longer."""
    kept = {line for each in stored for line in each.lines}
    yield from ((f"lost: {line}", speaker_of(line)) for line in said if line not in kept)


def unowned(stored: Iterable[Conversation], owners: Owners) -> Iterator[Complaint]:
    """Conversations that no agent has although we chose their ids. Ids that a CLI minted may be unknown."""
    for each in stored:
        minted = each.cli in MINTS or TURNS_AWAY.get(each.cli, "never") in each.lines[0]
        if each.id not in owners and not minted:
            yield f"nobody has conversation {each.id}, which holds {each.lines}", speaker_of(each.lines[0])


def speakers_in(conversation: Conversation) -> set[str]:
    """The agents whose words it holds."""
    return {speaker_of(line) for line in conversation.lines} - {""}


def speaker_of(line: str) -> str:
    """The agent that a line was typed to; empty for a line that says nothing of it."""
    found = LINE.fullmatch(line)
    return found["speaker"] if found else ""
