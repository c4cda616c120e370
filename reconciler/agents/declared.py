"""Agent CLIs that users describe in their manifests, under `agent_types:`."""

from __future__ import annotations

import glob
import os.path
import re
from functools import partial

from reconciler.model.desired import AgentType
from reconciler.model.snapshot import Activity

from .profile import SESSION_ID, Profile, Subject, unknown_activity


def declared_profile(declared: AgentType) -> Profile:
    """The profile that a manifest describes."""
    return Profile(
        name=declared.name,
        command=declared.command,
        new=declared.new,
        resume=declared.resume,
        quit=declared.quit,
        tells_activity=bool(declared.busy),
        has_artifacts=bool(declared.artifacts),
        artifacts=partial(_artifacts, declared.artifacts),
        activity=partial(_activity, re.compile(declared.busy)) if declared.busy else unknown_activity,
    )


def _artifacts(templates: tuple[str, ...], subject: Subject, conversation: str) -> tuple[str, ...]:
    return tuple(
        os.path.join(
            glob.escape(subject.cwd),
            template.replace(SESSION_ID, glob.escape(conversation)).replace("{cwd}", glob.escape(subject.cwd)),
        )
        for template in templates
    )


def _activity(busy: re.Pattern[str], title: str) -> Activity:
    return Activity.BUSY if busy.search(title) else Activity.IDLE
