"""The installation, and the optional programs."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.app.doctor.facts import InstallationFacts, MachineFacts
from reconciler.model.broker import Target
from reconciler.model.checkup import CheckName, CheckResult
from reconciler.model.observed import Present, Unknown

from .results import diagnosed, error, note, ok, unknown

_GIT = "apt install git, dnf install git, or brew install git"


def installation(facts: MachineFacts) -> Iterator[CheckResult]:
    """The program itself, and the programs that it uses."""
    found = facts.installation
    yield ok(CheckName.PYTHON, f"reconciler {found.version}, Python {found.python} ({found.interpreter})")
    yield from _complete(found)
    yield _git(facts)
    yield _mosquitto(facts)
    yield from (diagnosed(CheckName.PROCESSES, each) for each in found.unseen)


def _complete(found: InstallationFacts) -> Iterator[CheckResult]:
    fix = "install reconciler again"
    yield from (error(CheckName.PACKAGE, "a file of reconciler is missing", each, fix) for each in found.unreadable)
    for name in found.missing:
        yield error(
            CheckName.LIBRARIES,
            f"the Python package {name} is not installed",
            fix=f"{found.interpreter} -m pip install {name}",
        )
    if not (found.unreadable or found.missing):
        yield ok(CheckName.PACKAGE, "all files and Python packages are there")


def _git(facts: MachineFacts) -> CheckResult:
    name, found = CheckName.GIT, facts.installation.git
    if isinstance(found, Present):
        return ok(name, f"git ({found.value})")
    if isinstance(found, Unknown):
        return unknown(name, "cannot tell whether git is installed", found)
    if any(workspace.git for workspace in facts.project.desired.workspaces.values()):
        return error(name, "git is not installed", "workspaces of this project are git worktrees", _GIT)
    return note(name, "git is not installed", "only worktrees and `reconciler diff` need it", _GIT)


def _mosquitto(facts: MachineFacts) -> CheckResult:
    name, found = CheckName.MOSQUITTO, facts.installation.mosquitto
    if isinstance(found, Present):
        return ok(name, f"Mosquitto ({found.value})")
    fix = found.fix if isinstance(found, Unknown) else ""
    declared = facts.broker.declared
    if isinstance(declared, Present) and declared.value.target is Target.PROCESS:
        return error(name, "Mosquitto is not installed", f"{declared.value.address} needs it", fix)
    return note(name, "Mosquitto is not installed", "only a broker of your own needs it; jobs work without", fix)
