"""A POSIX shell, or with `args: [-c, ...]` any command. It has no conversation and shows no activity."""

from __future__ import annotations

from .declared import profile_of
from .form import TypeForm

PROFILE = profile_of(TypeForm(name="shell", source="POSIX.1-2017, sh", command=("sh",), quit="exit"))
