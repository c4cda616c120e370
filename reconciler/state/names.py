"""Read the names in the registry fast, for shell completion; no names if the file cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from msgspec import Struct, field

from reconciler.model.errors import RegistryUnreadable
from reconciler.model.record import Json
from reconciler.ports import own_files
from reconciler.text.characters import decoded

from .cache import recall


class Names(Struct, frozen=True):
    """The recorded workspaces and brokers, and the address of each session that is or was in a manifest."""

    workspaces: tuple[str, ...] = ()
    brokers: tuple[str, ...] = ()
    sessions: Mapping[str, str] = field(default_factory=dict)


def recorded_names(path: str, cache: str) -> Names:
    """Read the names in the registry at `path`; its parsed content may be in the folder `cache`."""
    try:
        with own_files.regular(path) as file:
            text = file.read()
        content = recall(cache, sha256(text).hexdigest())
        return _names(_today(content if isinstance(content, dict) else _parsed(text)))
    except (OSError, UnicodeDecodeError, RegistryUnreadable):
        return Names()


def _parsed(text: bytes) -> Mapping[str, Json]:
    from .content import content_of  # noqa: PLC0415 - what is in the cache is not parsed

    return content_of(decoded(text).replace("\r\n", "\n"))


def _today(content: Mapping[str, Json]) -> Mapping[str, Json]:
    """The content; converted to today's form if a row does not name its agent."""
    rows = content.get("sessions")
    if rows is None or (
        isinstance(rows, dict) and all(isinstance(row, dict) and row.get("agent") for row in rows.values())
    ):
        return content
    from .older import as_today  # noqa: PLC0415 - a good file needs none of it

    older = as_today(content, lambda _path: "", None)
    return {} if older.wrong else older.readable


def _names(content: Mapping[str, object]) -> Names:
    rows = _table(content, "sessions")
    managed = {name: row for name, row in rows.items() if isinstance(row, dict) and row.get("managed") is not False}
    addresses = {name: f"agent.{row.get('workspace')}.{row.get('agent')}" for name, row in managed.items()}
    return Names(tuple(_table(content, "workspaces")), tuple(_table(content, "brokers")), addresses)


def _table(content: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = content.get(name)
    return found if isinstance(found, dict) else {}
