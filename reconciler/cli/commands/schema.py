"""schema: the published JSON Schemas."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer

from reconciler.app.project.manifests import read_manifest
from reconciler.app.project.project import Project, find_project
from reconciler.app.project.schemas import registry_mistakes, schema_mistakes
from reconciler.cli import options as opt
from reconciler.jobs.shape import job_schema
from reconciler.manifest import Source
from reconciler.manifest.shape import manifest_schema
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import InvalidManifest
from reconciler.model.exit_code import ExitCode
from reconciler.render import adoption_shape, answer_shape, generation_shape, job_shape, shape, watch_shape
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
    EXPLANATION = "explanation"
    MONITOR_DIFF = "monitor-diff"
    CONVERSATIONS = "conversations"
    STATUS = "status"
    BROKER_STATUS = "broker-status"
    BROKER_VERIFY = "broker-verify"
    BROKER_EXPIRY = "broker-expiry"
    BROKER_OPERATION = "broker-operation"
    BROKER_ENV = "broker-env"
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
    RECONNECT = "reconnect"
    CONFIRMATION = "confirmation"
    ADOPT = "adopt"
    MONITOR = "monitor"
    MONITOR_NEWS = "monitor-news"
    MONITOR_AGENT = "monitor-agent"


def schema_print(name: Annotated[SchemaName, typer.Argument(help="Name of the schema")]) -> int:
    """Print the JSON Schema (draft 07) of a file or document.

    \b
    Examples:
      reconciler schema print manifest > manifest.schema.json
      reconciler schema print plan
    """
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
        SchemaName.BROKER_OPERATION: shape.broker_operation_schema,
        SchemaName.BROKER_ENV: shape.broker_env_schema,
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
        SchemaName.RECONNECT: answer_shape.reconnect_schema,
        SchemaName.CONFIRMATION: answer_shape.confirmation_schema,
        SchemaName.ADOPT: adoption_shape.adoption_schema,
        SchemaName.MONITOR: watch_shape.watch_schema,
        SchemaName.MONITOR_NEWS: watch_shape.news_schema,
        SchemaName.MONITOR_AGENT: watch_shape.sight_schema,
    }
    tell_json(makers[name](), indent=2)
    return ExitCode.OK


def schema_check(
    name: Annotated[SchemaName, typer.Argument(help="Name of the schema")],
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="YAML or JSON files", show_default=False)],
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
