"""The last messages of a stored conversation, read from its end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reconciler.agents.defaults import nothing
from reconciler.agents.jsonl import objects, parsed
from reconciler.agents.message import LastMessages, StoredMessage
from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.observed import Observed, Present, Unknown
from reconciler.ports.world import Files

_FIRST = 1 << 18  # bytes; each further look takes four times as many
MOST = 1 << 24
"""How many bytes of a file are looked at, at most."""


def in_file(path: str, profile: Profile, turns: int, files: Files) -> Observed[LastMessages]:
    """The last `turns` prompts and all that was answered, of the conversation in this file."""
    if profile.transcript.read_document is not nothing:
        return _in_document(path, profile, turns, files)
    facts = files.facts(path)
    if not isinstance(facts, Present):
        return facts
    size, amount = facts.value[1], _FIRST
    while True:
        start = max(0, size - amount)
        data = files.read(path, amount, start)
        if not isinstance(data, Present):
            return data
        whole = data.value if start == 0 else data.value.partition(b"\n")[2]
        read = (profile.transcript.read_message(line) for line in objects(whole))
        messages = _joined((each for each in read if each), profile)
        last = _last_turns(messages, turns)
        if start == 0 or len(last) < len(messages):
            return Present(LastMessages(last))
        if amount >= MOST:
            return Present(LastMessages(last, cut=True))
        amount *= 4


def _in_document(path: str, profile: Profile, turns: int, files: Files) -> Observed[LastMessages]:
    data = files.read(path, MOST)
    if not isinstance(data, Present):
        return data
    if len(data.value) == MOST:
        return Unknown(f"{path}: it is longer than {MOST} bytes")
    messages = profile.transcript.read_document(parsed(data.value)) or ()
    return Present(LastMessages(_last_turns(_joined(messages, profile), turns)))


def in_database(
    path: str, conversation: str, profile: Profile, subject: AgentEnvironment, files: Files
) -> Observed[tuple[StoredMessage, ...]]:
    """The last messages that the database at `path` has of a conversation, oldest first."""
    query = profile.transcript.messages_of(subject, conversation)
    if query is None:
        return Unknown(f"{path}: nothing is known of its messages")
    match files.query(path, query.statement, query.parameters):
        case Present(rows):
            found = (profile.transcript.read_message_row(row) for row in reversed(rows))
            return Present(_joined((each for each in found if each), profile))
        case other:
            return other


def newest(messages: Sequence[StoredMessage], turns: int, limit: int) -> LastMessages:
    """Of messages from a database that gave at most `limit` rows."""
    last = _last_turns(messages, turns)
    return LastMessages(last, cut=len(last) == len(messages) >= limit)


def _joined(found: Iterable[StoredMessage], profile: Profile) -> tuple[StoredMessage, ...]:
    """One message for each id: its parts one below the other, or its last version where the CLI writes it anew."""
    joined: dict[str, StoredMessage] = {}
    for number, message in enumerate(found):
        key = message.id or f"\n{number}"
        before = joined.get(key)
        text = _unwrapped(message.text, profile) if message.role == "user" else message.text
        if before and not profile.transcript.rewrites:
            text = f"{before.text}\n{text}"
        joined[key] = message._replace(text=text, at=before.at if before else message.at)
    return tuple(joined.values())


def _unwrapped(text: str, profile: Profile) -> str:
    found = re.fullmatch(profile.transcript.wrapped, text, re.DOTALL) if profile.transcript.wrapped else None
    return found[1].strip("\n") if found else text


def _last_turns(messages: Sequence[StoredMessage], turns: int) -> tuple[StoredMessage, ...]:
    prompts = [at for at, each in enumerate(messages) if each.role == "user"]
    return tuple(messages[prompts[-turns] :]) if len(prompts) >= turns else tuple(messages)
