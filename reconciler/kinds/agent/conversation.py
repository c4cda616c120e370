"""Which conversation an agent continues in when its session starts."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.model.activity import LiveAgent
from reconciler.model.address import Address
from reconciler.model.conversation import Conversation, ConversationMode
from reconciler.model.observed import ABSENT, Absent, Present, Unknown
from reconciler.model.problem import Problem
from reconciler.model.snapshot import Artifact, Snapshot

from .case import Case, Facts


def next_conversation(case: Case, live: LiveAgent) -> str:
    """The id that a start would continue: the manifest's `resume`, else a rollback's, the agent's own, the recorded."""
    explicit = case.spec.resume if case.spec and case.spec.resume not in {"auto", "never"} else ""
    return explicit or case.goal or live.conversation or case.identity.session_id or ""


def all_conversations(case: Case, live: LiveAgent) -> tuple[str, ...]:
    """Every id that the agent has or had, as it reports itself and as the registry says; the present one first."""
    recorded = (case.identity.session_id, *case.identity.previous, case.row.session_id_own if case.row else None)
    return tuple(dict.fromkeys(id_ for id_ in (live.conversation, *recorded) if id_))


def was_stored(case: Case, conversation: str) -> bool:
    """True when the registry shows that the CLI once stored the conversation. If it is not there now, it is missing."""
    row, profile = case.row, case.profile
    if profile is None or not profile.keeps_conversations:
        return False
    if conversation != case.identity.session_id:
        return conversation == case.goal
    if row is None:
        return True  # only the lost row could have shown that nothing was stored
    if row.type != profile.name and not (row.older and row.type == row.agent):
        return False  # another CLI stored it
    return row.older or row.resumable or row.session_id_own not in {None, conversation}


def conversation_facts(address: Address, snapshot: Snapshot) -> Facts:
    """The facts about one agent that `continued` and `found_from_here` read; the other facts are left empty."""
    return Facts(
        artifact=snapshot.artifacts.get(address, ABSENT),
        live=snapshot.agents.get(address, LiveAgent()),
        unclaimed=snapshot.unclaimed.get(address, ()),
        elsewhere=snapshot.elsewhere.get(address, 0),
        moved_from=snapshot.moved.get(address, ""),
        version=snapshot.versions.get(address, ""),
        missing_store=snapshot.missing_stores.get(address, ""),
        hidden=snapshot.hidden.get(address),
    )


def continued(case: Case, facts: Facts) -> Conversation | Problem:
    """Decide which conversation a start would lead into, or return why the agent cannot start.

    An id that the user chose must exist. An id that reconciler reserved is used again while nothing is stored under
    it. When the CLI can neither resume nor reuse it, a new conversation begins.
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
    if facts.store_is_hidden and isinstance(artifact, Absent):
        return _unseen(case, profile, known)
    return _chosen_by_user(case, known, artifact) if spec.resume != "auto" else _ours(case, known, facts, artifact)


def found_from_here(case: Case, conversation: Conversation, facts: Facts, *, lives: bool) -> Conversation:
    """The conversation, refused when its CLI would not find it from the agent's folder.

    When that is not known, an agent that `lives` is not ended for it; an agent that does not run may try.
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


def _ours(case: Case, conversation: str, facts: Facts, artifact: Absent | Present[Artifact]) -> Conversation:
    profile = case.profile
    if profile and not profile.keeps_conversations:
        return _unproven(case, profile, conversation)
    if facts.missing_store or (isinstance(artifact, Absent) and was_stored(case, conversation)):
        return Conversation(ConversationMode.REFUSE_MISSING, conversation, _earlier(case, conversation))
    if isinstance(artifact, Absent) and profile and not profile.launch.chooses_id:
        return Conversation(ConversationMode.NEW, previous=_earlier(case, ""))
    if isinstance(artifact, Absent):
        return Conversation(ConversationMode.FRESH_SAME_ID, conversation, _earlier(case, conversation))
    if artifact.value.resumable:
        return Conversation(ConversationMode.RESUME, conversation, _earlier(case, conversation))
    return Conversation(ConversationMode.FRESH_NEW_ID, previous=_earlier(case, ""))


def _unseen(case: Case, profile: Profile, conversation: str) -> Conversation:
    """Decide for an agent whose wrapper hides what its CLI stores: an id that the user chose is believed."""
    if case.spec and case.spec.resume != "auto":
        return Conversation(ConversationMode.RESUME, conversation, _earlier(case, conversation))
    return _unproven(case, profile, conversation)


def _unproven(case: Case, profile: Profile, conversation: str) -> Conversation:
    """Decide for a CLI whose files are not known: it can resume what it ran with before, but nothing of another CLI."""
    row = case.row
    if row is not None and row.type != profile.name:
        return Conversation(ConversationMode.NEW, previous=_earlier(case, ""))
    has_run = row is not None and (row.resumable or row.pane is not None)
    mode = ConversationMode.RESUME if has_run and profile.launch.resumes else ConversationMode.FRESH_SAME_ID
    return Conversation(mode, conversation, _earlier(case, conversation))


def _earlier(case: Case, conversation: str) -> tuple[str, ...]:
    """The ids to keep listed: all earlier ones, and the present one when the agent leaves it."""
    present = case.identity.session_id
    ids = (*case.identity.previous, *((present,) if present and present != conversation else ()))
    return tuple(dict.fromkeys(id_ for id_ in ids if id_ != conversation))
