"""Which stored files are deleted when the conversations of an agent are purged, and when none may be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from reconciler.agents.launch import with_conversation
from reconciler.agents.profile import Profile
from reconciler.model.moment import from_unix
from reconciler.model.observed import Present, Unknown
from reconciler.model.problem import Problem
from reconciler.model.record import Json, Record
from reconciler.model.snapshot import Snapshot
from reconciler.model.stored import ConversationData, Entry, EntryKind, Part

from .case import Case, Facts

_KEEP = "leave out --purge-conversation: then the agent is deleted and its conversation stays"


def parts_to_delete(case: Case, facts: Facts) -> tuple[Part, ...] | Problem:
    """Everything stored under the ids that the agent has or had; or why nothing of it may be deleted."""
    parts: list[Part] = []
    for conversation, stored in facts.belongings.items():
        others = facts.holders.get(conversation, frozenset()) - {str(case.address)}
        if isinstance(stored, Unknown):
            return Problem(f"cannot tell what is stored of conversation {conversation}", stored.reason, _KEEP)
        if isinstance(stored, Present) and case.profile:
            found = stored.value
            problem = _shared(conversation, others) or _not_alone(conversation, found, case.profile)
            problem = problem or next(filter(None, map(_not_plain, found.parts)), None)
            if problem:
                return problem
            parts += found.parts
    return tuple(parts)


def _shared(conversation: str, others: frozenset[str]) -> Problem | None:
    if not others:
        return None
    summary = f"conversation {conversation} is not this agent's alone"
    return Problem(summary, f"{', '.join(sorted(others))} has or had it", _KEEP)


def _not_alone(conversation: str, found: ConversationData, profile: Profile) -> Problem | None:
    """The problem of a conversation whose files cannot be told apart from other conversations; None without one."""
    if found.database:
        command = " ".join(with_conversation(profile.database.delete_row, conversation))
        summary = f"conversation {conversation} is in a database that all conversations share"
        fix = f"let {profile.name} do it: {command}" if command else _KEEP
        return Problem(summary, found.database, fix)
    if len(found.artifacts) > 1 and not profile.storage.several_files:
        return Problem(f"conversation {conversation} is stored more than once", ", ".join(found.artifacts), _KEEP)
    return None


def _not_plain(part: Part) -> Problem | None:
    """The problem of a part that may not belong to the CLI and the user alone; None without one."""
    link = next((entry for entry in part.entries if entry.kind is EntryKind.LINK), None)
    if link:
        return Problem(f"{link.path} is a symbolic link", "its target may belong to another program", _KEEP)
    if not part.root:
        detail = "it is not in a folder of the agent's CLI, or a symbolic link leads there"
        return Problem(f"{part.path} is not deleted", detail, _KEEP)
    strange = next(filter(_is_strange, part.entries), None)
    if strange:
        detail = "it is another user's" if not strange.mine else "it has a second name, or is not a regular file"
        return Problem(f"{strange.path} is not deleted", detail, _KEEP)
    return None


def _is_strange(entry: Entry) -> bool:
    return not entry.mine or entry.links > 1 or entry.kind is EntryKind.OTHER


def size_and_time(part: Part) -> Mapping[str, Json]:
    """What a plan shows of a part: its path, the bytes of its files, and when one last changed, in UTC."""
    files = [entry for entry in part.entries if entry.kind is EntryKind.FILE]
    used = max((entry.changed for entry in files), default=0)
    moment = from_unix(used) if used else None
    return {"path": part.path, "size": sum(entry.size for entry in files), "last_used": moment}


def stored_paths(facts: Facts) -> tuple[str, ...]:
    """The files and databases that store the conversations that the agent has or had."""
    found = [stored.value for stored in facts.belongings.values() if isinstance(stored, Present)]
    paths = (path for each in found for path in ([each.database] if each.database else each.artifacts))
    return tuple(dict.fromkeys(paths))


def holders(cases: Iterable[Case], record: Record, snapshot: Snapshot) -> Mapping[str, frozenset[str]]:
    """The agents and sessions that have or had each conversation: by the registry, live agents, and session tags."""
    found: dict[str, set[str]] = defaultdict(set)
    for conversation, address in record.conversations():
        found[conversation].add(str(address))
    for case in cases:
        live = snapshot.agents.get(case.address)
        found[live.conversation if live else ""].add(str(case.address))
    for pane in snapshot.tmux.value.panes if isinstance(snapshot.tmux, Present) else ():
        found[pane.conversation].add(pane.address if pane.lineage == record.lineage else pane.session)
    return {conversation: frozenset(names) for conversation, names in found.items() if conversation}
