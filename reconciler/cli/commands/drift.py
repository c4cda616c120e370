"""drift: compare the registry with the running agents."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from reconciler.app.plan import drift as check
from reconciler.app.plan.drift import DriftOptions
from reconciler.app.project.manifests import from_here
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli import outputs
from reconciler.cli.outputs import publish
from reconciler.cli.parameters import Option
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode, exit_code_of
from reconciler.render.drift import drift_text
from reconciler.render.form import Form
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.app.project.project import Project
    from reconciler.cli.outputs import Output
    from reconciler.render.documents.drift import DriftsDoc

_CLASSES = "".join(sorted(check.CLASSES))


def drift(
    as_json: opt.Json = False,
    classes: Annotated[
        str, Option("--class", metavar="A,B,...", help="Only these classes of drift: A to L")
    ] = _CLASSES,
    intent: Annotated[
        bool, Option("--intent", help="Also show changes in the manifests that are not applied yet")
    ] = False,
    offline: Annotated[
        bool,
        Option("--offline", help="Compare files only: manifests, registry and broker files"),
    ] = False,
    form: opt.Format = Form.TEXT,
    junit: opt.Junit = "",
    sarif: opt.Sarif = "",
    markdown: opt.Markdown = "",
    html: opt.Html = "",
    everywhere: opt.All = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show where the registry and the running agents differ.

    Only the report files that you name are written. Exit code: 0 in sync, 2 drift, 1 something could not
    be checked.

    \b
    Examples:
      reconciler drift
      reconciler drift --intent --junit drift.xml --format github
      reconciler drift --offline             # without tmux: compare files only
      reconciler drift --class A,E --json
      reconciler drift --all                 # in all your projects
      reconciler refresh                     # write the findings into the registry
    """
    output = outputs.output(as_json=as_json, form=form, junit=junit, sarif=sarif, markdown=markdown, html=html)
    options = DriftOptions(frozenset(_letters(classes)), intent=intent, offline=offline)
    if everywhere:
        from reconciler.cli.show.all_drift import show_drift_of_all  # a plain drift starts faster without

        opt.refuse_one_project(chdir, registry)
        if output.files or output.form is not Form.TEXT:
            raise UsageError("a report is about one project", fix="with --all, use --json; or omit --all")
        return show_drift_of_all(options, as_json=as_json)
    return _drift(find_project(chdir, registry), options, output)


def _drift(at: Project, options: DriftOptions, output: Output) -> int:
    try:
        document = check.drift(at, options)
    except ReconcilerError as error:
        if not output.machine_reads:
            raise
        publish(at, check.failed_document(at, error), output, list)
        return error.exit_code
    publish(at, document, output, lambda: drift_text(from_here(at, document)))
    if not (output.as_json or output.on_screen or output.form is Form.GITHUB):  # else the output already shows them
        _warn(at, document)
    if code := exit_code_of(each["severity"] for each in document["diagnostics"]):
        return code
    return ExitCode.OK if document["in_sync"] else ExitCode.CHANGES


def _warn(at: Project, document: DriftsDoc) -> None:
    for diagnostic in from_here(at, document)["diagnostics"]:
        show(diagnostic_text(diagnostic), sys.stderr, at.env)


def _letters(text: str) -> Sequence[str]:
    letters = [part.strip().upper() for part in (text.split(",") if "," in text else text)]
    unknown = [letter for letter in letters if letter not in check.CLASSES]
    if unknown:
        raise UsageError(f"{unknown[0]!r} is not a drift class", fix="the classes are A to L")
    return letters
