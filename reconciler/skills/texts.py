"""The skills that come with the program."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from msgspec import Struct

FILE = "SKILL.md"
_DESCRIPTION = "description: "


class Skill(Struct, frozen=True):
    """One skill: a folder called `name` with one file."""

    name: str
    text: str

    @property
    def description(self) -> str:
        """What the skill is for and when to use it, from its front matter."""
        lines = (line for line in self.text.splitlines() if line.startswith(_DESCRIPTION))
        return next(lines).removeprefix(_DESCRIPTION)


def skills() -> tuple[Skill, ...]:
    """All skills, sorted by name, from the wheel or from the checkout beside the package."""
    return tuple(sorted(_shipped(), key=lambda skill: skill.name))


def _shipped() -> Iterator[Skill]:
    package = files("reconciler")
    installed = package.joinpath("skills", "shipped")
    for folder in (installed if installed.is_dir() else package.joinpath("..", "skills")).iterdir():
        if folder.is_dir():
            yield Skill(folder.name, folder.joinpath(FILE).read_text("utf-8"))
