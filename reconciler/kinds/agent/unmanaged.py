"""Live sessions that no manifest declares and whose names follow our pattern: find them, and make their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from reconciler.model.address import is_name, session_role
from reconciler.model.desired import DEFAULT_ROLE, Desired
from reconciler.model.drift_class import DriftClass
from reconciler.model.observed import Observed, Present
from reconciler.model.plan import Drift, Unmanaged
from reconciler.model.record import Json, Record, RowEdit, Section, SessionRow, Status
from reconciler.model.snapshot import Pane, TmuxState

from .notes import REGISTERED, TMUX_GONE
from .rows import AUTO

_KEPT = 50  # rows of ended sessions that registered themselves; older ones are removed


_Parts: TypeAlias = tuple[str, str, str]  # workspace, role and agent


class _Names(Struct, frozen=True):
    """The names that an agent's session may have. `roles` and `types` are sorted with the longest words first."""

    archived: Mapping[str, _Parts]
    """The parts of the names that managed rows record."""
    roles: tuple[str, ...]
    types: tuple[str, ...]

    def parts(self, session: str) -> _Parts | None:
        """Split `<workspace>-<role>-<type>` into its parts; None for any other name, which is not ours."""
        if session in self.archived:
            return self.archived[session]
        for kind in self.types:
            for role in self.roles:
                workspace = session.removesuffix(f"-{role}-{kind}")
                if workspace != session and is_name(workspace):
                    return workspace, role, kind
        return None


def unmanaged(
    desired: Desired, record: Record, tmux: Observed[TmuxState], types: Iterable[str]
) -> tuple[Unmanaged, ...]:
    """Live sessions named `<workspace>-<role>-<type>` that no manifest declares and no row manages.

    The role is `creator`, or a declared or recorded one. The type is one of `types`, or a declared or recorded one.
    Sessions with another project's lineage are left out: they belong to that project.
    """
    if not isinstance(tmux, Present):
        return ()
    managed = [row for row in record.sessions.values() if row.managed]
    # A live session with the name of an archived agent was not started by an apply, so it counts as unmanaged.
    recorded = {row.session for row in managed if row.status is not Status.ARCHIVED}
    names = {agent.session for agent in desired.agents.values()} | recorded
    addresses = {str(address) for address in desired.agents} | {str(row.address) for row in managed}
    strangers = (pane for pane in tmux.value.panes if pane.session not in names)
    ours = (pane for pane in strangers if not pane.lineage or pane.lineage == record.lineage)
    left = [pane for pane in ours if not (pane.lineage and pane.address in addresses)]
    return tuple(_unmanaged(left, _names(desired, managed, types))) if left else ()


def _names(desired: Desired, managed: Iterable[SessionRow], types: Iterable[str]) -> _Names:
    """The names to look for. Only `managed` rows count: the names in other rows were guessed in this way, too."""
    known, specs = list(managed), desired.agents.values()
    archived = {row.session: (row.workspace, row.role or DEFAULT_ROLE, row.agent) for row in known}
    roles = {DEFAULT_ROLE, *(spec.role for spec in specs), *(row.role for row in known if row.role)}
    kinds = {*types, *(spec.type for spec in specs), *(row.type for row in known)}
    return _Names(archived, _longest_first(roles), _longest_first(kinds))


def _longest_first(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def _unmanaged(panes: Iterable[Pane], names: _Names) -> Iterator[Unmanaged]:
    seen: set[str] = set()
    for pane in panes:
        parts = None if pane.session in seen else _tagged(pane) or names.parts(pane.session)
        seen.add(pane.session)
        if parts:
            workspace, role, agent = parts
            yield Unmanaged(
                session=pane.session,
                command=pane.command,
                cwd=pane.cwd,
                pid=pane.pid,
                workspace=workspace,
                role=role,
                agent=agent,
            )


def _tagged(pane: Pane) -> _Parts | None:
    """The parts that our tags give for a session, if its name agrees with them; None when it has no tags."""
    _, *names = pane.address.split(".")
    if not pane.lineage or len(names) != 2:
        return None
    workspace, agent = names
    role = session_role(pane.session, workspace, agent)
    return (workspace, role, agent) if role else None


# --- their rows -------------------------------------------------------------------------------


def register_unmanaged(strangers: Iterable[Unmanaged], record: Record, now: str) -> Iterator[Drift]:
    """Class B for unmanaged sessions: a row for every live session that looks like ours and has none.

    Sessions that come and go must not fill the registry: the first drift also removes the oldest rows that hold nothing
    of value.
    """
    removals = _removals(record)
    for each in strangers:
        if each.session in record.sessions:
            continue
        edit = RowEdit(section=Section.SESSIONS, name=each.session, fields=_row(each, now))
        message = f"{each.session}: tmux session found, and not in the registry."
        done = f"{each.session}: tmux found but not in YAML. Auto-registered."
        yield Drift(
            kind=DriftClass.ALIVE,
            session=each.session,
            address=None,
            message=message,
            before=None,
            after="running",
            edits=(edit, *removals),
            path="status",
            done=done,
        )
        removals = ()


def _row(found: Unmanaged, now: str) -> dict[str, Json]:
    return {
        "workspace": found.workspace,
        "agent": found.agent,
        "role": found.role,
        "status": "running",
        "last_visible_status": "running",
        "last_visible_note": REGISTERED,
        "managed": False,
        "pane": {"pid": found.pid, "cmd": found.command, "cwd": found.cwd},
        "created_at": now,
        "updated_at": now,
    }


def _removals(record: Record) -> tuple[RowEdit, ...]:
    """Remove the rows of ended sessions that registered themselves, except the newest `_KEPT`."""
    ended = [row for row in record.sessions.values() if _is_worthless(row, record)]
    ended.sort(key=lambda row: row.terminated_at)
    return tuple(RowEdit(Section.SESSIONS, row.session, remove=True) for row in ended[:-_KEPT])


def _is_worthless(row: SessionRow, record: Record) -> bool:
    """True when the row is as we wrote it, has no conversation, and was never declared, started or protected."""
    if row.managed or row.protect or row.status is not Status.TERMINATED or row.termination_mode != AUTO:
        return False
    if row.note != TMUX_GONE or row.stopped_reason or row.session_id_own or row.started_with is not None:
        return False
    home = record.workspaces.get(row.workspace)
    known = home.identities.get(row.agent) if home else None
    return known is None or not (known.session_id or known.previous)
