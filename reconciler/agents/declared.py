"""Agent CLIs that users describe in their manifests, under `agent_types:`."""

from __future__ import annotations

import glob
import os.path
import re
from functools import partial

from reconciler.model.activity import Activity
from reconciler.model.desired import AgentType

from .display import Display, unknown_activity
from .launch import CWD, SESSION_ID, Launch, Shutdown
from .profile import Profile
from .storage import Storage, StoredHead
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_ANY_ID = r"[A-Za-z0-9][A-Za-z0-9._:-]*"


def declared_profile(declared: AgentType) -> Profile:
    """Make the profile of an agent type that a manifest describes."""
    return Profile(
        name=declared.name,
        launch=Launch(command=declared.command, new=declared.new, resume=declared.resume, wrap=declared.wrap),
        usage=Usage(resume=_before_id(declared.resume) + _before_id(declared.new), id=_ANY_ID, once=ENDS),
        shutdown=Shutdown(quit=declared.quit),
        storage=_storage(declared.artifacts) if declared.artifacts else Storage(),
        display=Display(
            tells_activity=bool(declared.busy),
            activity=partial(_activity, re.compile(declared.busy)) if declared.busy else unknown_activity,
        ),
    )


def _before_id(template: tuple[str, ...]) -> tuple[str, ...]:
    """The word before the id of a conversation, if the id is a separate word."""
    at = template.index(SESSION_ID) if SESSION_ID in template else 0
    return template[at - 1 : at]


def _storage(templates: tuple[str, ...]) -> Storage:
    return Storage(
        artifacts=partial(_artifacts, templates),
        stores=partial(_stores, templates),
        read_head=partial(_read_head, templates),
    )


def _artifacts(templates: tuple[str, ...], subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    return _patterns(templates, subject, glob.escape(conversation))


def _stores(templates: tuple[str, ...], subject: AgentEnvironment) -> tuple[str, ...]:
    return tuple(pattern.replace("**", "*") for pattern in _patterns(templates, subject, "*"))


def _patterns(templates: tuple[str, ...], subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    cwd = glob.escape(subject.cwd)
    filled = (template.replace(SESSION_ID, conversation).replace(CWD, cwd) for template in templates)
    return tuple(os.path.join(cwd, each) for each in filled)


def _read_head(templates: tuple[str, ...], path: str, _head: bytes) -> StoredHead | None:
    """Read the id from the path, and the folder if the template contains it. The content is not known."""
    found = next((match for match in (re.fullmatch(_shape(each), path) for each in templates) if match), None)
    return StoredHead(found["id"], found.groupdict().get("cwd", "")) if found else None


def _shape(template: str) -> str:
    """The regular expression for the paths of a template; it matches nothing if the id has no clear ends."""
    before, marked, after = template.partition(SESSION_ID)
    if not marked or "*" in {before[-1:], after[:1]}:
        return "(?!)"
    folder = "" if template.startswith(("/", CWD)) else f"{CWD}/"  # relative paths begin in the agent's folder
    rest = "(?P=id)".join(map(_wild, after.split(SESSION_ID)))
    shape = f"{_wild(folder + before)}(?P<id>[^/]+){rest}"
    return shape.replace(re.escape(CWD), "(?P<cwd>.*)", 1).replace(re.escape(CWD), "(?P=cwd)")


def _wild(part: str) -> str:
    return re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


def _activity(busy: re.Pattern[str], title: str) -> Activity:
    return Activity.BUSY if busy.search(title) else Activity.IDLE
