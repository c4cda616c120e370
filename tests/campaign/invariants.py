"""What must be true whatever goes wrong: after the fault, and after the same command was run again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import jsonschema
from project import SCHEMAS

from .operations import Operation
from .scene import Scene, agents, is_ours, is_temporary

CODES = frozenset({*range(10), 64, 130})
KILLED = frozenset({-9, -15})
TRACEBACKS = ("Traceback (most recent call last)", "Exception ignored in", "RuntimeWarning", "failed unexpectedly")


class Case(NamedTuple):
    """A command with a fault, what it said, and the world before and after it."""

    operation: Operation
    code: int
    said: str
    before: Scene
    after: Scene
    killed: bool = False


Invariant = Callable[[Case], Iterator[str]]


def exit_code(case: Case) -> Iterator[str]:
    """The exit code is in the table; only who was killed has none."""
    allowed = CODES | KILLED if case.killed else CODES
    if case.code not in allowed:
        yield f"exit code {case.code}"


def no_traceback(case: Case) -> Iterator[str]:
    """What went wrong is told in words."""
    for mark in TRACEBACKS:
        if mark in case.said:
            yield f"{mark}: ...{case.said[-500:]}"


def says_why(case: Case) -> Iterator[str]:
    """A failure says something."""
    if case.code == 1 and not case.said.strip():
        yield "exit code 1, and not a word"


def ids_stay(case: Case) -> Iterator[str]:
    """An id that was recorded stays recorded."""
    for lost in sorted(case.before.ids - case.after.ids):
        yield f"the id {lost} is gone from the registry"


def registry_is_whole(case: Case) -> Iterator[str]:
    """The registry is a valid one, and so is its copy."""
    if case.before.registry is not None and case.after.registry is None:
        yield "the registry is gone"
    for name, document in (("the registry", case.after.registry), (".bak", case.after.kept)):
        if isinstance(document, Exception):
            yield f"{name} cannot be read: {document}"
        elif document is not None and (error := _fault_of(document, "registry")):
            yield f"{name} is not valid: {error}"


def foreign_sessions_live(case: Case) -> Iterator[str]:
    """A session without our tags keeps its name and its process, and gets no tags."""
    for name, was in case.before.sessions.items():
        if was.tags.strip() or name in case.operation.adopts:
            continue
        if case.after.sessions.get(name) != was:
            yield f"the foreign session {name} was {was} and is {case.after.sessions.get(name)}"


def the_living_live(case: Case) -> Iterator[str]:
    """No process of an agent ends but of those that the command is there to end."""
    for name, was in case.before.sessions.items():
        if name in case.operation.ends or not was.tags.strip() or was.dead == "1":
            continue
        process = case.before.processes.get(was.pid)
        if process and not _lives(process.pid, process.started, case.after):
            yield f"the agent of {name}, process {was.pid}, was ended"


def one_process_each(case: Case) -> Iterator[str]:
    """No conversation is open in two processes."""
    for conversation, processes in agents(case.after).items():
        if len(processes) > 1:
            yield f"{conversation} runs {len(processes)} times: {processes}"


def others_files_stay(case: Case) -> Iterator[str]:
    """Nothing outside of the program's own folders changes, but a manifest that it is told to edit."""
    for path, was in case.before.files.items():
        if not _is_watched(path, case):
            continue
        now = case.after.files.get(path)
        if now is None or (now.digest, now.mode) != (was.digest, was.mode):
            yield f"{path} was {'removed' if now is None else 'changed'}"
    for path in sorted(set(case.after.files) - set(case.before.files)):
        if _is_watched(path, case) and not is_temporary(path):
            yield f"{path} appeared"


def jobs_are_whole(case: Case) -> Iterator[str]:
    """No record is lost, and each is a valid one."""
    for lost in sorted(set(case.before.jobs) - set(case.after.jobs)):
        yield f"the record of job {lost} is gone"
    for job, document in case.after.jobs.items():
        if isinstance(document, Exception):
            yield f"the record of job {job} cannot be read: {document}"
        elif error := _fault_of(document, "job"):
            yield f"the record of job {job} is not valid: {error}"


def completion_is_signed(case: Case) -> Iterator[str]:
    """A job is completed only when its agent has said so, and only then does a wait for it succeed."""
    ended = {job: _is_completed(document) for job, document in case.after.jobs.items()}
    for job in (job for job, is_completed in ended.items() if is_completed):
        if not any(f"/jobs/{job}/outbox/" in path and path.endswith(".completed") for path in case.after.files):
            yield f"job {job} is completed, and nobody has said so"
    waited = case.operation.words[:2] == ("job", "wait") and case.code == 0
    for job in case.before.jobs if waited else ():
        if not ended.get(job):
            yield f"the wait for job {job} succeeded, which is {case.after.jobs.get(job)}"


