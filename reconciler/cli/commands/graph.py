"""graph: draw what is declared."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from reconciler.app.project.graph import project_graph
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.parameters import Option
from reconciler.model.exit_code import ExitCode
from reconciler.render.graphs.dot import dot
from reconciler.render.graphs.mermaid import mermaid
from reconciler.render.output import tell


class GraphFormat(StrEnum):
    """The output formats of a graph."""

    MERMAID = "mermaid"
    DOT = "dot"


def graph(
    paths: opt.Paths = None,
    form: Annotated[GraphFormat, Option("--format", help="Output format")] = GraphFormat.MERMAID,
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
    found = project_graph(find_project(chdir, ""), paths or ())
    write = {GraphFormat.MERMAID: mermaid, GraphFormat.DOT: dot}[form]
    tell(*write(found))
    return ExitCode.OK
