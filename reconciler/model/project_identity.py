"""Whose a document is: the machine, the user and the project that it is about."""

from __future__ import annotations

from msgspec import Struct


class ProjectIdentity(Struct, frozen=True):
    """The machine, the user and the project that a document is about, as published under `at`."""

    host: str = ""
    machine: str = ""
    """SHA-256 of the machine's id and a fixed word; empty if the machine has no id."""
    user: str = ""
    home: str = ""
    project: str = ""
    """The real path of the project folder."""
    lineage: str = ""
    """The registry's lineage; empty before the first apply."""


class ShortNames(Struct, frozen=True):
    """What differs between two hosts that do the same: paths and their short forms, and the name of the host."""

    paths: tuple[tuple[str, str], ...] = ()
    """A path and what stands for it: `.` for the project folder, `~` for the home folder; the longest first."""
    host: str = ""
