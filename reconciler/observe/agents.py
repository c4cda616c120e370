"""What single agents are up to, and what is stored of their conversations."""

from __future__ import annotations

import os.path
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.kinds.agent.case import Case
from reconciler.kinds.agent.conversation import next_conversation
from reconciler.kinds.agent.spec import visible_env
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.snapshot import Artifact, Pane, Snapshot
from reconciler.ports.world import Files, World

from .agent_view import AgentView, Caller
from .cache import ObservationCache
from .elsewhere import users_elsewhere
from .hook_conversation import conversation_by_hook
from .identity import OtherAgents, identified
from .live import live_agent, own_word, with_screen
from .missing_stores import stores_away
from .moved import moved_conversations, versions
from .occupants import occupants
from .stored import FoundConversation, all_stored, artifact
from .visibility import unseen_locks

_SETTINGS_LIMIT = 64 << 20
_Listen: TypeAlias = Callable[[Pane, Profile, AgentEnvironment, World], LiveAgent]


def with_facts(
    snapshot: Snapshot, asked: Iterable[Case], others: OtherAgents, world: World, caller: Caller
) -> Snapshot:
    """The snapshot with what had to be looked up about the agents that are asked for."""
    views = (_sight(case, snapshot, world, caller, live_agent) for case in asked)
    seen = [identified(view, others, world.files) for view in views if view]
    looked = replace(
        snapshot,
        agents={view.case.address: view.talks for view in seen},
        artifacts={view.case.address: _artifact(view, world.files) for view in seen},
        executables={view.case.address: _executable(view, world) for view in seen},
        unclaimed={view.case.address: view.unclaimed for view in seen if view.unclaimed},
        deleted_at_start={view.case.address: paths for view in seen if (paths := _doomed(view, world.files))},
        untrusted={view.case.address: found for view in seen if (found := _untrusted(view, world.files))},
        elsewhere=users_elsewhere(seen, world),
        unsupported=(*snapshot.unsupported, *unseen_locks(seen, world.processes)),
    )
    looked = replace(looked, occupants=occupants(seen, snapshot, world, caller))
    looked = replace(looked, missing_stores=stores_away(seen, looked, world.files))
    looked = replace(looked, moved=moved_conversations(seen, looked, world.files))
    return replace(looked, versions=versions(seen, looked, world)) if looked.moved else looked


def with_questions(snapshot: Snapshot, cases: Iterable[Case], world: World) -> Snapshot:
    """The snapshot with the questions on the screens of those that say they are idle: for what is to be interrupted."""
    agents = dict(snapshot.agents)
    for case in cases:
        own = agents.get(case.address, LiveAgent())
        if own.activity is Activity.IDLE and isinstance(case.pane, Present) and case.profile:
            agents[case.address] = with_screen(own, case.pane.value, case.profile, world)
    return replace(snapshot, agents=agents)


def with_words(
    snapshot: Snapshot, asked: Iterable[Case], others: OtherAgents, recall: ObservationCache, caller: Caller
) -> Snapshot:
    """The snapshot with what the CLIs of living agents say and have stored; no screen is read.

    What was looked up before is not looked up again while `recall` knows that it is so.
    """
    views = (_recalled(case, snapshot, recall, caller) for case in asked)
    seen = [identified(view, others, recall.world.files) for view in views if view]
    return replace(
        snapshot,
        agents={view.case.address: view.talks for view in seen},
        artifacts={view.case.address: _recalled_artifact(view, recall) for view in seen},
        unsupported=(*snapshot.unsupported, *unseen_locks(seen, recall.world.processes)),
    )


def _recalled(case: Case, snapshot: Snapshot, recall: ObservationCache, caller: Caller) -> AgentView | None:
    return recall.found(("view", case.address), case, lambda world: _sight(case, snapshot, world, caller, _heard))


def _recalled_artifact(view: AgentView, recall: ObservationCache) -> Observed[Artifact]:
    profile, subject, wanted = view.profile, view.subject, next_conversation(view.case, view.talks)
    given = (profile, subject, wanted)
    key = ("artifact", view.case.address)
    return recall.found(key, given, lambda world: artifact(wanted, profile, subject, world.files))


