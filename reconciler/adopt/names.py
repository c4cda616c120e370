"""Names that a manifest allows, made of names that it does not; and what a session's name tells."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from reconciler.model.address import is_name, session_role
from reconciler.model.desired import DEFAULT_ROLE

_OTHERS = re.compile(r"[^A-Za-z0-9_-]+")


def valid_name(text: str) -> str:
    """The name that is nearest to `text` among those that a manifest allows; itself where it is one."""
    if is_name(text):
        return text
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _OTHERS.sub("-", plain).strip("-_") or "unnamed"


def alternatives(agent: str, role: str) -> Iterator[str]:
    """Names for an agent, best first, where others may have the first ones."""
    yield agent
    if role != DEFAULT_ROLE:
        yield f"{role}-{agent}"
    number = 2
    while True:
        yield f"{agent}-{number}"
        number += 1


def role_in(session: str, workspace: str, agent: str) -> str:
    """The role that the name of a session tells; the usual one where it tells none."""
    return session_role(session, workspace, agent) or DEFAULT_ROLE


def as_tmux_spells(session: str) -> str:
    """The name under which tmux shows a session that was made with this one."""
    return session.replace(".", "_").replace(":", "_")
