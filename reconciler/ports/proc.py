"""The folder /proc, where Linux describes its processes and itself: proc(5). Other systems do not have it."""

from __future__ import annotations

import os

ROOT = "/proc"
"""The folder. Tests change it to play a system without /proc."""


def is_at(root: str) -> bool:
    """Whether the folder is mounted. An empty folder, as in a bare chroot, does not count."""
    return os.path.exists(f"{root}/self/stat")
