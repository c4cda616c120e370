"""Find the folder in which a stored conversation began."""

from __future__ import annotations

from reconciler.agents.profile import Profile
from reconciler.agents.storage import HEAD_BYTES
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.observed import Present
from reconciler.ports.world import Files

from .stored import artifact


def began_in(conversation: str, profile: Profile, subject: AgentEnvironment, files: Files) -> str:
    """The folder that the stored conversation with this id names as its own; empty when it names none."""
    found = artifact(conversation, profile, subject, files)
    if not isinstance(found, Present) or not profile.storage.keeps_files:
        return ""
    data = files.read(found.value.path, HEAD_BYTES)
    head = profile.storage.read_head(found.value.path, data.value) if isinstance(data, Present) else None
    return head.cwd if head else ""
