"""How an agent's conversation continues when its session starts."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.model.activity import LiveAgent
from reconciler.model.conversation import Conversation, ConversationMode
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.problem import Problem
from reconciler.model.snapshot import Artifact

from .case import Case, Facts


def next_conversation(case: Case, talks: LiveAgent) -> str:
    """The id that a start would go on with: the user's word, the one to go back to, the agent's own, the record's."""
    explicit = case.spec.resume if case.spec and case.spec.resume not in {"auto", "never"} else ""
    return explicit or case.goal or talks.conversation or case.identity.session_id or ""


def all_conversations(case: Case, talks: LiveAgent) -> tuple[str, ...]:
    """Every id that the agent has or had, as it says itself and as the registry says."""
    recorded = (case.identity.session_id, *case.identity.previous, case.row.session_id_own if case.row else None)
    return tuple(dict.fromkeys(id_ for id_ in (talks.conversation, *recorded) if id_))


def was_stored(case: Case, conversation: str) -> bool:
    """True when something was stored under the id, as far as is recorded: it is missing where nothing is now."""
    row, profile = case.row, case.profile
    if profile is None or not profile.keeps_conversations:
        return False
    if conversation != case.identity.session_id:
        return conversation == case.goal
    if row is None:
        return True  # its row was lost, and with it what would tell that nothing was said
    if row.type != profile.name and not (row.older and row.type == row.agent):
        return False  # another CLI stored it
    return row.older or row.resumable or row.session_id_own not in {None, conversation}


def continued(case: Case, facts: Facts) -> Conversation | Problem:
    """The conversation a start now leads into, or why that cannot be told.

    An id that was chosen by the user must exist; an id that only we know may be used again while
    nothing was said in it, and is given up when the CLI can do neither.
    """
    profile, spec = case.profile, case.spec
    known, artifact = next_conversation(case, facts.live), facts.artifact
    if facts.elsewhere:
        return Conversation(ConversationMode.REFUSE_ELSEWHERE, known, _earlier(case, known))
    if profile is None or spec is None or not (profile.launch.resumes or profile.launch.chooses_id):
        return Conversation(ConversationMode.NONE, previous=_earlier(case, ""))
    if spec.resume == "never" or not known:
        doubtful = facts.unclaimed and spec.resume != "never"
        mode = ConversationMode.REFUSE_AMBIGUOUS if doubtful else ConversationMode.NEW
        return Conversation(mode, previous=_earlier(case, ""))
    if isinstance(artifact, Unknown):
        return Conversation(ConversationMode.UNKNOWN, known, _earlier(case, known))
    explicit = spec.resume != "auto"
    if not explicit and facts.missing_store:
        return Conversation(ConversationMode.REFUSE_MISSING, known, _earlier(case, known))
    return _chosen_by_user(case, known, artifact) if explicit else _ours(case, known, artifact)


def found_from_here(case: Case, conversation: Conversation, facts: Facts, *, lives: bool) -> Conversation:
    """The conversation, put off where its CLI would not find it from the agent's folder.

    A living agent is not ended unless it is known that its conversation is found; another one may try.
    """
    if conversation.mode is not ConversationMode.RESUME or not facts.moved_from or case.profile is None:
        return conversation
    follows = case.profile.storage.follows(facts.version)
    if follows or (follows is None and not lives):
        return conversation
    return replace(conversation, mode=ConversationMode.REFUSE_MOVED)


def _chosen_by_user(case: Case, conversation: str, artifact: Absent | Present[Artifact]) -> Conversation | Problem:
    profile = case.profile
    if profile and profile.keeps_conversations and not (isinstance(artifact, Present) and artifact.value.resumable):
        return Problem(
            f"conversation {conversation} cannot be resumed",
            "nothing resumable is stored under that id",
            "correct `resume:` in the manifest, or set it to auto",
        )
    return Conversation(ConversationMode.RESUME, conversation, _earlier(case, conversation))


def _ours(case: Case, conversation: str, artifact: Absent | Present[Artifact]) -> Conversation:
    profile = case.profile
    if profile and not profile.keeps_conversations:
        return _unproven(case, profile, conversation)
    if isinstance(artifact, Absent) and was_stored(case, conversation):
        return Conversation(ConversationMode.REFUSE_MISSING, conversation, _earlier(case, conversation))
    if isinstance(artifact, Absent) and profile and not profile.launch.chooses_id:
        return Conversation(ConversationMode.NEW, previous=_earlier(case, ""))
    if isinstance(artifact, Absent):
        return Conversation(ConversationMode.FRESH_SAME_ID, conversation, _earlier(case, conversation))
    if artifact.value.resumable:
        return Conversation(ConversationMode.RESUME, conversation, _earlier(case, conversation))
    return Conversation(ConversationMode.FRESH_NEW_ID, previous=_earlier(case, ""))


def _unproven(case: Case, profile: Profile, conversation: str) -> Conversation:
    """Nobody knows the CLI's files: it can resume what it once ran with, and nothing of another CLI."""
    row = case.row
    if row is not None and row.type != profile.name:
        return Conversation(ConversationMode.NEW, previous=_earlier(case, ""))
    has_run = row is not None and (row.resumable or row.pane is not None)
    mode = ConversationMode.RESUME if has_run and profile.launch.resumes else ConversationMode.FRESH_SAME_ID
    return Conversation(mode, conversation, _earlier(case, conversation))


def _earlier(case: Case, conversation: str) -> tuple[str, ...]:
    """The ids to keep listed: all earlier ones, and the present one when it is left."""
    present = case.identity.session_id
    ids = (*case.identity.previous, *((present,) if present and present != conversation else ()))
    return tuple(dict.fromkeys(id_ for id_ in ids if id_ != conversation))
