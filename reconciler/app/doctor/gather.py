"""Gather all facts once. Some need facts that are gathered before them."""

from __future__ import annotations

from reconciler.app.project.project import Project

from .facts import MachineFacts
from .look_broker import look_at_broker
from .look_clis import look_at_clis
from .look_clock import look_at_clock
from .look_folders import look_at_folders
from .look_installation import look_at_installation
from .look_project import look_at_project, tmux_in
from .look_tmux import look_at_tmux


def gather(at: Project) -> MachineFacts:
    """Look at everything. It writes nothing and raises no error; other programs have a time limit."""
    project = look_at_project(at)
    tmux = look_at_tmux(at, project.desired.socket, tmux_in(project.snapshot))
    return MachineFacts(
        installation=look_at_installation(at),
        tmux=tmux,
        folders=look_at_folders(at),
        project=project,
        clis=look_at_clis(at, project.desired, project.snapshot, tmux.search_path),
        broker=look_at_broker(at, project),
        clock=look_at_clock(at, project.stored),
    )
