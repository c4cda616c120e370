"""Make the folders of all found agents absolute, and find the folder of an agent whose source does not have it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.app.project.project import Project
from reconciler.model.adoption import Findings, FoundAgent
from reconciler.observe.beginnings import began_in


def with_folders(at: Project, found: Findings, profiles: Mapping[str, Profile]) -> Findings:
    """The findings with an absolute folder for each agent, where one can be found."""
    return replace(found, agents=tuple(_with_folder(at, each, profiles) for each in found.agents))


def _with_folder(at: Project, found: FoundAgent, profiles: Mapping[str, Profile]) -> FoundAgent:
    if found.path:
        whole = os.path.normpath(os.path.join(at.root, os.path.expanduser(found.path)))
        return replace(found, path=whole, notes=(*found.notes, *_missing(whole)))
    began = _by_conversation(at, found, profiles)
    if began:
        note = f"its folder is taken from its conversation, which began in {began}"
        return replace(found, path=began, comments=(*found.comments, note))
    likely = os.path.join(at.root, found.workspace)
    if found.workspace and os.path.isdir(likely):
        note = f"its folder is not known; {found.workspace} in the project folder is assumed"
        return replace(found, path=likely, comments=(*found.comments, note))
    return found


def _by_conversation(at: Project, found: FoundAgent, profiles: Mapping[str, Profile]) -> str:
    profile = _profile(found.type, profiles)
    if not found.conversation or profile is None:
        return ""
    subject = AgentEnvironment(os.path.realpath(at.root), at.caller.home, at.caller.env)
    return began_in(found.conversation, profile, subject, at.files)


def _profile(kind: str, profiles: Mapping[str, Profile]) -> Profile | None:
    try:
        return profiles[kind]
    except KeyError:
        return None


def _missing(path: str) -> tuple[str, ...]:
    return () if os.path.isdir(path) else (f"its folder {path} does not exist",)
