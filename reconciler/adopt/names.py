"""Make names that a manifest allows, and read a role from the name of a session."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from reconciler.model.address import is_name
from reconciler.model.desired import DEFAULT_ROLE

_OTHERS = re.compile(r"[^A-Za-z0-9_-]+")


def valid_name(text: str) -> str:
    """The name nearest to `text` that a manifest allows; `text` itself if it is allowed."""
    if is_name(text):
        return text
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _OTHERS.sub("-", plain).strip("-_") or "unnamed"


def alternatives(agent: str, role: str) -> Iterator[str]:
    """Names for an agent, best first: other agents may already have the first ones."""
    yield agent
    if role != DEFAULT_ROLE:
        yield f"{role}-{agent}"
    number = 2
    while True:
        yield f"{agent}-{number}"
        number += 1


def session_name(workspace: str, role: str, agent: str) -> str:
    """The session name of a declared agent."""
    return f"{workspace}-{role}-{agent}"


def role_in(session: str, workspace: str, agent: str) -> str:
    """The role in the name of a session; the default role if there is none in it."""
    role = session.removeprefix(f"{workspace}-").removesuffix(f"-{agent}")
    return role if session == session_name(workspace, role, agent) and is_name(role) else DEFAULT_ROLE


def as_tmux_spells(session: str) -> str:
    """The session name as tmux stores it: tmux replaces `.` and `:`."""
    return session.replace(".", "_").replace(":", "_")
