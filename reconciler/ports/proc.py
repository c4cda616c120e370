"""Where Linux tells of its processes, and of itself: proc(5). Other systems have no such folder."""

from __future__ import annotations

import os

ROOT = "/proc"
"""The folder. The tests move it, to see what becomes of a system without one."""


def is_at(root: str) -> bool:
    """Whether there is such a folder: an empty one, as in a bare chroot, tells nothing."""
    return os.path.exists(f"{root}/self/stat")