def told_once(case: Case) -> Iterator[str]:
    """No agent gets the prompt of a job twice."""
    for job, count in case.after.told.items():
        if count > 1:
            yield f"job {job} was typed {count} times"


def nothing_leaks(case: Case) -> Iterator[str]:
    """No token and no password is anywhere but in its own file: not in the output, not in an argument."""
    for path in case.after.leaks:
        yield f"{path} holds a secret of a job or of a broker"
    tokens = [document["auth_token"] for document in case.after.jobs.values() if isinstance(document, dict)]
    if any(secret in case.said for secret in ("secret-of-", *tokens)):
        yield "the output holds a secret of a job or of a broker"


def secrets_are_private(case: Case) -> Iterator[str]:
    """A file with a secret is for its owner alone, and only a killed process leaves one behind."""
    for path, file in case.after.files.items():
        if file.secret and file.mode & 0o077:
            yield f"{path} holds a secret, with the mode {file.mode:o}"
        if file.secret and is_temporary(path) and not case.killed:
            yield f"{path} was left behind with a secret in it"


def nothing_is_left(case: Case) -> Iterator[str]:
    """No temporary file, no session that only held the server, no process beside the panes', no lock."""
    for path, file in case.after.files.items():
        if is_temporary(path) or path.endswith(".hermes/lock"):
            yield f"left behind: {path}{' with a secret in it' if file.secret else ''}"
    for name in case.after.sessions:
        if name.startswith("_reconciler"):
            yield f"left behind: the session {name}"
    known = {case.after.server, *(each.pid for each in case.after.sessions.values()), *case.before.processes}
    for process in case.after.processes.values():
        expected = case.operation.broker and process.words[:1] == ("mosquitto",)
        if process.pid not in known and not expected:
            yield f"left behind: {' '.join(process.words)}"


def the_wanted_live(case: Case) -> Iterator[str]:
    """In the end those agents live that should, each tagged, and the broker where there should be one."""
    brokers = [each.pid for each in case.after.processes.values() if each.words[:1] == ("mosquitto",)]
    if len(brokers) != case.operation.broker:
        yield f"{len(brokers)} brokers run"
    living = {name for name, each in case.after.sessions.items() if each.tags.strip() and each.dead != "1"}
    if living != case.operation.lives:
        yield f"living are {sorted(living)}, wanted {sorted(case.operation.lives)}"


ALWAYS: Mapping[str, Invariant] = MappingProxyType(
    {
        "exit code": exit_code,
        "no traceback": no_traceback,
        "says why": says_why,
        "ids stay": ids_stay,
        "registry is whole": registry_is_whole,
        "foreign sessions live": foreign_sessions_live,
        "the living live": the_living_live,
        "one process each": one_process_each,
        "others' files stay": others_files_stay,
        "secrets are private": secrets_are_private,
        "jobs are whole": jobs_are_whole,
        "completion is signed": completion_is_signed,
        "told once": told_once,
        "nothing leaks": nothing_leaks,
    }
)
IN_THE_END: Mapping[str, Invariant] = MappingProxyType(
    {**ALWAYS, "nothing is left": nothing_is_left, "the wanted live": the_wanted_live}
)


def violations(case: Case, invariants: Mapping[str, Invariant] = ALWAYS) -> list[str]:
    """Everything that is not as it must be, each with the name of what it breaks."""
    return [f"{name}: {each}" for name, check in invariants.items() for each in check(case)]


def _is_watched(path: str, case: Case) -> bool:
    if is_ours(path) or path.startswith(("said/", "run/", "tmp/", ".claude")) or path == "log":
        return False
    return path not in case.operation.writes


def _lives(pid: int, started: str, scene: Scene) -> bool:
    process = scene.processes.get(pid)
    return process is not None and process.started == started


def _is_completed(document: Any) -> bool:
    return isinstance(document, dict) and document.get("status") == "completed"


def _fault_of(document: Any, schema: str) -> str:
    errors = _validator(schema).iter_errors(json.loads(json.dumps(document, default=str)))
    error = jsonschema.exceptions.best_match(errors)
    return error.message if error else ""


@cache
def _validator(schema: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))
