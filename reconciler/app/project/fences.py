"""The files of a project that belong to reconciler: symbolic links in them are refused, see `ports.own_files`."""

from __future__ import annotations

import os

from reconciler.app.project.places import JOB_RECORDS
from reconciler.ports.own_files import fence

MONITOR_STATE = os.path.join(".cache", "tmux-agent-orchestrate-monitor")
_REGISTRY = os.path.join(".hermes", "agent-sessions.yaml")
BESIDE = ("lock", "history", "history.jsonl", "cache", "kept", "monitor", "web", "confirm.json", "confirm.log")


def fence_project(root: str, registry: str, *, chosen: bool) -> None:
    """Register our files in the project and beside its registry; links above a `chosen` registry folder are allowed."""
    fence(root, [".hermes"], "--registry {}/agent-sessions.yaml")
    fence(root, [_REGISTRY], "--registry {}")
    fence(root, [JOB_RECORDS], "--registry-dir {}")
    fence(root, [MONITOR_STATE], "AGENT_SESSIONS_STATE_DIR={}")
    if chosen:
        folder, name = os.path.split(registry)
        fence(folder, [f"{name}.bak", f"{name}.before-completion", *BESIDE])


def fence_records(folder: str) -> None:
    """Register the job records, in the project folder or in a folder that the user chose."""
    own = folder.endswith(f"{os.sep}{JOB_RECORDS}")
    root = folder.removesuffix(f"{os.sep}{JOB_RECORDS}")
    fence(root, [JOB_RECORDS if own else "."], "--registry-dir {}")


def fence_monitor(folder: str) -> None:
    """Register the monitor's state in a folder that the user chose."""
    fence(folder, ["."])
