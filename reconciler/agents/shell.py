"""A POSIX shell, or with `args: [-c, ...]` any command. It has no conversation and shows no activity."""

from __future__ import annotations

from .launch import Launch, Shutdown
from .profile import Profile

PROFILE = Profile(
    name="shell",
    launch=Launch(command=("sh",)),
    shutdown=Shutdown(quit="exit"),
)
