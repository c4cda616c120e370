"""answer: the permission dialog of any running agent."""

from __future__ import annotations

import sys
from shlex import quote

from msgspec import to_builtins

from reconciler.app.jobs import answers
from reconciler.app.jobs.records import records_of
from reconciler.app.jobs.send import live_recipient
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.answer_options import Choice, RequestId
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.show.jobs import show_diagnostics
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.answering import agent_answer_document, agent_answer_text
from reconciler.render.output import tell_json
from reconciler.render.terminal import show


def answer(
    name: opt.Name,
    choice: Choice = None,
    request: RequestId = "",
    registry_dir: opt.JobRecords = JOB_RECORDS,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show the permission dialog of a running agent, and answer it.

    Without an answer, shows the dialog and the id of the request. With that id, you approve the request once,
    or deny it. If the dialog has changed since, the answer is refused (exit code 7). A log records which user
    answered.

    \b
    Examples:
      reconciler answer claude
      reconciler answer claude --request 5d0c2b6e1f3a4c7d approve
    """
    if (choice is None) != (not request):
        raise UsageError(
            "an answer needs the id of the dialog that you saw: pass --request ID and approve or deny",
            fix=f"to see the dialog and its id: reconciler answer {quote(name)}",
        )
    at = find_project(chdir, registry)
    warn_about_registry(at)
    records = records_of(at, registry_dir)
    asked = live_recipient(at, name)
    show_diagnostics(records, asked.warnings)
    dialog = answers.give(at, records, asked, request, choice) if choice else answers.dialog_now(records, asked)
    whose = {
        "address": str(asked.address),
        "session": asked.to.pane.session,
        "job": dialog.job.id if dialog.job else None,
    }
    document = agent_answer_document(whose, to_builtins(dialog.shown), choice)
    if as_json:
        tell_json(document)
    else:
        show(agent_answer_text(document), sys.stdout, at.env)
    return ExitCode.OK
