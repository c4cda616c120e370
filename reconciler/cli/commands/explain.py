"""explain: why something is planned for one address, or nothing is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.door import tell_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.app.project.project import Project
    from reconciler.model.address import Address
    from reconciler.model.diagnostic import Place
    from reconciler.model.record import Section
    from reconciler.state.registry import Stored


def register(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command()(explain)


def explain(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ADDR",
            autocompletion=completion.everything,
            help="An address or a session name",
            show_default=False,
        ),
    ],
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Say why something is planned for an address, or nothing.

    From which line of which manifest, what the registry says, what is live, and what would change it.

    \b
    Examples:
      reconciler explain agent.landing-page.claude
      reconciler explain landing-page-creator-claude --json
      reconciler explain broker.main
    """
    from reconciler.app.plan.make import make_plan
    from reconciler.app.plan.plans import document_of
    from reconciler.app.project.manifests import registry_alone
    from reconciler.app.project.project import find_project
    from reconciler.cli.copies import warn_of_copy
    from reconciler.model.plan import Mode
    from reconciler.plan.request import Request
    from reconciler.render.explain import explanation_document, explanation_text
    from reconciler.render.subject import Sight, names, subject
    from reconciler.render.terminal import show

    at = find_project(chdir, registry)
    warn_of_copy(at)
    mode = Mode.REFRESH_ONLY if registry_alone(at) else Mode.NORMAL
    planned = make_plan(at, Request(closely=True, mode=mode))
    desired, record = planned.loaded.desired, planned.stored.record
    row_places = _row_places(at, planned.stored)
    sight = Sight(planned.plan, desired, record, planned.snapshot, planned.wish, row_places)
    address = _meant(name, names(desired, record))
    plan = document_of(planned)
    document = explanation_document(plan, subject(sight, address))
    if as_json:
        tell_json(document)
    else:
        show(explanation_text(document), sys.stdout, at.env)
    in_the_way = any(each["severity"] != "warning" for each in document["diagnostics"])
    return ExitCode.ERROR if in_the_way else ExitCode.OK


def _meant(name: str, known: Mapping[str, Address]) -> Address:
    """The address that the word stands for; UsageError offers the nearest ones."""
    from difflib import get_close_matches

    if name in known:
        return known[name]
    within = sorted((each for each in known if name in each), key=lambda each: (not each.startswith(name), each))
    close = within[:3] or get_close_matches(name, known, n=3)
    fix = f"did you mean {' or '.join(close)}?" if close else "`reconciler graph` shows all that is declared"
    raise UsageError(f"there is no {name}", fix=fix)


def _row_places(at: Project, stored: Stored) -> Callable[[Section, str], Place]:
    """Tells where the registry has a row: its line, as far as lines tell."""
    from reconciler.app.project.manifests import shown
    from reconciler.model.diagnostic import Place
    from reconciler.state.spans import layout

    file, text = shown(at.registry_path), stored.text.decode().replace("\r\n", "\n")
    found = layout(text)

    def place(section: Section, name: str) -> Place:
        table = found.tables.get(section.value) if found else None
        span = table.rows.get(name) if table else None
        return Place(file, text.count("\n", 0, span[0]) + 1 if span else 0)

    return place
