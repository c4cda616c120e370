"""What `history` shows: generations, one, two of them, or an agent's past."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from reconciler.app.agents.look import look
from reconciler.app.agents.names import named
from reconciler.app.plan.plans import plan_mistake
from reconciler.app.project.project import Project
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.generation import AgentThen, Generation
from reconciler.render.door import tell_bytes, tell_json
from reconciler.render.generations import (
    diff_document,
    diff_text,
    generation_document,
    generation_text,
    history_document,
    history_text,
)
from reconciler.render.terminal import show
from reconciler.render.text import plan_text
from reconciler.state import generations
from reconciler.state.history import read

if TYPE_CHECKING:
    from collections.abc import Mapping


def list_all(at: Project, *, as_json: bool) -> int:
    """Every generation in a line, the oldest first."""
    document = history_document(reversed(list(generations.newest_first(at.generations))))
    return _tell(at, document, history_text(document), as_json=as_json)


def show_one(at: Project, number: int, *, as_json: bool, full: bool) -> int:
    """One generation: who, when, its manifests, its result and its plan."""
    document = generation_document(generations.read(at.generations, number))
    if not as_json and (mistake := plan_mistake(document["plan"])):
        raise ReconcilerError(f"the plan of generation {number} cannot be shown: {mistake}")
    lines = (*generation_text(document), "", *plan_text(document["plan"], full=full))
    return _tell(at, document, lines, as_json=as_json)


def print_manifest(at: Project, number: int, path: str) -> int:
    """A manifest byte for byte; UsageError names those that there are."""
    known = {each.path: each.digest for each in generations.read(at.generations, number).manifests}
    if path not in known:
        raise UsageError(f"generation {number} has no manifest {path}", fix=f"it has {', '.join(known)}")
    tell_bytes(generations.content(at.generations, known[path]))
    return ExitCode.OK


def compare(at: Project, before: int, after: int, *, as_json: bool) -> int:
    """What differs between two generations: lines of manifests, and agents."""
    pair = tuple(generations.read(at.generations, number) for number in (before, after))
    old, new = (_contents(at, each) for each in pair)
    then, now = (_agents(at, each) for each in pair)
    document = diff_document((before, after), (old, new), (then, now))
    return _tell(at, document, diff_text(document), as_json=as_json)


def _contents(at: Project, generation: Generation) -> dict[str, bytes]:
    return {each.path: generations.content(at.generations, each.digest) for each in generation.manifests}


def _agents(at: Project, generation: Generation) -> Mapping[str, AgentThen]:
    """How it left them; of the present one, how it made them."""
    left = generations.agents_left(at.generations, generation)
    if left is not None:
        return left
    return generation.result.agents if generation.result else generation.before


def show_agent(at: Project, name: str, *, as_json: bool) -> int:
    """An agent's conversations, newest first, and what was done to it, oldest first."""
    seen = look(at, everyone=False)
    (address,) = named(seen, [name])
    identity = seen.cases[address].identity if address in seen.cases else None
    ids = [identity.session_id, *identity.previous] if identity else []
    entries = list(read(at.history, str(address)))
    document = {"address": str(address), "conversations": ids, "entries": [asdict(entry) for entry in entries]}
    told = [f"Conversations, newest first: {', '.join(filter(None, ids)) or 'none yet'}"]
    for entry in entries:
        said = ", ".join(part for part in (entry.reason, entry.note) if part)
        told.append(f"{entry.at}  {entry.what:<8}  {said}")
    return _tell(at, document, told, as_json=as_json)


def _tell(at: Project, document: object, lines: Iterable[str], *, as_json: bool) -> int:
    if as_json:
        tell_json(document)
    else:
        show(lines, sys.stdout, at.env)
    return ExitCode.OK
