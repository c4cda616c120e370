"""Read the options of bubblewrap: which paths are the same inside the sandbox, see bwrap(1)."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

_SAME = ("--bind", "--bind-try", "--dev-bind", "--dev-bind-try")
_READ_ONLY = ("--ro-bind", "--ro-bind-try")
_NEW = ("--tmpfs", "--proc", "--dev", "--mqueue")
# The options with values, by the number of their values (0.8.0, and the overlays of 0.11.0).
_VALUES: Mapping[str, int] = {
    **dict.fromkeys((*_SAME, *_READ_ONLY, "--bind-fd", "--ro-bind-fd", "--setenv"), 2),
    **dict.fromkeys(("--file", "--bind-data", "--ro-bind-data", "--symlink", "--chmod"), 2),
    "--overlay": 3,
    **dict.fromkeys((*_NEW, "--dir", "--remount-ro", "--overlay-src", "--tmp-overlay", "--ro-overlay"), 1),
    **dict.fromkeys(("--args", "--argv0", "--userns", "--userns2", "--pidns", "--uid", "--gid", "--hostname"), 1),
    **dict.fromkeys(("--chdir", "--unsetenv", "--lock-file", "--sync-fd", "--seccomp", "--add-seccomp-fd"), 1),
    **dict.fromkeys(("--exec-label", "--file-label", "--block-fd", "--userns-block-fd", "--info-fd"), 1),
    **dict.fromkeys(("--json-status-fd", "--cap-add", "--cap-drop", "--perms", "--size"), 1),
}


class InSandbox(StrEnum):
    """How a path of this machine looks in a sandbox."""

    SAME = "same"
    READ_ONLY = "read-only"
    OTHER = "other"  # something else is there, or nothing
    UNKNOWN = "unknown"  # options come from a file


class Sandbox(Struct, frozen=True):
    """The options of one call of bwrap, each with its values."""

    options: tuple[tuple[str, tuple[str, ...]], ...]

    def at(self, path: str) -> InSandbox:
        """How an absolute path looks inside. The last mount that covers it counts."""
        found = InSandbox.OTHER
        for name, values in self.options:
            if name == "--args":
                return InSandbox.UNKNOWN
            if values and _covers(values[-1], path):
                found = _mounted(name, values) or found
        return found

    @property
    def has_own_pids(self) -> bool:
        """Whether its processes have a pid namespace of their own."""
        return any(name in {"--unshare-pid", "--unshare-all", "--pidns"} for name, _ in self.options)

    @property
    def env(self) -> Mapping[str, str]:
        """The variables that it sets."""
        return dict(values for name, values in self.options if name == "--setenv" and len(values) == 2)


def sandbox(words: Sequence[str]) -> Sandbox:
    """Read the words after `bwrap`, up to the end of its options."""
    return Sandbox(tuple(_options(words)))


def _options(words: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    at = 0
    while at < len(words) and words[at].startswith("--") and words[at] != "--":
        count = _VALUES.get(words[at], 0)
        yield words[at], tuple(words[at + 1 : at + 1 + count])
        at += 1 + count


def _covers(target: str, path: str) -> bool:
    folder = os.path.normpath(target)
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _mounted(name: str, values: tuple[str, ...]) -> InSandbox | None:
    """How the path looks after this option; None when the option mounts nothing there."""
    if name in _NEW or "overlay" in name or name in {"--bind-fd", "--ro-bind-fd"}:
        return InSandbox.OTHER
    if name not in {*_SAME, *_READ_ONLY}:
        return None
    source, target = map(os.path.normpath, values)
    if source != target:
        return InSandbox.OTHER
    return InSandbox.SAME if name in _SAME else InSandbox.READ_ONLY
