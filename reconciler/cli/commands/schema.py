"""schema: print JSON Schemas, and check files against them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from enum import StrEnum
from importlib import import_module
from typing import Annotated, cast

from reconciler.app.project.manifests import read_manifest
from reconciler.app.project.project import Project, find_project
from reconciler.app.project.schemas import registry_mistakes, schema_mistakes
from reconciler.cli import options as opt
from reconciler.cli.parameters import Argument
from reconciler.jobs.shape import job_schema
from reconciler.manifest import Source
from reconciler.manifest.shape import manifest_schema
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import InvalidManifest
from reconciler.model.exit_code import ExitCode
from reconciler.model.record import Json
from reconciler.render.document import diagnostic_document
from reconciler.render.output import tell, tell_json
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text
from reconciler.state.shape import registry_schema


class SchemaName(StrEnum):
    """The published documents."""

    MANIFEST = "manifest"
    REGISTRY = "registry"
    PLAN = "plan"
    EVENT = "event"
    DRIFT = "drift"
    DRIFT_ALL = "drift-all"
    EXPLANATION = "explanation"
    MONITOR_DIFF = "monitor-diff"
    CONVERSATIONS = "conversations"
    STATUS = "status"
    ATTACH = "attach"
    PEEK = "peek"
    LAST = "last"
    USAGE = "usage"
    TYPES = "types"
    DIFF = "diff"
    BROKER_STATUS = "broker-status"
    BROKER_VERIFY = "broker-verify"
    BROKER_EXPIRY = "broker-expiry"
    BROKER_OPERATION = "broker-operation"
    BROKER_ENV = "broker-env"
    JOB = "job"
    JOBS = "jobs"
    HISTORY = "history"
    AGENT_HISTORY = "agent-history"
    GENERATION = "generation"
    GENERATION_DIFF = "generation-diff"
    JOB_DRY_RUN = "job-dry-run"
    JOB_DEAD = "job-dead"
    RUNNER = "runner"
    JOB_VERIFY = "job-verify"
    JOB_PUBLISH = "job-publish"
    JOB_ANSWER = "job-answer"
    JOB_HOOKS = "job-hooks"
    JOB_LOGS = "job-logs"
    DOCTOR = "doctor"
    SEND = "send"
    ANSWER = "answer"
    RECONNECT = "reconnect"
    CONFIRMATION = "confirmation"
    ADOPT = "adopt"
    PROJECTS = "projects"
    PROJECTS_FORGET = "projects-forget"
    MONITOR = "monitor"
    MONITOR_NEWS = "monitor-news"
    MONITOR_AGENT = "monitor-agent"
    BOARD = "board"
    FLEET = "fleet"
    FLEET_STATUS = "fleet-status"
    FLEET_DOCTOR = "fleet-doctor"
    FLEET_WORK = "fleet-work"


def schema_print(name: Annotated[SchemaName, Argument(metavar="NAME", help="Name of the schema")]) -> int:
    """Print the JSON Schema (draft 07) of a file or document.

    \b
    Examples:
      reconciler schema print manifest > manifest.schema.json
      reconciler schema print plan
    """
    tell_json(_schema(name), indent=2)
    return ExitCode.OK


def _schema(name: SchemaName) -> dict[str, Json]:
    """The schema of an input file, or of a document, whose module has the same name."""
    files = {SchemaName.MANIFEST: manifest_schema, SchemaName.REGISTRY: registry_schema, SchemaName.JOB: job_schema}
    if name in files:
        return files[name]()
    document = import_module(f"reconciler.render.documents.{name.replace('-', '_')}")
    return cast(dict[str, Json], document.schema())


def schema_check(
    name: Annotated[SchemaName, Argument(metavar="NAME", help="Name of the schema")],
    files: Annotated[list[str], Argument(metavar="FILE...", help="YAML or JSON files", show_default=False)],
    as_json: opt.Json = False,
) -> int:
    """Check files against a JSON Schema.

    Checks each file on its own. `reconciler validate` also checks manifests together.

    \b
    Examples:
      reconciler schema check manifest manifests/*.yaml
      reconciler schema check registry .hermes/agent-sessions.yaml
    """
    at = find_project("", "")
    sources = [(path, read_manifest(at, os.path.abspath(path))) for path in files]
    found = tuple(mistake for path, source in sources for mistake in _mistakes(at, name, path, source))
    mistakes = tuple(each for each in found if each.severity is not Severity.WARNING)
    if as_json:
        tell_json({"valid": not mistakes, "diagnostics": [diagnostic_document(each) for each in found]})
        return ExitCode.ERROR if mistakes else ExitCode.OK
    for each in (warning for warning in found if warning not in mistakes):
        show(diagnostic_text(diagnostic_document(each)), sys.stderr, at.env)
    count = f"{len(files)} {'file' if len(files) == 1 else 'files'}"
    if mistakes:
        raise InvalidManifest(mistakes, count)
    tell(f"Valid: {count}.")
    return ExitCode.OK


def _mistakes(at: Project, name: SchemaName, path: str, source: Source) -> Iterable[Diagnostic]:
    if name is SchemaName.REGISTRY:
        return registry_mistakes(at, path, source)
    return schema_mistakes(name.value, source)
