"""The noted projects: the JSON documents, and their texts."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from datetime import datetime

from reconciler.model.project_note import ListedProject

from .documents import FORMAT_VERSION
from .documents.projects import NotedProjectDoc, ProjectsDoc
from .documents.projects_forget import ForgottenDoc
from .status import age
from .table import table

_COLUMNS = ("PROJECT", "STANDING", "APPLIED", "SOCKET", "REGISTRY")
_USUAL_REGISTRY = "/.hermes/agent-sessions.yaml"


def projects_document(folder: str, listed: Iterable[ListedProject]) -> ProjectsDoc:
    """The document of `projects list --json`."""
    return {"format_version": FORMAT_VERSION, "folder": folder, "projects": [_row(each) for each in listed]}


def _row(listed: ListedProject) -> NotedProjectDoc:
    note = listed.note
    return {
        "root": note.root if note else None,
        "registry": note.registry if note else None,
        "socket": note.socket if note else None,
        "applied": (note.applied or None) if note else None,
        "standing": listed.standing.value,
        "reason": listed.reason,
        "file": listed.file,
    }


def forgotten_document(listed: ListedProject) -> ForgottenDoc:
    """The document of `projects forget --json`."""
    return {
        "format_version": FORMAT_VERSION,
        "root": listed.note.root if listed.note else None,
        "file": listed.file,
        "undo": _way_back(listed),
    }


def _way_back(listed: ListedProject) -> str:
    note = listed.note
    if note is None:
        return "run `reconciler apply` in the project"
    own = note.registry == note.root + _USUAL_REGISTRY
    chosen = "" if own else f" --registry {shlex.quote(note.registry)}"
    return f"reconciler -C {shlex.quote(note.root)}{chosen} apply"


def projects_text(document: ProjectsDoc, now: datetime) -> Iterator[str]:
    """One line per project; then why some are not where they were, and how to forget them."""
    projects = document["projects"]
    if not projects:
        yield "No project is noted. `reconciler apply` notes its project."
        return
    yield from table([_COLUMNS, *(_cells(each, now) for each in projects)])
    elsewhere = [each for each in projects if each["standing"] != "here"]
    if elsewhere:
        yield ""
        yield from (f"{_name(each)}: {each['reason']}" for each in elsewhere)
    if any(each["standing"] == "gone" for each in projects):
        yield ""
        yield "The disk of a project that is gone may not be mounted. If it is gone for good:"
    gone = [each["root"] for each in projects if each["standing"] == "gone" and each["root"]]
    yield from (f"  reconciler projects forget {shlex.quote(root)}" for root in gone)


def forgotten_text(document: ForgottenDoc) -> Iterator[str]:
    """What was forgotten, and how to undo it."""
    yield f"Forgot {document['root'] or document['file']}. Nothing in it was changed; its agents keep running."
    yield f"  to note it again: {document['undo']}"


def _cells(project: NotedProjectDoc, now: datetime) -> tuple[str, ...]:
    root, registry = project["root"] or "", project["registry"] or ""
    usual = registry == root + _USUAL_REGISTRY
    return (
        _name(project),
        project["standing"],
        age(project["applied"], now),
        project["socket"] or "-",
        "" if usual else registry,
    )


def _name(project: NotedProjectDoc) -> str:
    return project["root"] or project["file"]
