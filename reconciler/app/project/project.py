"""The project that a command is about, with the ports for everything outside of the program."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.app.project.declared_names import declared_names  # only older registries ask
from reconciler.app.project.fences import MONITOR_STATE, fence_project
from reconciler.app.project.places import JOB_RECORDS, project_folder, registry_cache, registry_file
from reconciler.broker.remembered import RememberedBrokers
from reconciler.model.desired import Socket
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.observe import HOOK_NOTES, Caller
from reconciler.ports import own_files, temporary
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles
from reconciler.ports.origin import origin_of
from reconciler.ports.processes import RealProcesses
from reconciler.ports.tmux import RealTmux
from reconciler.ports.world import World
from reconciler.state.cache import recall, remember
from reconciler.state.registry import Registry

if TYPE_CHECKING:
    from reconciler.model.problem import Problem
    from reconciler.state.confirmation import Waiting
    from reconciler.state.generations import Store
    from reconciler.state.lock import Lock
    from reconciler.state.session_names import KnownNames


@dataclass(frozen=True)
class Project:
    """One project on this machine, with its ports."""

    root: str
    registry_path: str
    env: Mapping[str, str] = field(repr=False)
    files: RealFiles = field(default_factory=RealFiles)
    processes: RealProcesses = field(default_factory=RealProcesses)
    clock: RealClock = field(default_factory=RealClock)

    @property
    def state(self) -> str:
        """The folder of the registry, the lock and the caches."""
        return os.path.dirname(self.registry_path)

    @property
    def kept(self) -> str:
        """The folder for copies of what would otherwise be lost: conversations, edited manifests."""
        return os.path.join(self.state, "kept")

    @property
    def history(self) -> str:
        """The file with the history of each agent."""
        return os.path.join(self.state, "history.jsonl")

    @property
    def generations(self) -> Store:
        """The store of generations."""
        from reconciler.state.generations import Store  # a plan seldom needs it, and importing takes time

        return Store(os.path.join(self.state, "history"), self.files)

    @property
    def waiting(self) -> Waiting:
        """The record of an apply that waits for its confirmation, if there is one."""
        from reconciler.state.confirmation import Waiting  # as above

        return Waiting(self.state, self.files, self.processes)

    @property
    def home(self) -> str:
        """The user's home folder."""
        return self.env.get("HOME") or os.path.expanduser("~")

    @property
    def caller(self) -> Caller:
        """The user and environment of this command, for `observe`."""
        return Caller(self.home, self.env, os.path.join(self.root, JOB_RECORDS, HOOK_NOTES))

    @cached_property
    def registry(self) -> Registry:
        """The registry file."""
        cache = registry_cache(self.registry_path)
        return Registry(self.registry_path, cache, self.files, origin_of, self._declared)

    def _declared(self) -> KnownNames:
        """The names in the manifests."""
        return declared_names(self.root, self.home, self.env, self.files)

    @property
    def lock(self) -> Lock:
        """The project's lock."""
        from reconciler.state.lock import Lock  # a plan seldom needs it, and importing takes time

        return Lock(self.state, self.processes, self.clock)

    def server_problem(self, declared: Socket) -> Problem | None:
        """Why the declared tmux server cannot be started or reached; None if it can."""
        return RealTmux(self.socket(declared), self.env).obstacle()

    def attaching(self, declared: Socket, session: str) -> list[str]:
        """The command that attaches a terminal to a session; it works inside tmux, too."""
        return RealTmux(self.socket(declared), self.env).attaching(session)

    def clear_up(self, *others: str) -> None:
        """Check that none of our files is a symbolic link, and remove what killed commands left on disk.

        `others` are our folders outside of the project.

        Raises:
            ReconcilerError: One is a link or cannot be read; nothing was removed.
        """
        records = os.path.join(self.root, JOB_RECORDS)
        try:
            for folder in (self.state, self.generations.folder, records, *others):
                own_files.refuse_links(folder)
        except OSError as error:
            raise ReconcilerError(f"{error.filename} cannot be looked at", detail=error.strerror or "") from error
        for folder in (self.state, records, os.path.join(self.root, MONITOR_STATE), *others):
            own_files.sweep_tree(folder)
        for folder in (self.root, os.path.join(self.root, "manifests")):
            own_files.sweep(folder)
        temporary.sweep_private_folders(self.env)

    def now(self) -> datetime:
        """The current moment, in UTC."""
        return self.clock.now()

    @cached_property
    def brokers(self) -> RememberedBrokers:
        """The brokers of this machine."""
        cache = os.path.join(self.state, "cache", f"brokers-{__version__}")
        return RememberedBrokers(
            processes=self.processes,
            clock=self.clock,
            path=self.env.get("PATH", ""),
            recall=partial(recall, cache),
            keep=partial(remember, cache),
        )

    def world(self, socket: Socket, *, returning: bool = False) -> World:
        """All ports, with the tmux server that the manifests name; `returning` is true for a rollback."""
        brokers = replace(self.brokers, returning=True) if returning else self.brokers
        return World(RealTmux(self.socket(socket), self.env), self.processes, self.files, self.clock, brokers)

    def socket(self, declared: Socket) -> Socket:
        """The declared tmux server, else the one that $TMUX_SERVER_NAME names, else the default one."""
        return declared if declared.name or declared.path else Socket(name=self.env.get("TMUX_SERVER_NAME", ""))


def find_project(root: str, registry: str) -> Project:
    """The project at `root`, else the nearest one upward from the current folder."""
    if root and not os.path.isdir(root):
        raise UsageError(f"{root} is not a folder", fix="pass the folder of your project to -C")
    found = project_folder(root)
    path = registry_file(found, registry)
    fence_project(found, path, chosen=bool(registry))
    return Project(root=found, registry_path=path, env=dict(os.environ))
