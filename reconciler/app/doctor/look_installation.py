"""Look at the installation: the files of this program, and the programs that it uses."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution

from reconciler import __version__
from reconciler.agents.catalogue import BUILT_IN, catalogue
from reconciler.app.project.project import Project
from reconciler.broker.files import templates
from reconciler.broker.running import program
from reconciler.model.observed import Unknown
from reconciler.observe.visibility import unseen_processes
from reconciler.skills.texts import skills
from reconciler.state.schemas import load_schema

from .attempts import attempt
from .facts import InstallationFacts

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def look_at_installation(at: Project) -> InstallationFacts:
    """The program itself, and the programs that it can use."""
    search = at.env.get("PATH", "")
    return InstallationFacts(
        version=__version__,
        python=platform.python_version(),
        interpreter=sys.executable,
        unreadable=tuple(unreadable(_SHIPPED)),
        missing=tuple(_missing()),
        git=at.processes.find("git", search),
        mosquitto=attempt(lambda: program.find(search, at.processes)),
        unseen=unseen_processes(at.processes),
    )


def _screens() -> None:
    types = catalogue(())
    for name in BUILT_IN:
        types[name].display.rules()


_SHIPPED: Mapping[str, Callable[[], object]] = {
    "the rules for the screens of agents": _screens,
    "the schemas": lambda: load_schema("registry"),
    "the skills": skills,
    "the templates of the broker": lambda: templates.source("mosquitto.conf"),
}


def unreadable(shipped: Mapping[str, Callable[[], object]]) -> Iterator[str]:
    """Messages about files of the package that cannot be read."""
    for what, read in shipped.items():
        found = attempt(read)
        if isinstance(found, Unknown):
            yield f"{what}: {found.reason}"


def _missing() -> Iterator[str]:
    """Required packages that are not installed, except those that only some systems need."""
    try:
        wanted = distribution("agent-reconciler").requires or []
    except PackageNotFoundError:  # run from a checkout that was never installed
        return
    for requirement in wanted:
        name = _NAME.match(requirement)
        if name and ";" not in requirement and not _is_installed(name[0]):
            yield name[0]


def _is_installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
