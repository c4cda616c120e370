"""Store each apply as a generation, with the manifests it used; equal contents are stored once.

A generation is `NNNN.json`, a manifest is `objects/SHA256`. Files are written under another name, synced and renamed,
and a manifest before the generation that names it. So a crash leaves only complete generations.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from msgspec import Struct, to_builtins

from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.generation import AgentThen, Author, Generation, GenerationResult, ManifestFile
from reconciler.model.moment import parse_zoned
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.read_json import read_json
from reconciler.model.shaped import shaped, table
from reconciler.ports.world import Files

FORMAT_VERSION = "1.0"
_LARGEST = 256 << 20
_NAME = re.compile(r"(\d{4,})\.json")


class Store(Struct, frozen=True):
    """The folder of the generations, and the port to files."""

    folder: str
    files: Files

    def path(self, number: int) -> str:
        """The file of one generation."""
        return os.path.join(self.folder, f"{number:04}.json")

    def object_path(self, digest: str) -> str:
        """The file of the content with this SHA-256."""
        return os.path.join(self.folder, "objects", digest)


class RetentionPolicy(Struct, frozen=True):
    """Which generations `prune` keeps."""

    count: int = 100
    """At most so many."""
    age: timedelta = timedelta(days=180)
    """None older than this."""
    least: int = 10
    """Of the newest, at least so many, whatever their age."""


def numbers(store: Store) -> list[int]:
    """The numbers of the stored generations, oldest first.

    Raises:
        ReconcilerError: The folder cannot be read.
    """
    try:
        names = os.listdir(store.folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ReconcilerError(f"the history cannot be read: {store.folder}", detail=str(error)) from error
    return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))


def next_number(store: Store) -> int:
    """The number for the next generation; the caller must hold the lock."""
    return max(numbers(store), default=0) + 1


def read(store: Store, number: int) -> Generation:
    """Read one generation.

    Raises:
        UsageError: There is no generation with this number.
        ReconcilerError: It cannot be read or is damaged.
    """
    match store.files.read(store.path(number), _LARGEST):
        case Present(data):
            return _understood(store.path(number), data)
        case Absent():
            raise UsageError(f"there is no generation {number}", fix="list them with `reconciler history`")
        case Unknown(reason):
            raise ReconcilerError(f"generation {number} cannot be read", detail=reason)


def newest_first(store: Store) -> Iterator[Generation]:
    """Yield the generations, newest first; damaged ones are skipped."""
    for number in reversed(numbers(store)):
        with suppress(ReconcilerError):
            yield read(store, number)


def agents_left(store: Store, generation: Generation) -> Mapping[str, AgentThen] | None:
    """The agents before the next generation, which may differ from what this one made.

    If all later generations are damaged, the agents as this one made them. None for the newest generation: look at the
    live agents instead.
    """
    later = [number for number in numbers(store) if number > generation.number]
    for number in later:
        with suppress(ReconcilerError):
            return read(store, number).before
    made = generation.result.agents if generation.result else generation.before
    return made if later else None


def write(store: Store, generation: Generation) -> None:
    """Write a generation, or replace it when more is known about it.

    Raises:
        ReconcilerError: It cannot be written.
    """
    document = {"format_version": FORMAT_VERSION, **to_builtins(generation)}
    store.files.make_folder(store.folder, 0o700)
    store.files.write(store.path(generation.number), json.dumps(document, separators=(",", ":")).encode())


def keep(store: Store, data: bytes) -> str:
    """Store a content if it is new, and return its SHA-256, with which `content` finds it."""
    digest = sha256(data).hexdigest()
    path = store.object_path(digest)
    if not os.path.lexists(path):
        store.files.make_folder(os.path.dirname(store.folder), 0o700)
        store.files.make_folder(store.folder, 0o700)
        store.files.make_folder(os.path.dirname(path), 0o700)
        store.files.write(path, data)
    return digest


def content(store: Store, digest: str) -> bytes:
    """Return the stored content with this SHA-256.

    Raises:
        ReconcilerError: It is missing or was changed.
    """
    found = store.files.read(store.object_path(digest), _LARGEST)
    if isinstance(found, Present) and sha256(found.value).hexdigest() == digest:
        return found.value
    raise ReconcilerError(
        "a manifest of this generation is missing from the history, or was changed",
        detail=store.object_path(digest),
        fix="choose another generation with `reconciler history`",
    )


def prune(store: Store, limits: RetentionPolicy, now: datetime) -> None:
    """Delete generations beyond the limits, and contents that no generation uses any more."""
    kept = numbers(store)
    spare = kept[: max(len(kept) - limits.least, 0)]
    outdated = [number for place, number in enumerate(spare) if len(kept) - place > limits.count]
    outdated += _outdated(store, spare[len(outdated) :], now - limits.age)
    for number in outdated:
        with suppress(OSError):
            os.unlink(store.path(number))
    if outdated:
        _sweep(store)


def _outdated(store: Store, candidates: Iterable[int], limit: datetime) -> Iterator[int]:
    """The candidates older than `limit`, oldest first. Stops at the first younger one, and skips damaged ones."""
    for number in candidates:
        with suppress(ReconcilerError):
            if parse_zoned(read(store, number).at) >= limit:
                return
            yield number


def _sweep(store: Store) -> None:
    left = list(newest_first(store))
    if len(left) < len(numbers(store)):  # a damaged generation may still use any of the contents
        return
    used = {manifest.digest for generation in left for manifest in generation.manifests}
    with suppress(OSError):
        for name in os.listdir(os.path.join(store.folder, "objects")):
            if name not in used:
                os.unlink(store.object_path(name))


# --- from the file ----------------------------------------------------------------------------


def _understood(path: str, data: bytes) -> Generation:
    try:
        return _generation(table(read_json(data)))
    except ValueError as error:
        raise ReconcilerError(f"{path} is not a readable generation", detail=str(error)) from error


def _generation(document: Mapping[str, Any]) -> Generation:
    result, manifests = document.get("result"), document.get("manifests")
    if not isinstance(manifests, list):
        raise ValueError("`manifests` is not a list")
    found = shaped(
        Generation,
        document,
        author=shaped(Author, document.get("author")),
        manifests=tuple(shaped(ManifestFile, each) for each in manifests),
        before=_agents(document.get("before")),
        plan=table(document.get("plan")),
        result=None if result is None else _result(table(result)),
    )
    parse_zoned(found.at)
    return found


def _result(document: Mapping[str, Any]) -> GenerationResult:
    events, brokers = document.get("events"), table(document.get("brokers", {}))
    if not isinstance(events, list):
        raise ValueError("`events` is not a list")
    found = shaped(
        GenerationResult,
        document,
        summary={name: _count(each) for name, each in table(document.get("summary")).items()},
        events=tuple(map(table, events)),
        agents=_agents(document.get("agents")),
        brokers={address: table(files) for address, files in brokers.items()},
    )
    parse_zoned(found.finished)
    return found


def _agents(document: object) -> dict[str, AgentThen]:
    return {address: shaped(AgentThen, each) for address, each in table(document).items()}


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("`summary` has a value that is not a whole number")
    return value
