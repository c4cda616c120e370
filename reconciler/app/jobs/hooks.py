"""Add hooks to the settings of agent CLIs, remove them, and report what a hook was told.

Every hook loads this file while its agent waits, so nothing here looks at the agents.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.agents.catalogue import catalogue
from reconciler.agents.hooks import HookScope
from reconciler.agents.jsonl import parsed
from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.app.jobs.records import records_in
from reconciler.jobs import hooks
from reconciler.jobs.hook_notes import HookLocation, write_note
from reconciler.jobs.record import Records
from reconciler.jobs.report import HookInput, report
from reconciler.model.desired import Socket
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.observed import Present
from reconciler.observe.visibility import unseen_processes
from reconciler.ports.processes import RealProcesses
from reconciler.ports.tmux import RealTmux

if TYPE_CHECKING:
    from reconciler.app.project.project import Project


class HookTarget(Struct, frozen=True):
    """The CLI whose settings get the hooks, and the project folder they are for; user-wide hooks ignore the folder."""

    cli: str
    scope: HookScope
    folder: str


class HooksChange(Struct, frozen=True):
    """The settings file, whether it was changed, and what the user has to know about it."""

    path: str
    changed: bool
    notice: str = ""
    unseen: tuple[Diagnostic, ...] = ()  # checks that this system does not allow


def install(at: Project, records: Records, target: HookTarget) -> HooksChange:
    """Add the hooks that report to these job records; everything else in the settings stays.

    Raises:
        UsageError: reconciler knows no hooks of this CLI.
        ReconcilerError: The settings cannot be used.
    """
    wiring = _wiring(at, records, target)
    changed = hooks.install(wiring, at.files)
    return HooksChange(wiring.path, changed, wiring.hooks.notice if changed else "", unseen_processes(at.processes))


def uninstall(at: Project, records: Records, target: HookTarget) -> HooksChange:
    """Remove the hooks; raises as `install`."""
    wiring = _wiring(at, records, target)
    return HooksChange(wiring.path, hooks.uninstall(wiring, at.files))


def installed(at: Project, records: Records, target: HookTarget) -> hooks.HooksState:
    """What the settings have of the hooks that `install` would add; raises as `install`."""
    return hooks.hooks_state(_wiring(at, records, target), at.files)


def settings_path(at: Project, records: Records, target: HookTarget) -> str:
    """The settings file that `install` would edit; raises as `install`."""
    return _wiring(at, records, target).path


def _wiring(at: Project, records: Records, target: HookTarget) -> hooks.HookInstallation:
    subject = AgentEnvironment(target.folder, at.home, at.env)
    return hooks.wiring(profile_of(target.cli), target.scope, subject, records.folder)


def profile_of(cli: str) -> Profile:
    """The profile of a CLI. Raises UsageError if it has no hooks."""
    known = catalogue(())
    if cli in known and known[cli].hooks:
        return known[cli]
    able = sorted(name for name in known if known[name].hooks)
    raise UsageError(f"{cli} has no hooks", fix=f"CLIs with hooks: {', '.join(able)}")


def report_event(profile: Profile, content: bytes, registry_dir: str, env: Mapping[str, str]) -> None:
    """Report the input of a hook to the job it belongs to."""
    if profile.hooks is None:
        return
    payload = parsed(content)
    records = records_in(registry_dir, env)
    place = _place(env)
    if place:
        with suppress(ReconcilerError):  # the job still gets the event
            write_note(place, profile, payload, records, RealProcesses())
    report(records, profile.hooks, HookInput(payload, place.pane.session if place else ""))


def _place(env: Mapping[str, str]) -> HookLocation | None:
    """The pane that the hook runs in; None if not known."""
    server, pane_id = env.get("TMUX", "").partition(",")[0], env.get("TMUX_PANE", "")
    seen = RealTmux(Socket(path=server), env).look() if server and pane_id else None
    if not isinstance(seen, Present):
        return None
    pane = next((pane for pane in seen.value.panes if pane.pane_id == pane_id), None)
    return HookLocation(seen.value.server, pane, os.getpid()) if pane else None
