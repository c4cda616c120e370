"""graph: what is declared, as a graph."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.project.manifests import load_manifests
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.model.exit_code import ExitCode
from reconciler.render.dot import dot
from reconciler.render.mermaid import mermaid
from reconciler.render.output import tell

if TYPE_CHECKING:
    from reconciler.model.broker import Broker
    from reconciler.render.graph import Rights


class GraphFormat(StrEnum):
    """The languages that a graph is written in."""

    MERMAID = "mermaid"
    DOT = "dot"


def graph(
    paths: opt.Paths = None,
    form: Annotated[GraphFormat, typer.Option("--format", help="Output format")] = GraphFormat.MERMAID,
    chdir: opt.Root = "",
) -> int:
    """Draw workspaces, agents, users and topics as a graph.

    Arrows lead from an agent to the agents that depend on it, from a user to the topics that it writes, and
    from a topic to the users that read it.

    \b
    Examples:
      reconciler graph                       # Mermaid, for Markdown
      reconciler graph --format dot | dot -Tsvg -o lab.svg
    """
    from reconciler.render import graph as declared

    desired = load_manifests(find_project(chdir, ""), paths or ()).desired
    found = declared.graph(desired, {address: _rights(broker) for address, broker in desired.brokers.items()})
    write = {GraphFormat.MERMAID: mermaid, GraphFormat.DOT: dot}[form]
    tell(*write(found))
    return ExitCode.OK


def _rights(broker: Broker) -> Rights:
    """What each user may do, and what all of them may."""
    from reconciler.broker.acl import declared

    acl = declared(broker)
    return {**acl.users, "(every user)": acl.patterns} if acl.patterns else acl.users
