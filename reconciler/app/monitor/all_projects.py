"""Watch all noted projects with one process: one pass after the other, each project under its own lock."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial

from msgspec import Struct

from reconciler.app.monitor.events import MonitorEnded, MonitorProblem
from reconciler.app.monitor.monitor import (
    MonitorOptions,
    MonitorOutput,
    Stopping,
    StopPolicy,
    StopRequest,
    all_closed,
    alone,
    observe_project,
    server_events,
    sinks_of,
)
from reconciler.app.project.noted import (
    FoundProject,
    NotedProject,
    find_noted,
    left_out,
    missing_project,
    open_noted_projects,
)
from reconciler.app.project.notes import notes_folder
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.observed import Observed
from reconciler.model.project_note import NoteStanding, ProjectNote
from reconciler.model.snapshot import Server
from reconciler.monitor.passes import Passes, PassResult
from reconciler.monitor.run import INTERVAL, LoopOptions, due, tell_sinks
from reconciler.monitor.sink import Sink
from reconciler.monitor.trigger import PassTrigger, WatchedPaths
from reconciler.ports.clock import RealClock
from reconciler.ports.tmux.shared_look import SharedLooks

_FOR_ONE = ("file", "mqtt")  # sinks whose file or topics two projects would overwrite for each other


def look_once_at_all(options: MonitorOptions, output: MonitorOutput) -> bool:
    """Make one pass over every noted project. Returns whether everything could be looked at.

    Raises:
        UsageError: An option is about one project.
        ReconcilerError: The notes cannot be read.
    """
    expect_for_all(options)
    with closing(_Everyone(options, output, once=True)) as everyone:
        return everyone.look(StopRequest()).is_sure


def monitor_all(options: MonitorOptions, output: MonitorOutput, stopping: Stopping) -> str:
    """Make pass after pass over all noted projects, and return why they ended. New projects are in the next pass.

    Raises as `look_once_at_all`.
    """
    expect_for_all(options)
    clock = RealClock()
    with ExitStack() as stack:
        everyone = stack.enter_context(closing(_Everyone(options, output)))
        connect = partial(server_events, everyone.folder, dict(os.environ))
        trigger = PassTrigger(clock, connect=None if options.dry_run else connect)
        stack.callback(trigger.close)
        stop = stack.enter_context(stopping(trigger.wakeup.wake))
        loop = LoopOptions(options.interval, [StopPolicy(clock, options.timeout, stop)], lambda _text: None)
        while True:
            seen = everyone.look(stop)
            if reason := seen.reason or loop.reason:
                break
            trigger.listen(seen.paths(everyone.folder), seen.servers)
            shortest = min((due(result, loop) for result in seen.results), default=options.interval or INTERVAL)
            trigger.wait(min(shortest, *(policy.due() for policy in loop.policies)), seen.seconds)
            if reason := loop.reason:
                break
    output.report(MonitorEnded(reason))
    return reason


def expect_for_all(options: MonitorOptions) -> None:
    """Raise UsageError for an option that is about one project."""
    given = os.path.expanduser(os.environ.get("AGENT_SESSIONS_STATE_DIR", ""))
    kind = next((word for word in options.sinks.words if word.partition(":")[0] in _FOR_ONE), "")
    if kind:
        raise UsageError(f"--sink {kind} is for one project", fix="with --all, use exec: or webhook:")
    if options.sinks.card:
        raise UsageError("--card is for one project", fix="omit it, or --all")
    if os.path.isabs(given):
        fix = "unset it; each project then keeps the state in its own folder"
        raise UsageError(f"AGENT_SESSIONS_STATE_DIR={given} is for one project, and --all watches several", fix=fix)


class _Round(Struct, frozen=True):
    """One pass over all projects, and the first reason of a sink to stop."""

    results: tuple[PassResult, ...]
    is_sure: bool
    reason: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return sum(result.seen.seconds for result in self.results)

    @property
    def servers(self) -> dict[str, Observed[Server]]:
        """The tmux servers of all projects, by the path of their socket."""
        return {look.socket: look.server for result in self.results if (look := result.look)}

    def paths(self, notes: str) -> WatchedPaths:
        """What wakes the monitor in all projects, and in the folder of the notes."""
        found = [result.look.paths for result in self.results if result.look]
        return WatchedPaths(
            frozenset().union(*(each.files for each in found)),
            frozenset({notes}).union(*(each.folders for each in found)),
            frozenset().union(*(each.stores for each in found)),
        )


@dataclass(slots=True)
class _Watched:
    """One project with its passes and sinks; `stack` closes the sinks and releases the lock of its monitor."""

    noted: NotedProject
    passes: Passes
    sinks: list[Sink]
    stack: ExitStack


@dataclass(slots=True)
class _Everyone:
    """The projects that are watched, by the file of their note."""

    options: MonitorOptions
    output: MonitorOutput
    once: bool = False
    folder: str = field(init=False)
    _looks: SharedLooks = field(default_factory=SharedLooks)
    _noted: dict[str, NotedProject] = field(default_factory=dict)
    _watched: dict[str, _Watched] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)
    """The problem that was last reported of each project."""

    def __post_init__(self) -> None:
        self.folder = notes_folder(os.environ, os.environ.get("HOME") or os.path.expanduser("~"))

    def look(self, stop: StopRequest) -> _Round:
        """Make one pass over all projects; it ends early when the monitor shall stop."""
        self._looks.clear()
        sure = self._read_notes()
        results: list[PassResult] = []
        for file, noted in sorted(self._noted.items(), key=lambda each: each[1].note.root):
            if stop.reason:
                break
            result, reason = self._pass(file, noted)
            sure = sure and result is not None and result.look is not None and result.look.is_sure
            if result:
                results.append(result)
            if reason:
                return _Round(tuple(results), sure, reason)
        return _Round(tuple(results), sure)

    def close(self) -> None:
        """Close all sinks, and release all locks."""
        for file in list(self._watched):
            self._watched.pop(file).stack.close()

    def _pass(self, file: str, noted: NotedProject) -> tuple[PassResult | None, str]:
        """One pass of a project, and a sink's reason to stop; None if the project cannot be watched now."""
        watched = self._watched.get(file)
        there = missing_project(noted) if watched else find_noted(noted, self._noted.values())
        if there and there.standing is not NoteStanding.HERE:
            self._tell(file, noted, _why(noted, there))
            return None, ""
        watched = watched or self._begun(file, noted)
        if watched is None:
            return None, ""
        result = watched.passes.next()
        self._tell(file, noted, result.busy.summary if result.busy and self.once else "")
        return result, tell_sinks(watched.passes, result.seen, watched.sinks, partial(self._warn, noted))

    def _begun(self, file: str, noted: NotedProject) -> _Watched | None:
        """Begin to watch a project; None if another monitor watches it, or its files cannot be used."""
        try:
            with ExitStack() as stack:
                if not (self.options.dry_run or self.once):
                    stack.enter_context(alone(noted.at))
                observer, passes = observe_project(noted.at, self.options, noted.note.root)
                sinks = stack.enter_context(all_closed(sinks_of(noted.at, self.options, self.output, observer)))
                self._watched[file] = _Watched(noted, passes, list(sinks), stack.pop_all())
        except ReconcilerError as error:
            self._tell(file, noted, "; ".join(part for part in (error.summary, error.detail) if part))
            return None
        return self._watched[file]

    def _read_notes(self) -> bool:
        """Take in new projects, and drop forgotten ones. Returns False if a note cannot be read.

        A note that cannot be read drops no project.
        """
        try:
            found = open_noted_projects(self._looks)
        except ReconcilerError as error:
            self._report(self.folder, f"{error.summary}: {error.detail}")
            return False
        now = {each.file: each for each in found.projects}
        kept = {each.file: self._noted[each.file] for each in found.damaged if each.file in self._noted}
        for file, before in list(self._noted.items()):
            if file not in kept and (file not in now or _place(now[file].note) != _place(before.note)):
                self._drop(file)
        self._noted = {**now, **kept, **{file: self._noted[file] for file in now if file in self._noted}}
        for each in found.damaged:
            self._report(each.file, f"the note {each.file} cannot be read: {each.trouble}")
        return not found.damaged

    def _drop(self, file: str) -> None:
        del self._noted[file]
        self._told.pop(file, None)
        if watched := self._watched.pop(file, None):
            watched.stack.close()

    def _tell(self, file: str, noted: NotedProject, problem: str) -> None:
        self._report(file, f"{noted.note.root}: {problem}" if problem else "")

    def _warn(self, noted: NotedProject, text: str) -> None:
        self.output.report(MonitorProblem(f"{noted.note.root}: {text}"))

    def _report(self, key: str, problem: str) -> None:
        """Report a problem when it begins or changes."""
        if problem and self._told.get(key) != problem:
            self.output.report(MonitorProblem(problem))
        self._told[key] = problem


def _place(note: ProjectNote) -> tuple[str, str, str]:
    """What a project is watched by; its note also changes with each apply."""
    return (note.root, note.registry, note.socket)


def _why(noted: NotedProject, there: FoundProject) -> str:
    said = left_out(noted, there)
    return "; ".join(part for part in (f"not watched: {said.summary}", said.fix) if part)
