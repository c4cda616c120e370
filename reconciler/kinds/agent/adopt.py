"""Whether a session that reconciler did not start may become an agent's, and what to advise the user about it."""

from __future__ import annotations

import os.path
import re

from reconciler.agents.catalogue import catalogue
from reconciler.agents.shell_names import SHELLS
from reconciler.model.observed import Present
from reconciler.model.problem import Problem
from reconciler.model.snapshot import Pane

from .case import Case, Facts

_END = "end that session"
_SHORT_LINEAGE = 8  # characters: enough to find it in the other registry
_RUNTIME = re.compile(r"node|bun|deno|python[\d.]*|ruby|java")  # many CLIs are scripts: their process has this name


def why_not_adopted(case: Case, facts: Facts, name: str) -> Problem | None:
    """Return why the session called `name` must not become this agent's; None when it may."""
    if isinstance(case.pane, Present):
        detail = f"it is {case.pane.value.session}"
        return Problem(f"{case.address} already has a session", detail, "there is nothing to import")
    if case.pane_to_import is None:
        return Problem(f"there is no session {name}", "", "list the live ones with `reconciler unmanaged`")
    return unfit(case, case.pane_to_import, facts)


def unfit(case: Case, pane: Pane, facts: Facts) -> Problem | None:
    """Return why a foreign session cannot be this agent's; None when it can."""
    if pane.lineage:
        place = f", of {_project(facts)}" if facts.occupant.project else ""
        detail = f"it is tagged {pane.address}{place}"
        return Problem(f"session {pane.session} belongs to another agent or project", detail, "release it there first")
    if pane.dead:
        detail = "its process has exited, and only its last screen is there"
        return Problem(f"nothing runs in session {pane.session}", detail, _END)
    return _of_another(pane, facts) or _another_program(case, pane, facts)


def whose(pane: Pane, facts: Facts, lineage: str) -> str:
    """Return the agent or project that a tagged session belongs to; `lineage` is that of this project."""
    if pane.lineage == lineage:
        return f"{pane.address}, another agent of this project"
    if facts.occupant.project:
        return _project(facts)
    return f"another project, whose registry has the lineage {pane.lineage[:_SHORT_LINEAGE]}..."


def _project(facts: Facts) -> str:
    """The other project in words. One that is not where it was may have been moved, or its disk is not mounted."""
    occupant = facts.occupant
    return f"the project {'in' if occupant.project_found else 'that was in'} {occupant.project}"


def advice(case: Case, pane: Pane, facts: Facts, lineage: str) -> str:
    """Return what the user can do about a foreign session that has the agent's name."""
    other = f"rename it, or --exclude {case.address}"
    if pane.lineage == lineage != "":
        return other
    if pane.lineage:
        own_server = "give one of the two projects its own tmux server: `tmux: {socket: NAME}`"
        return f"it belongs to another project: {other}, or {own_server}"
    problem = unfit(case, pane, facts)
    if problem:
        return f"{problem.fix}, {other}"
    cli = case.profile.name if case.profile else "the agent"
    adopt = f"adopt it with `reconciler import {case.address} {pane.session}`"
    is_proved = facts.occupant.conversation or facts.live.conversation or _own_program(case) in _programs(pane, facts)
    return f"{adopt}, {other}" if is_proved else f"if {cli} runs in it, {adopt}; else {other}"


def what_it_is(pane: Pane, facts: Facts) -> str:
    """Describe a foreign session for the user."""
    description = f"it runs {pane.command} (pid {pane.pid}) in {pane.cwd}"
    problem = None if pane.lineage or pane.dead else _of_another(pane, facts)
    return f"{description}; {problem.summary}" if problem else description


def _of_another(pane: Pane, facts: Facts) -> Problem | None:
    owner = facts.occupant.owner
    if not owner:
        return None
    summary = f"session {pane.session} holds the conversation of {owner}"
    detail = f"two agents in conversation {facts.occupant.held} would mix it up"
    if facts.occupant.owner_runs:
        return Problem(f"{summary}, which runs in {facts.occupant.owner_runs}", detail, _END)
    declare = "" if facts.occupant.owner_is_declared else f"declare {owner} and "
    return Problem(summary, detail, f"{declare}import it as that: `reconciler import {owner} {pane.session}`")


def _another_program(case: Case, pane: Pane, facts: Facts) -> Problem | None:
    programs, own = _programs(pane, facts), _own_program(case)
    if case.profile is None or own in programs | SHELLS or facts.live.conversation or facts.occupant.conversation:
        return None
    if any(os.path.basename(word) in programs for word in case.profile.launch.wrap[:1]):
        return None  # what runs behind the declared wrapper may be out of sight
    other = next(
        (each for each in catalogue(()).values() if os.path.basename(each.launch.command[0]) in programs - SHELLS), None
    )
    if other is not None:
        detail = f"the manifest declares {case.address} as {case.profile.name}"
        fix = f"declare an agent of `type: {other.name}` for it and import it as that"
        return Problem(f"session {pane.session} runs {other.name}, not {case.profile.name}", detail, fix)
    if programs <= SHELLS:
        runs = ", ".join(sorted(programs))
        return Problem(f"session {pane.session} runs only {runs}", f"no {case.profile.name} runs in it", _END)
    if not facts.occupant.programs or any(map(_RUNTIME.fullmatch, programs)):
        return None  # the name of a runtime does not show which CLI it runs
    summary = f"session {pane.session} runs {pane.command}, not {case.profile.name}"
    return Problem(summary, f"no {case.profile.name} runs in it", _END)


def _own_program(case: Case) -> str:
    return os.path.basename(case.profile.launch.command[0]) if case.profile else ""


def _programs(pane: Pane, facts: Facts) -> frozenset[str]:
    return frozenset(facts.occupant.programs or (pane.command.lstrip("-"),))
