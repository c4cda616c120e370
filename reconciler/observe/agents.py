"""Look closely at single agents: what they do, and what is stored of their conversations.

`with_facts` looks up all that a plan needs. `with_reports` is for the monitor: it reads no screens and uses a cache.
"""

from __future__ import annotations

import os.path
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeAlias

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.agents.wrapper import assigned, hidden
from reconciler.kinds.agent.case import Case
from reconciler.kinds.agent.conversation import next_conversation
from reconciler.kinds.agent.spec import visible_env
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.hidden import Hidden
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.record import SessionRow
from reconciler.model.snapshot import Artifact, Folder, Pane, Snapshot
from reconciler.ports.world import Files, World

from .agent_view import AgentView, Caller
from .cache import ObservationCache
from .elsewhere import users_elsewhere
from .hook_conversation import conversation_by_hook
from .identity import OtherAgents, identified
from .live import live_agent, reported_state, with_screen
from .missing_stores import find_missing_stores
from .moved import moved_conversations, versions
from .occupants import occupants
from .stored import FoundConversation, all_stored, artifact
from .visibility import unseen_locks

_SETTINGS_LIMIT = 64 << 20  # bytes
_ReadAgent: TypeAlias = Callable[[Pane, Profile, AgentEnvironment, World], LiveAgent]


def with_facts(
    snapshot: Snapshot, asked: Iterable[Case], others: OtherAgents, world: World, caller: Caller
) -> Snapshot:
    """Add to the snapshot all that a decision about these agents needs."""
    asked = list(asked)
    placed = replace(snapshot, real={**snapshot.real, **_real_folders(asked, world.files)})
    candidates = (_view(case, placed, world, caller, live_agent) for case in asked)
    views = [identified(view, others, world.files) for view in candidates if view]
    find = cache(world.processes.find)  # many agents have the same program
    full = replace(
        snapshot,
        agents={view.case.address: view.live for view in views},
        artifacts={view.case.address: _artifact(view, world.files) for view in views},
        executables={view.case.address: _executable(view, find, world.files) for view in views},
        unclaimed={view.case.address: view.unclaimed for view in views if view.unclaimed},
        deleted_by_start={v.case.address: paths for v in views if (paths := _deleted_by_start(v, world.files))},
        untrusted={view.case.address: found for view in views if (found := _untrusted(view, world.files))},
        hidden={view.case.address: hides for view in views if (hides := _hidden(view))},
        absent={v.case.address: missing for v in views if (missing := _absent(v, world.files))},
        wrappers={v.case.address: _wrapper(v, find, world.files) for v in views if v.profile.launch.wrap},
        elsewhere=users_elsewhere(views, world),
        visibility_warnings=(*snapshot.visibility_warnings, *unseen_locks(views, world.processes)),
    )
    full = replace(full, occupants=occupants(views, snapshot, world, caller))
    full = replace(full, missing_stores=find_missing_stores(views, full, world.files))
    full = replace(full, moved=moved_conversations(views, full, world.files))
    return replace(full, versions=versions(views, full, world)) if full.moved else full


def with_questions(snapshot: Snapshot, cases: Iterable[Case], world: World) -> Snapshot:
    """Check the screens of agents that report to be idle: some CLIs do so while they ask the user something."""
    agents = dict(snapshot.agents)
    for case in cases:
        own = agents.get(case.address, LiveAgent())
        if own.activity is Activity.IDLE and isinstance(case.pane, Present) and case.profile:
            agents[case.address] = with_screen(own, case.pane.value, case.profile, world)
    return replace(snapshot, agents=agents)


def with_reports(
    snapshot: Snapshot, asked: Iterable[Case], others: OtherAgents, recall: ObservationCache, caller: Caller
) -> Snapshot:
    """Add to the snapshot what the CLIs of these agents report and have stored. No screen is read.

    Nothing is looked up again while the cache shows that it has not changed.
    """
    candidates = (_cached_view(case, snapshot, recall, caller) for case in asked)
    views = [identified(view, others, recall.world.files) for view in candidates if view]
    return replace(
        snapshot,
        agents={view.case.address: view.live for view in views},
        artifacts={view.case.address: _cached_artifact(view, recall) for view in views},
        visibility_warnings=(*snapshot.visibility_warnings, *unseen_locks(views, recall.world.processes)),
    )


def _cached_view(case: Case, snapshot: Snapshot, recall: ObservationCache, caller: Caller) -> AgentView | None:
    return recall.found(("view", case.address), case, lambda world: _view(case, snapshot, world, caller, _report))


def _cached_artifact(view: AgentView, recall: ObservationCache) -> Observed[Artifact]:
    profile, subject, wanted = view.profile, view.subject, next_conversation(view.case, view.live)
    given = (profile, subject, wanted)
    key = ("artifact", view.case.address)
    return recall.found(key, given, lambda world: artifact(wanted, profile, subject, world.files))


def _report(pane: Pane, profile: Profile, subject: AgentEnvironment, world: World) -> LiveAgent:
    return LiveAgent() if pane.dead else reported_state(pane, profile, subject, world)


def _view(case: Case, snapshot: Snapshot, world: World, caller: Caller, read: _ReadAgent) -> AgentView | None:
    profile = case.profile
    if profile is None or isinstance(case.pane, Unknown):
        return None
    subject = subject_of(case, snapshot, world.files, caller)
    pane = case.pane_to_import or (case.pane.value if isinstance(case.pane, Present) else None)
    live = read(pane, profile, subject, world) if pane else LiveAgent()
    view = AgentView(case=case, profile=profile, subject=subject, pane=pane, live=live)
    return replace(view, hook_conversation=conversation_by_hook(view, snapshot.tmux, world, caller))


