"""Show the document of a plan or a drift check, and write it as reports into files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.app.project.manifests import from_here
from reconciler.model.errors import UsageError
from reconciler.model.moment import to_second
from reconciler.render.form import Form
from reconciler.render.output import tell_commands, tell_json, tell_text
from reconciler.render.terminal import show
from reconciler.render.text import plan_text

if TYPE_CHECKING:
    from reconciler.app.project.project import Project
    from reconciler.render.documents.plan import PlanDoc
    from reconciler.render.reports.findings import Document

STDOUT = "-"


class Output(Struct, frozen=True):
    """The wanted output; `files` has the path of each report by name, or `-` for standard output."""

    as_json: bool = False
    form: Form = Form.TEXT
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def on_screen(self) -> str:
        """The report that goes to standard output, if any."""
        return next((name for name, path in self.files.items() if path == STDOUT), "")

    @property
    def machine_reads(self) -> bool:
        """Whether errors go into the document, because a program reads it."""
        return self.as_json or bool(self.files) or self.form is Form.GITHUB


def output(*, as_json: bool, form: Form, **files: str) -> Output:
    """The output that the options ask for. Raises UsageError if two of them use standard output."""
    wanted = {name: path for name, path in files.items() if path}
    takers = [f"--{name} -" for name, path in wanted.items() if path == STDOUT]
    takers += ["--json"] if as_json else []
    takers += [f"--format {form.value}"] if form is not Form.TEXT else []
    if len(takers) > 1:
        raise UsageError(f"{' and '.join(takers)} both use standard output", fix="write one of them to a file")
    return Output(as_json, form, wanted)


def publish(at: Project, document: Document, wanted: Output, text: Callable[[], Iterable[str]]) -> None:
    """Write the reports, then show the document, as `text` unless the options ask for another format."""
    seen = from_here(at, document)  # GitHub looks for files from the folder that the command runs in
    for name, path in wanted.files.items():
        if path != STDOUT:
            at.files.write(os.path.abspath(path), _report(at, name, seen).encode())
    if wanted.on_screen:
        tell_text(_report(at, wanted.on_screen, seen))
    elif wanted.as_json:
        tell_json(document)
    elif wanted.form is Form.GITHUB:
        tell_commands(filter(None, _report(at, "github", seen).split("\n")))
    else:
        show(text(), sys.stdout, at.env)


def publish_plan(at: Project, document: PlanDoc, wanted: Output, *, full: bool = False) -> None:
    """Write and show the document of a plan."""
    publish(at, document, wanted, lambda: plan_text(from_here(at, document), full=full))


def _report(at: Project, name: str, document: Document) -> str:
    from reconciler.render.reports.catalogue import report

    return report(name, to_second(at.now()))(document)
