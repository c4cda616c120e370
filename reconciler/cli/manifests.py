"""init, validate and schema: before anything runs."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from . import options as opt
from .options import ExitCode

if TYPE_CHECKING:
    from reconciler.manifest import Loaded
    from reconciler.model.diagnostic import Diagnostic

    from .project import Project

_STARTER = """\
# What should run here, for `reconciler plan` and `reconciler apply`.
version: 1

# tmux: {socket: lab}            # a tmux server of its own: attach with `tmux -L lab attach`

workspaces:
  main:                          # a name of your choice
    path: .                      # the folder to work in; made when it is missing
    agents:
      claude: {}                 # a Claude Code session, called main-creator-claude
      # review:
      #   type: claude           # the CLI; the agent's name when left out
      #   role: reviewer         # session main-reviewer-review
      #   args: [--model, opus]
      #   env: {TOKEN: {from_env: REVIEW_TOKEN}}    # secrets only by reference
      #   prompt: Read README.md, then wait.        # the first prompt of a new conversation
      #   depends_on: [claude]
"""
_IGNORED = (".hermes/", ".mam/", ".cache/", "delegate_job_logs/")


class SchemaName(StrEnum):
    """The published documents."""

    MANIFEST = "manifest"
    REGISTRY = "registry"
    PLAN = "plan"
    EVENT = "event"
    DRIFT = "drift"
    EXPLANATION = "explanation"
    MONITOR_DIFF = "monitor-diff"
    CONVERSATIONS = "conversations"
    STATUS = "status"
    BROKER_STATUS = "broker-status"
    BROKER_VERIFY = "broker-verify"
    BROKER_EXPIRY = "broker-expiry"
    JOB = "job"
    JOBS = "jobs"
    HISTORY = "history"
    GENERATION = "generation"
    GENERATION_DIFF = "generation-diff"
    JOB_DRY_RUN = "job-dry-run"
    JOB_VERIFY = "job-verify"
    JOB_PUBLISH = "job-publish"
    JOB_ANSWER = "job-answer"
    JOB_HOOKS = "job-hooks"
    JOB_LOGS = "job-logs"
    MONITOR = "monitor"
    MONITOR_NEWS = "monitor-news"
    MONITOR_AGENT = "monitor-agent"


def register(app: typer.Typer) -> None:
    """Put the commands of this group on the command line."""
    app.command()(init)
    app.command()(validate)
    group = typer.Typer(help="JSON Schemas of the files and documents.", no_args_is_help=True, rich_markup_mode=None)
    group.callback()(_schema_group)
    group.command("print")(schema_print)
    group.command("check")(schema_check)
    app.add_typer(group, name="schema")


def _schema_group() -> None:
    """JSON Schemas of the files and documents."""


def init(chdir: opt.Root = "") -> int:
    """Write a commented manifest to start from.

    Adds the lines that .gitignore needs; overwrites nothing.

    \b
    Example:
      reconciler init && reconciler plan
    """
    root = os.path.abspath(chdir or os.getcwd())
    manifest = os.path.join(root, "reconciler.yaml")
    said = [_write_new(manifest), *_add_lines(os.path.join(root, ".gitignore"))]
    sys.stdout.writelines(f"{line}\n" for line in said)
    sys.stdout.write("Next: look it over, then `reconciler plan`.\n")
    return ExitCode.OK


def _write_new(path: str) -> str:
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(_STARTER)
    except FileExistsError:
        return f"{path} is there already: left as it is"
    return f"{path} written"


def _add_lines(path: str) -> list[str]:
    """Append what is missing; what is there stays as it is."""
    present = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            present = file.read()
    missing = [line for line in _IGNORED if line not in present.split()]
    if not missing:
        return []
    gap = "" if not present or present.endswith("\n") else "\n"
    with open(path, "a", encoding="utf-8") as file:
        file.write(gap + "".join(f"{line}\n" for line in missing))
    return [f"{path}: added {', '.join(missing)}"]


def validate(paths: opt.Paths = None, as_json: opt.Json = False, chdir: opt.Root = "") -> int:
    """Check manifests: all mistakes of all files at once.

    Each is told with its place and a way out.

    \b
    Examples:
      reconciler validate
      reconciler validate manifests/lab.yaml --json
    """
    from reconciler.model.errors import InvalidManifest

    from .project import find_project
    from .sources import load_manifests

    at = find_project(chdir, "")
    try:
        loaded = load_manifests(at, paths or ())
    except InvalidManifest as error:
        if not as_json:
            raise
        return _report(error.diagnostics, as_json=True)
    diagnostics = (*loaded.desired.diagnostics, *_paths_in_the_way(at, loaded))
    if as_json or diagnostics:
        return _report(diagnostics, as_json=as_json)
    desired = loaded.desired
    parts = (("file", loaded.documents), ("workspace", desired.workspaces), ("agent", desired.agents))
    counts = ", ".join(f"{len(things)} {name}{'' if len(things) == 1 else 's'}" for name, things in parts)
    sys.stdout.write(f"Valid: {counts}.\n")
    return ExitCode.OK


def _paths_in_the_way(at: Project, loaded: Loaded) -> list[Diagnostic]:
    """Workspaces whose path holds something that they cannot be."""
    from reconciler.kinds.workspace.case import WorkspaceCase
    from reconciler.kinds.workspace.decide import decide
    from reconciler.model.record import WorkspaceRow

    found: list[Diagnostic] = []
    for spec in loaded.desired.workspaces.values():
        recorded = WorkspaceRow(spec.address.workspace, spec.path)
        repo = at.files.real(spec.git.repo) if spec.git else ""
        case = WorkspaceCase(spec, recorded, at.files.folder(spec.path), repo)
        found += decide(case).diagnostics
    return found


def _report(diagnostics: tuple[Diagnostic, ...], *, as_json: bool) -> int:
    from reconciler.model.diagnostic import Severity
    from reconciler.render.document import diagnostic_document
    from reconciler.render.terminal import show
    from reconciler.render.text import diagnostic_text

    valid = all(each.severity is Severity.WARNING for each in diagnostics)
    documents = [diagnostic_document(each) for each in diagnostics]
    if as_json:
        sys.stdout.write(json.dumps({"valid": valid, "diagnostics": documents}) + "\n")
    else:
        for document in documents:
            show([*diagnostic_text(document), ""], sys.stderr, os.environ)
        sys.stdout.write("Valid, with warnings.\n" if valid else "")
    return ExitCode.OK if valid else ExitCode.ERROR


def schema_print(name: Annotated[SchemaName, typer.Argument(help="Which document")]) -> int:
    """Print the JSON Schema (draft 07) of a file or document.

    \b
    Examples:
      reconciler schema print manifest > manifest.schema.json
      reconciler schema print plan
    """
    from reconciler.jobs.shape import job_schema
    from reconciler.manifest.shape import manifest_schema
    from reconciler.render import generation_shape, job_shape, shape, watch_shape
    from reconciler.state.shape import registry_schema

    makers = {
        SchemaName.MANIFEST: manifest_schema,
        SchemaName.REGISTRY: registry_schema,
        SchemaName.PLAN: shape.plan_schema,
        SchemaName.EVENT: shape.event_schema,
        SchemaName.DRIFT: shape.drift_schema,
        SchemaName.EXPLANATION: shape.explanation_schema,
        SchemaName.MONITOR_DIFF: shape.monitor_diff_schema,
        SchemaName.CONVERSATIONS: shape.conversations_schema,
        SchemaName.STATUS: shape.status_schema,
        SchemaName.BROKER_STATUS: shape.broker_status_schema,
        SchemaName.BROKER_VERIFY: shape.broker_verify_schema,
        SchemaName.BROKER_EXPIRY: shape.broker_expiry_schema,
        SchemaName.JOB: job_schema,
        SchemaName.JOBS: shape.jobs_schema,
        SchemaName.HISTORY: generation_shape.history_schema,
        SchemaName.GENERATION: generation_shape.generation_schema,
        SchemaName.GENERATION_DIFF: generation_shape.generation_diff_schema,
        SchemaName.JOB_DRY_RUN: job_shape.job_dry_run_schema,
        SchemaName.JOB_VERIFY: job_shape.job_verify_schema,
        SchemaName.JOB_PUBLISH: job_shape.job_publish_schema,
        SchemaName.JOB_ANSWER: job_shape.job_answer_schema,
        SchemaName.JOB_HOOKS: job_shape.job_hooks_schema,
        SchemaName.JOB_LOGS: job_shape.job_logs_schema,
        SchemaName.MONITOR: watch_shape.watch_schema,
        SchemaName.MONITOR_NEWS: watch_shape.news_schema,
        SchemaName.MONITOR_AGENT: watch_shape.sight_schema,
    }
    sys.stdout.write(json.dumps(makers[name](), indent=2) + "\n")
    return ExitCode.OK


def schema_check(
    name: Annotated[SchemaName, typer.Argument(help="Which document")],
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="YAML or JSON files", show_default=False)],
) -> int:
    """Hold files against the JSON Schema of a document.

    Each file is looked at by itself; `reconciler validate` checks what manifests mean together.

    \b
    Examples:
      reconciler schema check manifest manifests/*.yaml
      reconciler schema check registry .hermes/agent-sessions.yaml
    """
    from reconciler.model.errors import InvalidManifest

    from .project import find_project
    from .schemas import schema_mistakes
    from .sources import read_manifest

    at = find_project("", "")
    sources = [read_manifest(at, os.path.abspath(path)) for path in files]
    found = tuple(mistake for source in sources for mistake in schema_mistakes(name.value, source))
    if found:
        raise InvalidManifest(found)
    sys.stdout.write(f"Valid: {len(files)} {'file' if len(files) == 1 else 'files'}.\n")
    return ExitCode.OK
