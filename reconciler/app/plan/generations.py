"""Store each apply as a generation: once before it begins, and again when it has ended."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from typing import cast

from msgspec.structs import replace

from reconciler import __version__
from reconciler.app.plan.make import Planned
from reconciler.app.project.manifests import manifest_paths
from reconciler.app.project.project import Project
from reconciler.broker.files.layout import ACL, CONF
from reconciler.kinds.agent.rows import rests_by_hand
from reconciler.model.desired import Desired
from reconciler.model.digits import number_in
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.generation import AgentThen, Author, Generation, GenerationResult, ManifestFile
from reconciler.model.manifest_edit import Restore
from reconciler.model.observed import Present
from reconciler.model.record import Json, Record, SessionRow
from reconciler.model.snapshot import Snapshot
from reconciler.plan.request import Request
from reconciler.render.documents.plan import PlanDoc
from reconciler.state import generations
from reconciler.state.generations import RetentionPolicy

_NOT_LOOKED = Snapshot()
COUNT, AGE = "RECONCILER_HISTORY", "RECONCILER_HISTORY_AGE"


def begin(at: Project, planned: Planned, document: PlanDoc, author: Author) -> Generation:
    """Store what is about to be done, with its manifests; the caller holds the lock.

    Raises:
        UsageError: A variable that limits the history has an invalid value.
        ReconcilerError: It cannot be written; the apply must not begin.
    """
    _limits(at.env)  # report a mistake in it before anything is done
    request = planned.request
    generation = Generation(
        number=generations.next_number(at.generations),
        at=planned.options.now,
        operation=request.operation,
        author=author,
        tool_version=__version__,
        manifests=tuple(_kept(at, path, data, planned) for path, data in _followed(at, planned).items()),
        plan=cast(Mapping[str, Json], document),
        reason=request.reason,
        automatic=request.automatic,
        narrowed=bool(request.paths),
        before=agents_then(planned.stored.record, planned.snapshot),
    )
    generations.write(at.generations, generation)
    return generation


def finish(at: Project, generation: Generation, result: GenerationResult) -> None:
    """Store the result, and delete generations that are too old."""
    generations.write(at.generations, replace(generation, result=result))
    generations.prune(at.generations, _limits(at.env), at.now())


def follows_others(at: Project, planned: Planned) -> bool:
    """Whether the manifests differ from those of the newest generation."""
    newest = next(generations.newest_first(at.generations), None)
    now = {(_portable(at, path), sha256(data).hexdigest()) for path, data in _followed(at, planned).items()}
    return newest is None or now != {(each.path, each.digest) for each in newest.manifests}


def left_as_now(at: Project, planned: Planned, number: int) -> bool:
    """Whether the manifests, before the edits of this apply, are those that generation `number` left."""
    then = generations.read(at.generations, number)
    before = {edit.path: edit.before for edit in planned.request.edits}
    contents = {path: before.get(path, data) for path, data in _stored(at, planned).items()}
    now = {(_portable(at, path), sha256(data).hexdigest()) for path, data in contents.items()}
    return not then.narrowed and now == {(each.path, each.digest) for each in then.manifests}


def agents_then(record: Record, snapshot: Snapshot = _NOT_LOOKED) -> dict[str, AgentThen]:
    """Every managed agent as recorded, with the conversation that the agent itself reports."""
    rows = (row for row in record.sessions.values() if row.managed)
    return {str(row.address): _agent_then(row, record, snapshot) for row in rows}


def _agent_then(row: SessionRow, record: Record, snapshot: Snapshot) -> AgentThen:
    identity = record.identity(row.address, row)
    live = snapshot.agents.get(row.address)
    conversation = (live.conversation if live else "") or identity.session_id or ""
    return AgentThen(row.session, row.status.value, conversation, rests_by_hand(row))


def rendered(at: Project, desired: Desired) -> dict[str, dict[str, str]]:
    """The digests of each broker's files that contain no secret, by broker and path."""
    return {str(broker.address): dict(_digests(at, broker.directory)) for broker in desired.brokers.values()}


def _digests(at: Project, directory: str) -> Iterator[tuple[str, str]]:
    for path in (CONF, ACL):
        found = at.files.read(os.path.join(directory, path), 64 << 20)
        if isinstance(found, Present):
            yield path, sha256(found.value).hexdigest()


def _stored(at: Project, planned: Planned) -> dict[str, bytes]:
    """The manifests by absolute path, without included files of others: a rollback must not change those."""
    given = {*manifest_paths(at, planned.request.paths)}
    inside = os.path.join(at.root, "")
    return {path: each.data for path, each in planned.sources.items() if path in given or path.startswith(inside)}


def _followed(at: Project, planned: Planned) -> dict[str, bytes]:
    """The manifests by absolute path, with the edits that this apply makes."""
    edited = {edit.path: edit.after for edit in planned.request.edits}
    contents = _stored(at, planned)
    return {path: data for path, data in {**contents, **edited}.items() if data is not None}


def _kept(at: Project, path: str, data: bytes, planned: Planned) -> ManifestFile:
    return ManifestFile(_portable(at, path), generations.keep(at.generations, data), _mode(path, planned.request))


def _mode(path: str, request: Request) -> int:
    """The file mode that the manifest has, or will get."""
    with suppress(FileNotFoundError):
        return os.stat(path).st_mode & 0o777
    restored = (edit.mode for edit in request.edits if isinstance(edit, Restore) and edit.path == path)
    return next(restored, 0o600)


def _portable(at: Project, path: str) -> str:
    inside = path.startswith(f"{at.root}{os.sep}")
    return os.path.relpath(path, at.root) if inside else path


def _limits(env: Mapping[str, str]) -> RetentionPolicy:
    standard = RetentionPolicy()
    count, age = env.get(COUNT, ""), env.get(AGE, "")
    kept = number_in(count) if count else standard.count
    if kept is None:
        raise UsageError(f"{COUNT} is not a number: {count!r}", fix=f"set how many generations to keep: {COUNT}=100")
    return RetentionPolicy(kept, timedelta(seconds=seconds(age)) if age else standard.age)
