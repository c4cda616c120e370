"""Find a project and its files with few imports, because shell completion waits for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

JOB_RECORDS = ".mam/jobs"  # in the project folder
_MARKS = ("reconciler.yaml", "manifests", ".hermes")


def project_folder(root: str) -> str:
    """The folder `root`, else the nearest project folder upward from the current one, else the current one.

    Raises FileNotFoundError if the current folder was deleted and `root` is not absolute.
    """
    if os.path.isabs(root):
        _be_somewhere(root)
        return os.path.abspath(root)
    return os.path.abspath(root) if root else _nearest(os.getcwd())


def _be_somewhere(root: str) -> None:
    """Change to `root` if the current folder was deleted: relative paths cannot mean anything in it."""
    try:
        os.getcwd()
    except FileNotFoundError:
        with suppress(OSError):  # a missing project folder is reported elsewhere
            os.chdir(root)


def is_project(folder: str) -> bool:
    """Whether a folder has anything that makes it a project."""
    return any(os.path.exists(os.path.join(folder, mark)) for mark in _MARKS)


def registry_file(folder: str, registry: str) -> str:
    """The registry path of the project in `folder`; a path from `--registry` gets the real path of its folder."""
    if not registry:
        return os.path.join(folder, ".hermes", "agent-sessions.yaml")
    parent, name = os.path.split(os.path.abspath(os.path.join(folder, registry)))
    return os.path.join(os.path.realpath(parent), name)


def registry_cache(path: str) -> str:
    """The cache folder for the parsed registry at `path`."""
    return os.path.join(os.path.dirname(path), "cache", "registry")


def state_home(env: Mapping[str, str], home: str) -> str:
    """The folder for the state of all programs of a user.

    A relative XDG_STATE_HOME is ignored (XDG Base Directory Specification 0.8).
    """
    given = env.get("XDG_STATE_HOME", "")
    return given if os.path.isabs(given) else os.path.join(home, ".local", "state")


def _nearest(start: str) -> str:
    folder = start
    while True:
        if is_project(folder):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return start
        folder = parent


def own_manifests(root: str) -> list[str]:
    """The manifests of the project in the folder `root`."""
    own = [os.path.join(root, "reconciler.yaml")] if os.path.isfile(os.path.join(root, "reconciler.yaml")) else []
    folder = os.path.join(root, "manifests")
    return [*own, *(manifests_in(folder) if os.path.isdir(folder) else [])]


def manifests_in(folder: str) -> list[str]:
    """The manifests in a folder, by name."""
    return sorted(
        os.path.join(os.path.abspath(folder), name) for name in os.listdir(folder) if name.endswith((".yaml", ".yml"))
    )
