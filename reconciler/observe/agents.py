"""What single agents are up to, and what is stored of their conversations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.agents.profile import Subject
from reconciler.kinds.agent.case import Case
from reconciler.kinds.agent.conversation import next_conversation
from reconciler.kinds.agent.spec import visible_env
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.snapshot import Artifact, LiveAgent, Snapshot
from reconciler.ports.world import Files, World

from .elsewhere import users_elsewhere
from .identity import Around, identified
from .live import live_agent
from .sight import Caller, Sight
from .stored import Found, all_stored, artifact
from .told import told_conversation

_SETTINGS_LIMIT = 64 << 20


def with_facts(snapshot: Snapshot, asked: Iterable[Case], others: Around, world: World, caller: Caller) -> Snapshot:
    """The snapshot with what had to be looked up about the agents that are asked for."""
    seen = [identified(sight, others, world.files) for sight in _sights(snapshot, asked, world, caller)]
    return replace(
        snapshot,
        agents={sight.case.address: sight.talks for sight in seen},
        artifacts={sight.case.address: _artifact(sight, world.files) for sight in seen},
        executables={sight.case.address: _executable(sight, world) for sight in seen},
        unclaimed={sight.case.address: sight.unclaimed for sight in seen if sight.unclaimed},
        doomed={sight.case.address: paths for sight in seen if (paths := _doomed(sight, world.files))},
        untrusted={sight.case.address: found for sight in seen if (found := _untrusted(sight, world.files))},
        elsewhere=users_elsewhere(seen, world),
    )


def _sights(snapshot: Snapshot, asked: Iterable[Case], world: World, caller: Caller) -> Iterator[Sight]:
    for case in asked:
        profile = case.profile
        if profile is None or isinstance(case.pane, Unknown):
            continue
        subject = subject_of(case, snapshot, world.files, caller)
        pane = case.adoptee or (case.pane.value if isinstance(case.pane, Present) else None)
        talks = live_agent(pane, profile, subject, world) if pane else LiveAgent()
        sight = Sight(case, profile, subject, pane, talks)
        yield replace(sight, told=told_conversation(sight, snapshot.tmux, world, caller))


def subject_of(case: Case, snapshot: Snapshot, files: Files, caller: Caller) -> Subject:
    """The agent as its profile wants to know it: its real folder, and its environment over the caller's."""
    started_with = case.wanted or (case.row.started_with if case.row else None)
    cwd = files.real(started_with.cwd) if started_with else ""
    own = visible_env(case.spec, case.row, snapshot.secrets)
    env = {**caller.env, **own}
    return Subject(cwd, env.get("HOME") or caller.home, env)


def _artifact(sight: Sight, files: Files) -> Observed[Artifact]:
    return artifact(next_conversation(sight.case, sight.talks), sight.profile, sight.subject, files)


def _doomed(sight: Sight, files: Files) -> tuple[str, ...]:
    """What the CLI's next start in the folder deletes: all but the last file of each conversation in several."""
    if not sight.profile.fragile_resume:
        return ()
    files_of: dict[str, list[str]] = defaultdict(list)
    for found in all_stored(sight.profile, sight.subject, files):
        if isinstance(found, Found):
            files_of[found.head.id].append(found.path)
    return tuple(path for paths in files_of.values() for path in sorted(paths)[:-1])


def _untrusted(sight: Sight, files: Files) -> tuple[str, str] | None:
    """The CLI's settings that do not trust the folder although the user does."""
    path = sight.profile.trust_file(sight.subject) if sight.case.spec and sight.case.spec.trust else ""
    content = files.read(path, _SETTINGS_LIMIT) if path else ABSENT
    if not path or isinstance(content, Unknown):
        return None
    before = content.value if isinstance(content, Present) else b""
    try:
        after = sight.profile.with_trust(before, sight.subject.cwd)
    except ValueError:  # not settings as we know them: the CLI will ask
        return None
    return (path, sight.subject.cwd) if after != before else None


def _executable(sight: Sight, world: World) -> Observed[str]:
    return world.processes.find(sight.profile.command[0], sight.subject.env.get("PATH", ""))
