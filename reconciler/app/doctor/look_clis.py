"""Look at the agent CLIs: where they are installed, their versions, and whether their settings have our hooks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from msgspec import Struct

from reconciler.agents.catalogue import BUILT_IN, catalogue
from reconciler.agents.hooks import HookScope
from reconciler.agents.profile import Profile
from reconciler.app.jobs.hooks import HookTarget, installed, settings_path
from reconciler.app.jobs.records import records_of
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import Project
from reconciler.app.project.versions import version_of
from reconciler.jobs.record import Records
from reconciler.model.desired import Agent, Desired
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.snapshot import Snapshot
from reconciler.ports.login_shell import login_path

from .attempts import at_once, attempt, flattened
from .facts import CliFacts, ClisFacts, HookFacts


class _SearchPaths(Struct, frozen=True):
    """The search paths of this command, of the tmux server, and of a login shell."""

    here: str
    server: Observed[str]
    login: Observed[str]


def look_at_clis(at: Project, desired: Desired, snapshot: Observed[Snapshot], server_path: Observed[str]) -> ClisFacts:
    """Every agent type that is built in, declared or in use."""
    search = _SearchPaths(at.env.get("PATH", ""), server_path, login_path(at.env))
    types = catalogue(desired.agent_types.values())
    names = sorted({*types, *(agent.type for agent in desired.agents.values())})
    loaded = {name: attempt(partial(types.__getitem__, name)) for name in names}
    profiles = {name: found.value for name, found in loaded.items() if isinstance(found, Present)}
    look = partial(_cli, at, search=search, desired=desired, snapshot=snapshot)
    return ClisFacts(
        found=tuple(at_once(look, profiles.values())),
        path=search.here,
        server_path=search.server,
        login_path=search.login,
        broken=tuple(found.reason for found in loaded.values() if isinstance(found, Unknown)),
    )


def _cli(
    at: Project, profile: Profile, *, search: _SearchPaths, desired: Desired, snapshot: Observed[Snapshot]
) -> CliFacts:
    agents = [agent for agent in desired.agents.values() if agent.type == profile.name]
    command = profile.launch.command[0]
    program = at.processes.find(command, search.here)
    return CliFacts(
        profile=profile,
        agents=tuple(str(agent.address) for agent in agents),
        program=program,
        version=_version(at, profile, program),
        by_server=_found_with(at, command, search.server),
        by_login=_found_with(at, command, search.login),
        without=tuple(_without(agents, program, snapshot)),
        hooks=tuple(_hooks(at, profile, agents)) if isinstance(program, Present) else (),
        reviewing=tuple(_reviewing(profile, agents, snapshot)),
    )


def _version(at: Project, profile: Profile, program: Observed[str]) -> Observed[str]:
    """The version of a built-in CLI, or of one with declared versions; other programs might do anything."""
    is_known = profile.name in BUILT_IN or bool(profile.tested)
    if not is_known or not profile.keeps_conversations or not isinstance(program, Present):
        return ABSENT
    return flattened(attempt(partial(version_of, at, program.value, at.env)))


def _found_with(at: Project, command: str, path: Observed[str]) -> Observed[str] | None:
    return at.processes.find(command, path.value) if isinstance(path, Present) else None


def _without(agents: Sequence[Agent], program: Observed[str], snapshot: Observed[Snapshot]) -> Iterator[str]:
    """The agents that would not find the program. Each agent may have its own PATH."""
    own = snapshot.value.executables if isinstance(snapshot, Present) else None
    for agent in agents:
        if isinstance(own.get(agent.address, program) if own else program, Absent):
            yield str(agent.address)


def _hooks(at: Project, profile: Profile, agents: Sequence[Agent]) -> Iterator[HookFacts]:
    """Our hooks in the user's settings, and in the settings of each folder in which an agent of this type starts."""
    if profile.hooks is None:
        return
    records = records_of(at, JOB_RECORDS)
    folders = dict.fromkeys(os.path.realpath(agent.cwd) for agent in agents)
    yield _hook(at, records, HookTarget(profile.name, HookScope.USER, at.root))
    for folder in folders:
        yield _hook(at, records, HookTarget(profile.name, HookScope.PROJECT, folder))


def _hook(at: Project, records: Records, target: HookTarget) -> HookFacts:
    state = attempt(partial(installed, at, records, target))
    return HookFacts(settings_path(at, records, target), target.scope.value, target.folder, state)


def _reviewing(profile: Profile, agents: Sequence[Agent], snapshot: Observed[Snapshot]) -> Iterator[str]:
    review = profile.hooks.review if profile.hooks else ""
    if not review or not isinstance(snapshot, Present):
        return
    for agent in agents:
        live = snapshot.value.agents.get(agent.address)
        if live and live.dialog == review:
            yield str(agent.address)
