"""send: one prompt to a running agent, without a job."""

from __future__ import annotations

import sys
from typing import Annotated

from reconciler.app.jobs import send as sending
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.job_words import prompt_text
from reconciler.cli.parameters import Argument
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.render.document import diagnostic_document
from reconciler.render.output import tell_json
from reconciler.render.sending import send_document, send_exit_code, send_text
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text


def send(
    name: opt.Name,
    text: Annotated[str, Argument(metavar="TEXT|@FILE|-", help="The prompt: a text, @FILE, or - for standard input")],
    wait_idle: opt.WaitIdle = "0",
    over_budget: opt.OverBudget = False,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Send one prompt to a running agent; needs no broker.

    Nothing is typed into an agent that is busy or asks something. Exit code: 0 the agent took it, 3 nothing
    proves that it did, 7 it did not get it.

    \b
    Examples:
      reconciler send claude "Fix the header"
      reconciler send claude @task.md --wait-idle 5m
      git diff | reconciler send review -
    """
    prompt = prompt_text(
        text, UsageError("the prompt is empty", fix="give it some text, @FILE, or - for standard input")
    )
    at = find_project(chdir, registry)
    warn_about_registry(at)
    to = sending.live_recipient(at, name, within_budget=not over_budget)
    for each in to.warnings:
        show(diagnostic_text(diagnostic_document(each)), sys.stderr, at.env)
    sent = sending.send(at, to, prompt, seconds(wait_idle))
    document = send_document(str(sent.address), sent.session, sent.delivery)
    if as_json:
        tell_json(document)
    else:
        show(send_text(document), sys.stdout, at.env)
    return send_exit_code(document)
