"""A POSIX shell, or with `args: [-c, ...]` any command: it has no conversation and tells nothing."""

from __future__ import annotations

from .profile import Profile

PROFILE = Profile(name="shell", command=("sh",), quit="exit")
