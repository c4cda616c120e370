"""Which files of a project are reconciler's own: no link is followed in them, see `ports.own_files`."""

from __future__ import annotations

import os

from reconciler.app.project.places import JOB_RECORDS
from reconciler.ports.own_files import fence

MONITOR_STATE = os.path.join(".cache", "tmux-agent-orchestrate-monitor")
_REGISTRY = os.path.join(".hermes", "agent-sessions.yaml")
_BESIDE = ("lock", "history", "history.jsonl", "cache", "kept", "monitor", "confirm.json", "confirm.log")


def fence_project(root: str, registry: str, *, chosen: bool) -> None:
    """What is ours in a project, and beside its registry; where that is `chosen`, links lead up to its folder."""
    fence(root, [".hermes"], "--registry {}/agent-sessions.yaml")
    fence(root, [_REGISTRY], "--registry {}")
    fence(root, [JOB_RECORDS], "--registry-dir {}")
    fence(root, [MONITOR_STATE], "AGENT_SESSIONS_STATE_DIR={}")
    if chosen:
        folder, name = os.path.split(registry)
        fence(folder, [f"{name}.bak", f"{name}.before-completion", *_BESIDE])


def fence_records(folder: str) -> None:
    """The job records, which a project has in its own folder, or a user elsewhere."""
    own = folder.endswith(f"{os.sep}{JOB_RECORDS}")
    root = folder.removesuffix(f"{os.sep}{JOB_RECORDS}")
    fence(root, [JOB_RECORDS if own else "."], "--registry-dir {}")


def fence_monitor(folder: str) -> None:
    """What the monitor has told, in a folder that the user has chosen."""
    fence(folder, ["."])
