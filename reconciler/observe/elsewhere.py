"""Processes outside an agent's session that have its conversation: its own that lived on, or somebody else's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.kinds.agent.conversation import next_conversation
from reconciler.model.address import Address
from reconciler.model.observed import Absent, Present
from reconciler.ports.world import World

from .live import is_about, notes_at
from .sight import Sight


def users_elsewhere(sights: Iterable[Sight], world: World) -> dict[Address, int]:
    """The pid of a living process that has the conversation of an agent that does not run."""
    resting = [sight for sight in sights if sight.pane is None or sight.pane.dead]
    openers = _openers(resting, world)
    found = {sight.case.address: _user(sight, openers.get(sight.case.address, ()), world) for sight in resting}
    return {address: pid for address, pid in found.items() if pid}


def _user(sight: Sight, openers: Iterable[int], world: World) -> int:
    return _orphan(sight, world) or next(_noted(sight, world), 0) or next(iter(openers), 0)


def _orphan(sight: Sight, world: World) -> int:
    """The recorded process, when it is still that very process although its session is gone."""
    recorded = sight.case.row.pane if sight.case.row else None
    if recorded is None or not recorded.started or not isinstance(sight.case.pane, Absent):
        return 0
    lives = world.processes.started(recorded.pid) == Present(recorded.started)
    return recorded.pid if lives else 0


def _noted(sight: Sight, world: World) -> Iterator[int]:
    """By the CLI's own notes, in which only living processes count."""
    wanted = next_conversation(sight.case, sight.talks)
    patterns = sight.profile.users(sight.subject, wanted) if wanted else ()
    for noted in notes_at(patterns, sight.profile, world.files):
        pid = noted.note.pid
        if pid and noted.note.agent.conversation == wanted and is_about(noted, pid, world.processes):
            yield pid


def _openers(sights: Iterable[Sight], world: World) -> Mapping[Address, tuple[int, ...]]:
    """By the stored files that a process has open: one look at all processes for all agents."""
    paths = {path: sight.case.address for sight in sights for path in _proofs(sight, world)}
    holders = world.processes.holders(paths) if paths else {}
    return {paths[path]: pids for path, pids in holders.items()}


def _proofs(sight: Sight, world: World) -> Iterator[str]:
    wanted = next_conversation(sight.case, sight.talks)
    if not wanted or not sight.profile.proves_by_files:
        return
    for pattern in sight.profile.artifacts(sight.subject, wanted):
        found = world.files.find(pattern)
        yield from found.value if isinstance(found, Present) else ()
