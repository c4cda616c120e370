"""What keeps a live session from being taken for an agent, and what is true to advise about it."""

from __future__ import annotations

import os.path
import re

from reconciler.agents.catalogue import catalogue
from reconciler.model.observed import Present
from reconciler.model.problem import Problem
from reconciler.model.snapshot import Pane

from .case import Case, Facts

_END = "end that session"
_TELLING = 8  # characters of a lineage
_RUNTIME = re.compile(r"node|bun|deno|python[\d.]*|ruby|java")  # what many CLIs show as


def why_not_adopted(case: Case, facts: Facts, name: str) -> Problem | None:
    """Why the session called `name` must not become this agent's; None when it may."""
    if isinstance(case.pane, Present):
        detail = f"it is {case.pane.value.session}"
        return Problem(f"{case.address} already has a session", detail, "there is nothing to import")
    if case.pane_to_import is None:
        return Problem(f"there is no session {name}", "", "list the live ones with `reconciler unmanaged`")
    return unfit(case, case.pane_to_import, facts)


def unfit(case: Case, pane: Pane, facts: Facts) -> Problem | None:
    """Why a foreign session is not this agent; None when it may be."""
    if pane.lineage:
        place = f", of the project in {facts.occupant.project}" if facts.occupant.project else ""
        detail = f"it is tagged {pane.address}{place}"
        return Problem(f"session {pane.session} belongs to another agent or project", detail, "release it there first")
    if pane.dead:
        detail = "its process has exited, and only its last screen is there"
        return Problem(f"nothing runs in session {pane.session}", detail, _END)
    return _of_another(pane, facts) or _another_program(case, pane, facts)


def whose(pane: Pane, facts: Facts, lineage: str) -> str:
    """To whom a session with our kind of tags belongs; `lineage` is that of this project."""
    if pane.lineage == lineage:
        return f"{pane.address}, another agent of this project"
    if facts.occupant.project:
        return f"the project in {facts.occupant.project}"
    return f"another project, whose registry has the lineage {pane.lineage[:_TELLING]}..."


def advice(case: Case, pane: Pane, facts: Facts, lineage: str) -> str:
    """What to do about a foreign session that has the agent's name."""
    other = f"rename it, or --exclude {case.address}"
    if pane.lineage == lineage != "":
        return other
    if pane.lineage:
        apart = "give one of the two projects a tmux server of its own: `tmux: {socket: NAME}`"
        return f"it belongs to another project: {other}, or {apart}"
    problem = unfit(case, pane, facts)
    if problem:
        return f"{problem.fix}, {other}"
    cli = case.profile.name if case.profile else "the agent"
    how = f"adopt it with `reconciler import {case.address} {pane.session}`"
    sure = facts.occupant.conversation or facts.live.conversation or _own(case) in _called(pane, facts)
    return f"{how}, {other}" if sure else f"if {cli} runs in it, {how}; else {other}"


def what_it_is(pane: Pane, facts: Facts) -> str:
    """A foreign session, for the user."""
    said = f"it runs {pane.command} (pid {pane.pid}) in {pane.cwd}"
    problem = None if pane.lineage or pane.dead else _of_another(pane, facts)
    return f"{said}; {problem.summary}" if problem else said


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
    from reconciler.agents.shell import SHELLS  # noqa: PLC0415 - a plan loads only the types that it is about

    called, own = _called(pane, facts), _own(case)
    if case.profile is None or own in called | SHELLS or facts.live.conversation or facts.occupant.conversation:
        return None
    other = next(
        (each for each in catalogue(()).values() if os.path.basename(each.launch.command[0]) in called - SHELLS), None
    )
    if other is not None:
        detail = f"the manifest declares {case.address} as {case.profile.name}"
        fix = f"declare an agent of `type: {other.name}` for it and import it as that"
        return Problem(f"session {pane.session} runs {other.name}, not {case.profile.name}", detail, fix)
    if called <= SHELLS:
        runs = ", ".join(sorted(called))
        return Problem(f"session {pane.session} runs only {runs}", f"no {case.profile.name} runs in it", _END)
    if not facts.occupant.programs or any(map(_RUNTIME.fullmatch, called)):
        return None  # what is in it cannot be told
    summary = f"session {pane.session} runs {pane.command}, not {case.profile.name}"
    return Problem(summary, f"no {case.profile.name} runs in it", _END)


def _own(case: Case) -> str:
    return os.path.basename(case.profile.launch.command[0]) if case.profile else ""


def _called(pane: Pane, facts: Facts) -> frozenset[str]:
    return frozenset(facts.occupant.programs or (pane.command.lstrip("-"),))