def subject_of(case: Case, snapshot: Snapshot, files: Files, caller: Caller) -> AgentEnvironment:
    """The agent as its profile needs it: its real folder, and the caller's environment with the agent's variables."""
    folder = _folder(case)
    cwd = snapshot.real.get(folder) or files.real(folder) if folder else ""
    own = visible_env(case.spec, case.row, snapshot.secrets)
    env = {**caller.env, **own}
    if path := case.spec.path if case.spec else _recorded_path(case.row):
        env["PATH"] = os.pathsep.join((*path, *filter(None, [env.get("PATH", "")])))
    if case.profile and case.profile.launch.wrap:
        env |= assigned(case.profile.launch.wrap)
    return AgentEnvironment(cwd, env.get("HOME") or caller.home, env)


def _recorded_path(row: SessionRow | None) -> tuple[str, ...]:
    return row.started_with.path if row and row.started_with else ()


def _real_folders(asked: Iterable[Case], files: Files) -> dict[str, str]:
    """The real path of each folder that an agent is or was started in; many agents share one."""
    return {folder: files.real(folder) for folder in {_folder(case) for case in asked} if folder}


def _folder(case: Case) -> str:
    """The folder that the agent is or was started in; else, for an imported agent, the folder that it works in."""
    started_with = case.wanted or (case.row.started_with if case.row else None)
    if started_with:
        return started_with.cwd
    if isinstance(case.pane, Present):
        return case.pane.value.cwd
    return case.row.pane.cwd if case.row and case.row.pane else ""


def _artifact(view: AgentView, files: Files) -> Observed[Artifact]:
    """Find the stored conversation. Some CLIs sort by folder, so after a move it is under the agent's old folder."""
    wanted, row = next_conversation(view.case, view.live), view.case.row
    found = artifact(wanted, view.profile, view.subject, files)
    before = row.started_with.cwd if row and row.started_with else ""
    if not isinstance(found, Absent) or before in {"", view.subject.cwd} or not view.profile.storage.follows_is_known:
        return found
    return artifact(wanted, view.profile, replace(view.subject, cwd=files.real(before)), files)


def _deleted_by_start(view: AgentView, files: Files) -> tuple[str, ...]:
    """The files that the CLI would delete at its next start: of a conversation in several files, all but the last."""
    if not view.profile.storage.fragile_resume:
        return ()
    files_of: dict[str, list[str]] = defaultdict(list)
    for found in all_stored(view.profile, view.subject, files):
        if isinstance(found, FoundConversation):
            files_of[found.head.id].append(found.path)
    return tuple(path for paths in files_of.values() for path in sorted(paths)[:-1])


def _untrusted(view: AgentView, files: Files) -> tuple[str, str] | None:
    """The CLI's settings file and the folder, if the manifest trusts the folder and the settings do not."""
    hides = _hidden(view)
    asked = view.case.spec is not None and view.case.spec.trust and not (hides and hides.store)
    path = view.profile.trust.file(view.subject) if asked else ""
    content = files.read(path, _SETTINGS_LIMIT) if path else ABSENT
    if not path or isinstance(content, Unknown):
        return None
    before = content.value if isinstance(content, Present) else b""
    try:
        after = view.profile.trust.with_folder(before, view.subject.cwd)
    except ValueError:  # not settings in the form that we know: the CLI will ask the user
        return None
    return (path, view.subject.cwd) if after != before else None


def _executable(view: AgentView, find: Callable[[str, str], Observed[str]], files: Files) -> Observed[str]:
    """Find the agent's program as the agent will: relative paths begin in its folder, which may not exist yet."""
    hides = _hidden(view)
    if hides and hides.search:
        return Unknown(f"{hides.by} looks for it")
    return _program(view.profile.launch.command[0], view, find, files)


def _wrapper(view: AgentView, find: Callable[[str, str], Observed[str]], files: Files) -> Observed[str]:
    """Find the wrapper's program in the same way."""
    return _program(view.profile.launch.wrap[0], view, find, files)


def _hidden(view: AgentView) -> Hidden | None:
    """What the agent's wrapper hides."""
    if not view.profile.launch.wrap:
        return None
    spec, row = view.case.spec, view.case.row
    told = [var.name for var in spec.env] if spec else row.started_with.env if row and row.started_with else ()
    return hidden(view.profile, view.subject, told)


def _absent(view: AgentView, files: Files) -> frozenset[str]:
    """The folders of its `cwd` and `path` that are not there; `cwd` only if it is not the workspace's folder."""
    spec = view.case.spec
    if spec is None:
        return frozenset()
    asked = (*spec.path, *([spec.cwd] if spec.workspace_path else []))
    return frozenset(path for path in asked if not _is_there(files.folder(path)))


def _is_there(found: Observed[Folder]) -> bool:
    """False only for a path at which there is no folder."""
    return isinstance(found, Unknown) or (isinstance(found, Present) and found.value.is_folder)


def _program(command: str, view: AgentView, find: Callable[[str, str], Observed[str]], files: Files) -> Observed[str]:
    path, cwd = view.subject.env.get("PATH", ""), view.subject.cwd
    searched = [command] if os.sep in command else list(filter(None, path.split(os.pathsep)))
    if all(map(os.path.isabs, searched)) or not cwd:
        return find(command, path)
    within = os.pathsep.join(os.path.normpath(os.path.join(cwd, each)) for each in searched)
    found = find(within, "") if os.sep in command else find(command, within)
    if isinstance(found, Absent) and not isinstance(files.folder(cwd), Present):
        return Unknown(f"{cwd} does not exist yet")
    return found
