"""One look at everything that a fault could have hurt: a frozen picture that the invariants compare."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml
from project import Project, arguments, environment, runs

from .lab import SECRET

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RECORD = re.compile(r"project/\.mam/jobs/[^/]+")
_ORDER = re.compile(r"project/\.mam/jobs/[^/]+/order\.json")  # what travels, which has the token of its job
_TOLD = re.compile(r'Your job_id is "([^"]+)"')
_OURS = (".hermes", ".mam", ".cache", "delegate_job_logs")
_NOTES = ".local/state/reconciler/projects/"
_PRIVATE = re.compile(rb"PRIVATE KEY|secret-of-|\"auth_token\": ?\"[0-9a-f]{64}|" + SECRET.encode())
_TEMPORARY = re.compile(r"\.tmp$|\.new$|\.aside$|/lock\.\d+|/reconciler-|\.[0-9a-f]{8}$")


class Process(NamedTuple):
    """A process with the project's home: when it started tells it from a later one of its id."""

    pid: int
    started: str
    words: tuple[str, ...]


class File(NamedTuple):
    mode: int
    digest: str
    secret: bool


class Session(NamedTuple):
    """A session as tmux tells it; `tags` are what we put on it."""

    name: str
    pid: int
    dead: str
    tags: str


class Scene(NamedTuple):
    """`jobs` are the records as they are on disk, `told` how often an agent got the instructions of each.

    `leaks` are the places of a job's token, or of a broker's password, where none may be.
    """

    registry: Any
    kept: Any
    server: int
    ids: frozenset[str]
    sessions: Mapping[str, Session]
    processes: Mapping[int, Process]
    files: Mapping[str, File]
    jobs: Mapping[str, Any] = MappingProxyType({})
    told: Mapping[str, int] = MappingProxyType({})
    leaks: tuple[str, ...] = ()


def look(project: Project) -> Scene:
    """The registry, the server, the processes and the files of a project, all seen with other eyes than its own."""
    registry, jobs = _yaml(project.registry), documents(project.root)
    return Scene(
        registry=registry,
        kept=_yaml(project.registry.with_name(project.registry.name + ".bak")),
        server=int(project.tmux("display-message", "-p", "#{pid}") or 0),
        ids=frozenset(_ID.findall(_ids_of(registry))),
        sessions={each.name: each for each in _sessions(project)},
        processes={each.pid: each for each in _processes(project)},
        files=dict(_files(project)),
        jobs=jobs,
        told=_told(project) if jobs else {},
        leaks=tuple(_leaks(project, jobs)) if jobs else (),
    )


def documents(root: Path) -> dict[str, Any]:
    """The job records by the id; the error in place of one that is no document."""
    found: dict[str, Any] = {}
    for path in sorted((root / ".mam" / "jobs").glob("*.json")):
        try:
            found[path.stem] = json.loads(path.read_bytes())
        except ValueError as error:
            found[path.stem] = error
    return found


def agents(scene: Scene) -> dict[str, list[Process]]:
    """The agents that run, by their conversation; a launcher that has not become one yet counts."""
    found: dict[str, list[Process]] = {}
    for each in scene.processes.values():
        if any(word.endswith("/talker") for word in each.words) and each.words[-2:-1]:
            found.setdefault(each.words[-1], []).append(each)
    return found


def is_ours(path: str) -> bool:
    """Whether the program keeps this file for itself; `path` is below the home."""
    parts = path.split("/")
    return path.startswith(_NOTES) or (parts[0] == "project" and len(parts) > 1 and parts[1] in _OURS)


def is_temporary(path: str) -> bool:
    """Whether a file is of a moment, or is in a folder for such."""
    return bool(_TEMPORARY.search(path)) or path.startswith(("run/", "tmp/"))


def _told(project: Project) -> Counter[str]:
    said = "\n".join(text for texts in project.transcripts().values() for text in texts)
    return Counter(_TOLD.findall(said))


def _leaks(project: Project, jobs: Mapping[str, Any]) -> Iterator[str]:
    tokens = [job["auth_token"].encode() for job in jobs.values() if isinstance(job, dict)]
    secrets = [b"secret-of-", *tokens]
    for path, content in project.files().items():
        is_its_place = path == "worker.password" or _RECORD.fullmatch(path) or _ORDER.fullmatch(path)
        if not is_its_place and any(secret in content for secret in secrets):
            yield path


def _yaml(path: Path) -> Any:
    """The document; None without a file, and the error where it cannot be read."""
    try:
        return yaml.load(path.read_bytes(), yaml.CSafeLoader)
    except FileNotFoundError:
        return None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return error


def _ids_of(registry: Any) -> str:
    """What stands where the registry keeps ids of conversations."""
    if not isinstance(registry, dict):
        return ""
    places = [registry.get("workspaces"), registry.get("sessions")]
    rows = [row for place in places if isinstance(place, dict) for row in place.values() if isinstance(row, dict)]
    return repr([{k: v for k, v in row.items() if k == "agent_identities" or "session_id" in k} for row in rows])


def _sessions(project: Project) -> Iterator[Session]:
    tags = "#{@reconciler_lineage} #{@reconciler_address} #{@reconciler_session_id}"
    rows = project.tmux("list-panes", "-a", "-F", f"#{{session_name}}\t#{{pane_pid}}\t#{{pane_dead}}\t{tags}")
    for row in rows.splitlines():
        name, pid, dead, rest = row.split("\t")
        yield Session(name, int(pid), dead, rest)


def _processes(project: Project) -> Iterator[Process]:
    for pid in project.processes():
        if runs(pid):
            yield Process(pid, _started(pid), tuple(arguments(pid)))


def _started(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _files(project: Project) -> Iterator[tuple[str, File]]:
    for folder, _, names in os.walk(project.home):
        for name in names:
            path = os.path.join(folder, name)
            with suppress(FileNotFoundError):  # of a moment: who is at work has just renamed or removed it
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode):
                    yield os.path.relpath(path, project.home), _file(status.st_mode, Path(path).read_bytes())


def _file(mode: int, content: bytes) -> File:
    return File(stat.S_IMODE(mode), hashlib.sha256(content).hexdigest(), bool(_PRIVATE.search(content)))


def has_secret(pid: int) -> bool:
    """Whether the process has the secret that its manifest names."""
    return SECRET in environment(pid).get("TOKEN", "")
