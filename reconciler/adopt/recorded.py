"""Turn the rows of a registry into findings, with the live sessions of the agents that run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from reconciler.kinds.agent.rows import rests_by_hand
from reconciler.model.adoption import Findings, FoundAgent, LeftAlone
from reconciler.model.desired import DEFAULT_ROLE, Git, RunState
from reconciler.model.diagnostic import Place
from reconciler.model.record import Record, SessionRow, StartedWith, Status
from reconciler.model.snapshot import Pane

from .names import as_tmux_spells, role_in

SOURCE = "the registry"
_HIDDEN = "hmac-sha256:"  # the registry stores this hash instead of a secret value


class RegistryView(Struct, frozen=True):
    """A registry, its file, and the panes of the tmux server by session name."""

    record: Record
    panes: Mapping[str, Pane]
    place: Place
    occupied: frozenset[str] = frozenset()
    """Names of live sessions that are not imported. They are not in `panes`."""

    def pane_of(self, row: SessionRow) -> Pane | None:
        """The pane of the row's session, if the session is live."""
        return self.panes.get(row.session) or self.panes.get(as_tmux_spells(row.session))

    def name_taken(self, row: SessionRow) -> str:
        """The row's session name, as tmux spells it, if a session that is not imported has it; else empty."""
        return next((name for name in (row.session, as_tmux_spells(row.session)) if name in self.occupied), "")

    def is_ours(self, pane: Pane) -> bool:
        """Whether the session is tagged by this project."""
        return pane.lineage == self.record.lineage != ""


def recorded_agents(seen: RegistryView) -> Findings:
    """All agents in the registry, except undeclared sessions that have ended and sessions of other projects."""
    rows = list(seen.record.sessions.values())
    gone = [row for row in rows if not row.managed and seen.pane_of(row) is None]
    elsewhere = [row for row in rows if row not in gone and _is_of_another_project(row, seen)]
    kept = (row for row in rows if row not in gone and row not in elsewhere)
    return Findings(
        agents=tuple(_agent(row, seen) for row in kept),
        left_alone=(*_ended(gone, seen), *(_of_another_project(row, seen) for row in elsewhere)),
    )


def _agent(row: SessionRow, seen: RegistryView) -> FoundAgent:
    pane, home = seen.pane_of(row), seen.record.workspaces.get(row.workspace)
    started = row.started_with or StartedWith(type="", command=(), args=(), env={}, cwd="")
    recorded = (home.path if home else "", started.cwd, pane.cwd if pane else "", row.pane.cwd if row.pane else "")
    conversation, known_by = _conversation(row, seen.record)
    hidden = [name for name, value in started.env.items() if value.startswith(_HIDDEN)]
    lives = pane is not None and not pane.dead
    return FoundAgent(
        source=SOURCE,
        workspace=row.workspace,
        agent=row.agent,
        type=row.type,
        path=next(filter(None, recorded), ""),
        role=row.role or role_in(row.session, row.workspace, row.agent),
        session=pane.session if pane else row.session,
        live=lives,
        state=RunState.RUNNING if lives else _state(row),
        command=started.command or _command(row, pane),
        args=started.args,
        env={name: value for name, value in started.env.items() if name not in hidden},
        conversation=conversation,
        known_by=known_by,
        row=row.session,
        protect=row.protect,
        depends_on=row.depends_on,
        ignore=("env",) if hidden else (),
        git=Git(home.git_repo, home.git_branch) if home and home.git_repo else None,
        notes=tuple(_notes(row, seen, lives=lives)),
        comments=tuple(map(_secret, hidden)),
        place=seen.place,
    )


def _state(row: SessionRow) -> RunState:
    """The `state` that keeps the agent as it is. An agent that the user stopped by hand stays stopped without it."""
    if row.status is Status.ARCHIVED:
        return RunState.ARCHIVED
    if row.status is Status.STOPPED and not rests_by_hand(row):
        return RunState.STOPPED
    return RunState.RUNNING


def _command(row: SessionRow, pane: Pane | None) -> tuple[str, ...]:
    said = pane.command if pane else row.pane.cmd if row.pane else ""
    return tuple(said.split())


def _conversation(row: SessionRow, record: Record) -> tuple[str, str]:
    """The id of the agent's conversation, and where the registry has it.

    If several rows have one address, each row has the id in the row itself. A row with the default role and no id of
    its own has the workspace's id.
    """
    rows = [each for each in record.sessions.values() if each.address == row.address]
    if len(rows) > 1 and (row.session_id_own or row is not min(rows, key=_is_of_a_role)):
        own = row.session_id_own or ""
        return own, f"recorded in {row.agent}_session_id_own" if own else ""
    known = record.identity(row.address, row).session_id or ""
    home = record.workspaces.get(row.workspace)
    identity = home.identities.get(row.agent) if home else None
    if not known:
        return "", ""
    if identity and identity.session_id == known:
        return known, f"recorded in workspaces.{row.workspace}.agent_identities"
    if row.session_id_own == known:
        return known, f"recorded in {row.agent}_session_id_own"
    return known, "recorded in agent_identities"


def _is_of_a_role(row: SessionRow) -> bool:
    return (row.role or role_in(row.session, row.workspace, row.agent)) != DEFAULT_ROLE


def _notes(row: SessionRow, seen: RegistryView, *, lives: bool) -> Iterator[str]:
    """What `apply` will do with the session in its present state."""
    if lives and row.status is not Status.RUNNING:
        yield f"recorded as {row.status}, but it runs"
    elif not lives and row.status is not Status.ARCHIVED and rests_by_hand(row):
        yield f"{row.status} by hand: it stays {row.status} until `reconciler resume {row.session}`"
    elif lives or row.status not in {Status.RUNNING, Status.TERMINATED}:
        return
    elif name := seen.name_taken(row):
        yield f"another session is called {name} (see below): `apply` refuses until you end or rename that session"
    elif seen.pane_of(row):
        yield "its session is there, but the agent in it has exited: the next `apply` starts it again"
    else:
        yield "its session is gone: the next `apply` starts it again"


def _secret(name: str) -> str:
    return f"the value of {name} is a secret: write `env: {{{name}: {{from_env: {name}}}}}`, then remove `ignore`"


# --- what is left alone -----------------------------------------------------------------------


def _ended(rows: list[SessionRow], seen: RegistryView) -> Iterator[LeftAlone]:
    if rows:
        names = ", ".join(row.session for row in rows[:3]) + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")
        why = "they were undeclared sessions, which have ended" if len(rows) > 1 else _ONE_ENDED
        yield LeftAlone(f"the registry's {'rows' if len(rows) > 1 else 'row'} {names}", why, place=seen.place)


_ONE_ENDED = "it was an undeclared session, which has ended"


def _is_of_another_project(row: SessionRow, seen: RegistryView) -> bool:
    pane = seen.pane_of(row)
    return pane is not None and bool(pane.lineage) and not seen.is_ours(pane)


def _of_another_project(row: SessionRow, seen: RegistryView) -> LeftAlone:
    pane = seen.pane_of(row)
    return foreign(pane) if pane else LeftAlone(f"session {row.session}", "it belongs to another project")


def foreign(pane: Pane) -> LeftAlone:
    """A session with the tags of another project."""
    other = f"the project in {pane.project}" if pane.project else "another project"
    return LeftAlone(
        f"session {pane.session}",
        f"it is tagged {pane.address} by {other}",
        f"adopt it in that project, or end it there: `reconciler delete {pane.address}`",
    )