def _heard(pane: Pane, profile: Profile, subject: AgentEnvironment, world: World) -> LiveAgent:
    return LiveAgent() if pane.dead else own_word(pane, profile, subject, world)


def _sight(case: Case, snapshot: Snapshot, world: World, caller: Caller, listen: _Listen) -> AgentView | None:
    profile = case.profile
    if profile is None or isinstance(case.pane, Unknown):
        return None
    subject = subject_of(case, snapshot, world.files, caller)
    pane = case.adoptee or (case.pane.value if isinstance(case.pane, Present) else None)
    talks = listen(pane, profile, subject, world) if pane else LiveAgent()
    view = AgentView(case=case, profile=profile, subject=subject, pane=pane, talks=talks)
    return replace(view, told=conversation_by_hook(view, snapshot.tmux, world, caller))


def subject_of(case: Case, snapshot: Snapshot, files: Files, caller: Caller) -> AgentEnvironment:
    """The agent as its profile wants to know it: its real folder, and its environment over the caller's."""
    folder = _folder(case)
    cwd = files.real(folder) if folder else ""
    own = visible_env(case.spec, case.row, snapshot.secrets)
    env = {**caller.env, **own}
    return AgentEnvironment(cwd, env.get("HOME") or caller.home, env)


def _folder(case: Case) -> str:
    """Where the agent was started; for one that we did not start, where it works, as far as that is known."""
    started_with = case.wanted or (case.row.started_with if case.row else None)
    if started_with:
        return started_with.cwd
    if isinstance(case.pane, Present):
        return case.pane.value.cwd
    return case.row.pane.cwd if case.row and case.row.pane else ""


def _artifact(view: AgentView, files: Files) -> Observed[Artifact]:
    """Some CLIs sort what they store by the folder: after a move it is where the agent was before."""
    wanted, row = next_conversation(view.case, view.talks), view.case.row
    found = artifact(wanted, view.profile, view.subject, files)
    before = row.started_with.cwd if row and row.started_with else ""
    if not isinstance(found, Absent) or before in {"", view.subject.cwd} or not view.profile.storage.follows_is_known:
        return found
    return artifact(wanted, view.profile, replace(view.subject, cwd=files.real(before)), files)


def _doomed(view: AgentView, files: Files) -> tuple[str, ...]:
    """What the CLI's next start in the folder deletes: all but the last file of each conversation in several."""
    if not view.profile.storage.fragile_resume:
        return ()
    files_of: dict[str, list[str]] = defaultdict(list)
    for found in all_stored(view.profile, view.subject, files):
        if isinstance(found, FoundConversation):
            files_of[found.head.id].append(found.path)
    return tuple(path for paths in files_of.values() for path in sorted(paths)[:-1])


def _untrusted(view: AgentView, files: Files) -> tuple[str, str] | None:
    """The CLI's settings that do not trust the folder although the user does."""
    path = view.profile.trust.file(view.subject) if view.case.spec and view.case.spec.trust else ""
    content = files.read(path, _SETTINGS_LIMIT) if path else ABSENT
    if not path or isinstance(content, Unknown):
        return None
    before = content.value if isinstance(content, Present) else b""
    try:
        after = view.profile.trust.with_folder(before, view.subject.cwd)
    except ValueError:  # not settings as we know them: the CLI will ask
        return None
    return (path, view.subject.cwd) if after != before else None


def _executable(view: AgentView, world: World) -> Observed[str]:
    """As the agent will find it: what is no absolute path begins in its folder, which may not be there yet."""
    command, path, cwd = view.profile.launch.command[0], view.subject.env.get("PATH", ""), view.subject.cwd
    searched = [command] if os.sep in command else list(filter(None, path.split(os.pathsep)))
    if all(map(os.path.isabs, searched)) or not cwd:
        return world.processes.find(command, path)
    within = os.pathsep.join(os.path.normpath(os.path.join(cwd, each)) for each in searched)
    found = world.processes.find(within, "") if os.sep in command else world.processes.find(command, within)
    if isinstance(found, Absent) and not isinstance(world.files.folder(cwd), Present):
        return Unknown(f"{cwd} is not there yet")
    return found
