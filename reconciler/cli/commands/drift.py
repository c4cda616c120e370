"""drift and refresh: where the registry and the live world differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import options as opt
from reconciler.model.drift_class import DriftClass
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.render.form import Form

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLASSES = "".join(DriftClass)


def drift(
    as_json: opt.Json = False,
    classes: Annotated[
        str, typer.Option("--class", metavar="A,B,...", help="Only these classes of drift, A to L")
    ] = _CLASSES,
    intent: Annotated[
        bool, typer.Option("--intent", help="Also what the manifests ask for and no apply has done")
    ] = False,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Hold manifests against registry and broker files; look at nothing that runs"),
    ] = False,
    form: opt.Format = Form.TEXT,
    junit: opt.Junit = "",
    sarif: opt.Sarif = "",
    markdown: opt.Markdown = "",
    html: opt.Html = "",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Tell where the registry and the live world differ.

    Nothing is opened for writing but the files that are asked for. Exit 0 in sync, 2 with drift, 1 when
    something could not be looked at.

    \b
    Examples:
      reconciler drift
      reconciler drift --intent --junit drift.xml --format github
      reconciler drift --offline             # where no tmux is: what an apply would change, by the files
      reconciler drift --class A,E --json
      reconciler refresh                     # writes what was found into the registry
    """
    from reconciler.app.plan import outputs
    from reconciler.app.plan.drift import Question
    from reconciler.app.plan.drift import drift as run
    from reconciler.app.project.project import find_project

    output = outputs.output(as_json=as_json, form=form, junit=junit, sarif=sarif, markdown=markdown, html=html)
    question = Question(frozenset(_letters(classes)), intent=intent, offline=offline)
    return run(find_project(chdir, registry), question, output)


def _letters(text: str) -> Sequence[str]:
    letters = [part.strip().upper() for part in (text.split(",") if "," in text else text)]
    unknown = [letter for letter in letters if letter not in set(DriftClass)]
    if unknown:
        raise UsageError(f"there is no class {unknown[0]!r} of drift", fix="the classes are A to L")
    return letters


def refresh(
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Bring the registry up to date with what is live.

    The same as `apply --refresh-only`: nothing is started, stopped or deleted.

    \b
    Example:
      reconciler refresh
    """
    from reconciler.app.plan.apply import Manner, work
    from reconciler.app.plan.request import Request
    from reconciler.app.project.project import find_project
    from reconciler.model.plan import Mode

    manner = Manner(auto_approve=True, as_json=as_json, lock_timeout=seconds(lock_timeout))
    return work(find_project(chdir, registry), Request(mode=Mode.REFRESH_ONLY), manner)
