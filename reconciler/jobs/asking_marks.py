"""Tell one asking of an agent from a later one, even if both ask the same word for word.

CLIs give their questions no id. But each answer leaves traces: the CLI reports another state in between, and stores
what came of the answer. When all traces that can be seen are other ones, the agent asks anew. One of them alone may
change for another reason.
"""

from __future__ import annotations

from msgspec import Struct

from reconciler.model.activity import Activity
from reconciler.model.observed import Present
from reconciler.observe.stored import FoundConversation, all_stored, artifact
from reconciler.ports.world import Files

from .agent_state import AgentState, Recipient
from .proof import named_by_title


class AskingMarks(Struct, frozen=True):
    """The traces at the time of an asking; an empty one cannot be seen."""

    reported: str = ""
    """When the CLI reported that it waits."""
    stored: str = ""
    """How much the CLI had stored of the conversation."""


def marks_of(to: Recipient, seen: AgentState, files: Files) -> AskingMarks:
    """The traces now."""
    reported = repr(seen.own.since) if seen.own.activity is Activity.WAITING and seen.own.since else ""
    return AskingMarks(reported, _stored(to, seen, files))


def _stored(to: Recipient, seen: AgentState, files: Files) -> str:
    """The size of the conversation's file, or what a database says of the conversation."""
    conversation = seen.own.conversation or to.conversation
    if to.profile.database.keeps_rows:
        return _in_database(to, conversation or _titled(to, seen, files), files)
    if not to.profile.storage.keeps_files or not conversation:
        return ""
    found = artifact(conversation, to.profile, to.subject, files)
    facts = files.facts(found.value.path) if isinstance(found, Present) else found
    return str(facts.value[1]) if isinstance(facts, Present) else ""


def _titled(to: Recipient, seen: AgentState, files: Files) -> str:
    stored = all_stored(to.profile, to.subject, files)
    return named_by_title(seen, to, (each.head for each in stored if isinstance(each, FoundConversation)))


def _in_database(to: Recipient, conversation: str, files: Files) -> str:
    query = to.profile.database.size_of(to.subject, conversation) if conversation else None
    found = files.find(query.pattern) if query else None
    if query is None or not isinstance(found, Present):
        return ""
    answers = [files.query(path, query.statement, query.parameters) for path in found.value]
    return repr([answer.value for answer in answers if isinstance(answer, Present)])


def asks_anew(before: AskingMarks, now: AskingMarks) -> bool:
    """Whether an asking with these traces is another one than the earlier one; False when nothing shows that."""
    pairs = ((before.reported, now.reported), (before.stored, now.stored))
    changed = [one != other for one, other in pairs if one and other]
    return bool(changed) and all(changed)
