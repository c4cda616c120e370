"""Agent CLIs that users describe in their manifests, under `agent_types:`."""

from __future__ import annotations

import glob
import os.path
import re
from functools import partial

from msgspec.structs import replace

from reconciler.model.activity import Activity
from reconciler.model.desired import AgentType

from .display import Display, unknown_activity
from .launch import CWD, SESSION_ID, Launch, Shutdown
from .profile import Profile
from .storage import Database, Storage, StoredHead
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_ANY_ID = r"[A-Za-z0-9][A-Za-z0-9._:-]*"


def declared_profile(declared: AgentType, base: Profile | None = None) -> Profile:
    """Make the profile of an agent type that a manifest describes. With a `base`, it changes what is given."""
    if base is not None:
        return _changed(base, declared)
    return Profile(
        name=declared.name,
        launch=Launch(command=declared.command, new=declared.new, resume=declared.resume),
        usage=Usage(resume=_before_id(declared.resume) + _before_id(declared.new), id=_ANY_ID, once=ENDS),
        shutdown=Shutdown(quit=declared.quit),
        storage=_storage(declared.artifacts) if declared.artifacts else Storage(),
        display=Display(
            tells_activity=bool(declared.busy),
            activity=partial(_activity, re.compile(declared.busy)) if declared.busy else unknown_activity,
        ),
    )


def _changed(base: Profile, declared: AgentType) -> Profile:
    """The profile with what the manifest gives in its place; all else stays what is known about the base."""
    new, resume = declared.new or base.launch.new, declared.resume or base.launch.resume
    own = declared_profile(replace(declared, command=declared.command or base.launch.command, new=new, resume=resume))
    profile = replace(
        base, name=declared.name, launch=replace(base.launch, command=own.launch.command, new=new, resume=resume)
    )
    if declared.new or declared.resume:
        profile = replace(profile, usage=own.usage)
    if declared.quit:
        profile = replace(profile, shutdown=replace(base.shutdown, quit=declared.quit))
    if declared.artifacts:
        profile = replace(profile, storage=own.storage, database=Database(), transcript=own.transcript, tokens="")
    if declared.busy:
        profile = replace(profile, display=replace(base.display, tells_activity=True, activity=own.display.activity))
    return profile


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
