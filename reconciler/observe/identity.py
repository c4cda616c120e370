"""Which conversation is an agent's, when neither the CLI's notes nor an open file show it.

Three proofs are left, in this order: the note of a hook; the pane's title, if it names exactly one conversation; and
elimination: the only conversation that began since the agent's start, that no agent has, and that no other agent can
have begun. A conversation without proof is not taken, but listed as `unclaimed`: then the agent is not started, since
it might continue in the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os.path import basename

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.storage import is_of
from reconciler.kinds.agent.case import Case, unidentified
from reconciler.model.address import Address
from reconciler.model.moment import unix
from reconciler.model.observed import Present
from reconciler.model.record import Record, SessionRow, Status
from reconciler.model.snapshot import Pane
from reconciler.ports.world import Files

from .agent_view import AgentView
from .stored import FoundConversation, all_stored


class OtherAgents(Struct, frozen=True):
    """What is known of all agents: one of them may have the conversation in question."""

    record: Record
    owners: Mapping[str, Address]
    """The recorded agent of each conversation."""
    panes: tuple[Pane, ...]
    """All live panes."""
    cases: Mapping[Address, Case]
    before: frozenset[Address] = frozenset()
    """The agents before the one in question in a queue of starts; their conversations are known."""


def other_agents(
    record: Record, panes: Iterable[Pane], cases: Mapping[Address, Case], before: frozenset[Address] = frozenset()
) -> OtherAgents:
    """Collect what the registry and tmux know of all agents."""
    return OtherAgents(
        record, dict(record.conversations()), tuple(pane for pane in panes if not pane.dead), cases, before
    )


def identified(view: AgentView, others: OtherAgents, files: Files) -> AgentView:
    """Add the proved conversation of the agent to the view, or else those that may be its own."""
    if view.live.conversation:
        return view
    if view.hook_conversation and _is_free(view.hook_conversation, view, others):
        return replace(view, live=replace(view.live, conversation=view.hook_conversation))
    if not view.profile.launch.mints_id:
        return view
    pane = view.pane
    if pane is not None and not pane.dead:
        proved = _proved(view, pane, others, files)
        if proved:
            return replace(view, live=replace(view.live, conversation=proved))
    began = int(unix(view.case.row.created_at) or 0) if view.case.row else 0
    if not began or not unidentified(view.case):
        return view
    found = _free(view, others, files, began)
    return replace(view, unclaimed=tuple(each.head.id for each in found))


def _proved(view: AgentView, pane: Pane, others: OtherAgents, files: Files) -> str:
    """The conversation of a running agent, if only one is possible; else empty."""
    named = _named(view, pane, files)
    if len(named) == 1:
        return named[0] if _is_free(named[0], view, others) else ""
    if not unidentified(view.case) or _rivals(view, pane, others):
        return ""
    found = _free(view, others, files, pane.created)
    fitting = [each for each in found if view.profile.binding.names(pane.title, each.head) is not False]
    return fitting[0].head.id if len(fitting) == 1 else ""


def _named(view: AgentView, pane: Pane, files: Files) -> list[str]:
    """The conversations of the folder that the pane's title names."""
    if not view.profile.binding.titles_name:
        return []
    found = (each for each in all_stored(view.profile, view.subject, files) if isinstance(each, FoundConversation))
    return [each.head.id for each in found if view.profile.binding.names(pane.title, each.head)]


def _free(view: AgentView, others: OtherAgents, files: Files, since: int) -> list[FoundConversation]:
    """The folder's conversations that no agent has and that began since then.

    Where the beginning is not stored, the time of the last use counts.
    """
    found = (
        each for each in all_stored(view.profile, view.subject, files, since) if isinstance(each, FoundConversation)
    )
    return [
        each
        for each in found
        if is_of(each.head, view.subject.cwd)
        and (each.head.started or each.last_used) >= since
        and _is_free(each.head.id, view, others)
    ]


def _is_free(conversation: str, view: AgentView, others: OtherAgents) -> bool:
    return others.owners.get(conversation, view.case.address) == view.case.address


# --- other agents that may have begun the conversation ----------------------------------------


def _rivals(view: AgentView, pane: Pane, others: OtherAgents) -> bool:
    """True when another agent of this CLI, ours or not, was in the folder while this one ran.

    The agents in `before` do not count: their conversations are known, and only a user at their terminal could have
    begun another one since.
    """
    return any(_is_rival_pane(each, view, pane, others) for each in others.panes) or any(
        _is_rival_row(row, view, pane.created, others) for row in others.record.sessions.values()
    )


def _is_rival_pane(other: Pane, view: AgentView, own: Pane, others: OtherAgents) -> bool:
    if other.pane_id == own.pane_id or other.cwd != own.cwd:
        return False
    case = next((case for case in others.cases.values() if _has(case, other)), None)
    if case is not None and case.profile is not None:
        return case.profile.name == view.profile.name and (other.attached or case.address not in others.before)
    # Many CLIs show as `node`, so the same command is enough to count as a rival.
    return other.command in {own.command, basename(view.profile.launch.command[0])}


def _has(case: Case, pane: Pane) -> bool:
    """Whether the pane is the agent's, or becomes it."""
    own = case.pane_to_import or (case.pane.value if isinstance(case.pane, Present) else None)
    return own is not None and own.pane_id == pane.pane_id


def _is_rival_row(row: SessionRow, view: AgentView, since: int, others: OtherAgents) -> bool:
    own = view.case.address
    if row.type != view.profile.name or row.address == own or not _same_folder(row, view.case, others.record):
        return False
    if row.address in others.before:
        return False
    return row.status is Status.RUNNING or int(unix(row.terminated_at) or 0) >= since


def _same_folder(row: SessionRow, case: Case, record: Record) -> bool:
    """Whether both agents work in one folder, as far as that is recorded; else, in one workspace."""
    own, started = case.address, case.row.started_with if case.row else None
    if started and row.started_with:
        return started.cwd == row.started_with.cwd
    here, there = record.workspaces.get(own.workspace), record.workspaces.get(row.workspace)
    return row.workspace == own.workspace or (here is not None and there is not None and here.path == there.path)
