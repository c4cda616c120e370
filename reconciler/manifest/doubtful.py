"""What a manifest may say, but hardly means: warnings with the text to write instead. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Iterator

from reconciler.model.desired import Agent, Workspace
from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.text.quoting import flow

from .document import mistake, suggestion
from .links import Declared, written
from .merge import Block
from .value_slips import type_instead

_VARIABLE = re.compile(r"\$(?P<name>[A-Za-z_]\w*)")
_OPTION_WITH_VALUE = re.compile(r"--?[A-Za-z][\w-]* \S.*", re.DOTALL)


def doubtful(workspaces: Iterable[tuple[Workspace, Block]], declared: Declared) -> Iterator[Diagnostic]:
    """A warning for each argument that no shell will split or expand, and for each folder with two workspaces."""
    arguments = (each for agent, block in declared for each in _arguments(agent, block))
    yield from dict.fromkeys(arguments)  # once for all instances of a block
    yield from _shared_folders(workspaces)


def unknown_types(declared: Declared, types: Collection[str]) -> Iterator[Diagnostic]:
    """A mistake for each agent whose type is not one of `types`."""
    for agent, block in declared:
        if agent.type not in types:
            yield mistake(
                f"unknown agent type `{agent.type}`",
                block.place("type"),
                detail=f"type of {written(agent.address)}",
                fix=_type_instead(agent, block, types),
            )


def _type_instead(agent: Agent, block: Block, types: Collection[str]) -> str:
    slip = type_instead(agent.type, types, named="type" in (block.content or {}))
    return slip or f"{suggestion(agent.type, list(types))}; declare your own types in `agent_types:`"


def _arguments(agent: Agent, block: Block) -> Iterator[Diagnostic]:
    address = written(agent.address)
    for index, argument in enumerate((block.content or {}).get("args", ())):
        place = block.place(f"args.{index}")
        if _OPTION_WITH_VALUE.fullmatch(argument):
            fix = f"write `{flow(list(_split(argument)))[1:-1]}`"
            yield _warning(f"`{argument}` is one argument of {address}, with a space in it", place, fix)
        elif found := _VARIABLE.search(argument):
            fix = f"write `${{{found['name']}}}`"
            yield _warning(f"`{found[0]}` in the arguments of {address} stays as it is: no shell reads it", place, fix)


def _split(argument: str) -> list[str]:
    try:
        return shlex.split(argument)
    except ValueError:  # a quote that is not closed
        return argument.split()


def _shared_folders(workspaces: Iterable[tuple[Workspace, Block]]) -> Iterator[Diagnostic]:
    first: dict[str, Workspace] = {}
    for workspace, block in workspaces:
        other = first.setdefault(workspace.path, workspace)
        if other is not workspace:
            yield _warning(
                f"{other.address} and {workspace.address} are the same folder",
                block.place("path"),
                "give each a `path` of its own, or declare the agents in one workspace",
            )


def _warning(summary: str, place: Place, fix: str) -> Diagnostic:
    return Diagnostic(Severity.WARNING, summary, fix=fix, place=place)
