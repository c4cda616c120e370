"""adopt: declare and take over what already exists."""

from __future__ import annotations

from typing import Annotated

from reconciler.app.adopt.document import document_of_adoption
from reconciler.app.adopt.sources import OTHERS, OWN, AdoptionSources, SourceKind, chosen_sources
from reconciler.app.adopt.view import look_for_adoption
from reconciler.app.adopt.work import adopt_everything
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.manifests import in_project
from reconciler.app.project.project import Project, find_project
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.apply_output import ApplyDisplay, show_work
from reconciler.cli.parameters import Argument, ChosenProject, Option
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.adoption import adoption_text, changes_something
from reconciler.render.output import tell, tell_json


def _sources(_chosen: ChosenProject, incomplete: str) -> list[str]:
    """The sources that `--from` accepts."""
    return completion.offered([kind.value for kind in SourceKind], incomplete)


def adopt(
    words: Annotated[
        list[str] | None,
        Argument(metavar="[DIR] [FILE]...", help="Project folder; files for --from", show_default=False),
    ] = None,
    sources: Annotated[
        list[str] | None,
        Option(
            "--from",
            metavar="SOURCE",
            autocompletion=_sources,
            help=f"Only this source; repeatable [default: {', '.join(OWN)}]; others: {', '.join(OTHERS)}",
            show_default=False,
        ),
    ] = None,
    write: Annotated[bool, Option("--write", help="Make the changes, after you confirm them")] = False,
    full: Annotated[bool, Option("--full", help="Also show the text that is added to the manifests")] = False,
    auto_approve: opt.AutoApprove = False,
    as_json: Annotated[
        bool, Option("--json", help="Print one JSON document instead of text; with --write one object per line")
    ] = False,
    lock_timeout: opt.LockTimeout = "0s",
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Declare and take over what already exists.

    Looks at the registry in any older format, the sessions of the tmux server, job records, and a broker that was
    made by hand, and shows a plan. Nothing is written without --write. With it, agents are added to the manifests,
    the registry is completed, and running sessions are tagged. No agent is restarted, and replaced files are copied.

    \b
    Examples:
      reconciler adopt
      reconciler adopt --write
      reconciler adopt --from tmuxp lab.yaml --full
    """
    chosen = chosen_sources(sources or (), words or ())
    if chosen.folder and chdir:
        raise UsageError(f"{chosen.folder} and -C {chdir} are different folders", fix="name the project once")
    at = find_project(chosen.folder or chdir, registry)
    if not write:
        return _show(at, chosen, as_json=as_json, full=full)
    options = ApplyOptions(auto_approve, lock_timeout=seconds(lock_timeout))
    display = ApplyDisplay(as_json, full, may_ask)
    return show_work(at, options, display, lambda here: adopt_everything(at, chosen, here))


def _show(at: Project, chosen: AdoptionSources, *, as_json: bool, full: bool) -> int:
    document = document_of_adoption(at, look_for_adoption(at, chosen))
    if as_json:
        tell_json(in_project(at, document))
        return ExitCode.OK
    tell(*adoption_text(document, full=full))
    if changes_something(document):
        tell("", "Run `reconciler adopt --write` to do this.")
    return ExitCode.OK
