"""What an agent said last, from its stored conversation."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.agents.message import LastMessages
from reconciler.agents.subject import AgentEnvironment
from reconciler.app.agents.look import ProjectView, look
from reconciler.app.agents.names import resolve_names
from reconciler.app.project.project import Project
from reconciler.kinds.agent.case import Case
from reconciler.model.activity import LiveAgent
from reconciler.model.address import Address
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Observed, Present, Unknown
from reconciler.model.snapshot import Artifact
from reconciler.observe.agents import subject_of
from reconciler.observe.last_messages import in_database, in_file, newest
from reconciler.observe.stored import artifact
from reconciler.render.last import last_document

if TYPE_CHECKING:
    from reconciler.agents.profile import Profile
    from reconciler.render.documents.last import LastDoc

_ROWS = 500  # what a database is asked for, at most


def last(at: Project, name: str, turns: int = 1) -> LastDoc:
    """The last `turns` prompts of the agent that `name` stands for, and what it answered.

    Raises:
        UsageError: There is no such agent, or several.
        ReconcilerError: What its CLI stores cannot be read.
    """
    seen = look(at)
    (address,) = resolve_names(seen, [name])
    return last_of(at, seen, address, turns)


def last_of(at: Project, seen: ProjectView, address: Address, turns: int = 1) -> LastDoc:
    """The same of an agent in a view. Raises ReconcilerError if what its CLI stores cannot be read."""
    case = seen.cases.get(address)
    if case is None or case.profile is None:
        raise ReconcilerError(f"no conversation is known of {address}", fix=_peek(address))
    conversation = seen.snapshot.agents.get(address, LiveAgent()).conversation or case.identity.session_id or ""
    stored = _stored(at, seen, case, case.profile, conversation)
    path = stored.value.path if isinstance(stored, Present) else ""
    found = _read(at, _Stored(path, conversation, case.profile, _subject(at, seen, case)), turns) if path else stored
    match found:
        case Present(LastMessages() as messages):
            return last_document(address, conversation, path, messages)
        case Unknown(reason):
            raise ReconcilerError(f"the conversation of {address} cannot be read", detail=reason, fix=_peek(address))
    return last_document(address, conversation, path, LastMessages())


class _Stored(Struct, frozen=True):
    """A stored conversation, and whose it is."""

    path: str
    conversation: str
    profile: Profile
    subject: AgentEnvironment


def _stored(at: Project, seen: ProjectView, case: Case, profile: Profile, conversation: str) -> Observed[Artifact]:
    if not profile.transcript.reads_messages:
        return Unknown(f"it is not known how {profile.name} stores what was said")
    return artifact(conversation, profile, _subject(at, seen, case), at.files)


def _subject(at: Project, seen: ProjectView, case: Case) -> AgentEnvironment:
    return subject_of(case, seen.snapshot, at.files, at.caller)


def _read(at: Project, stored: _Stored, turns: int) -> Observed[LastMessages]:
    path, profile = stored.path, stored.profile
    if profile.database.finds_by_id:
        match in_database(path, stored.conversation, profile, stored.subject, at.files):
            case Present(messages):
                return Present(newest(messages, turns, _ROWS))
            case other:
                return other
    if not path.endswith((".jsonl", ".json")):
        return Unknown(f"{path} is compressed")
    return in_file(path, profile, turns, at.files)


def _peek(address: Address) -> str:
    return f"see its screen: reconciler peek {quote(str(address))}"
