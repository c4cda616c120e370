"""The project's manifests: find them, load them, and apply edits to them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar, cast

from msgspec.structs import replace

from reconciler import __version__
from reconciler.agents.catalogue import BUILT_IN, installed
from reconciler.app.project.included import with_included
from reconciler.app.project.places import manifests_in, own_manifests
from reconciler.app.project.project import Project
from reconciler.manifest import (
    HOST_VALUES,
    PROFILES,
    Include,
    Loaded,
    ManifestContext,
    Source,
    host_values,
    includes,
    load,
    remembered,
)
from reconciler.model.address import parse_address
from reconciler.model.broker import Broker
from reconciler.model.desired import Agent, Desired, Socket
from reconciler.model.errors import InvalidManifest, ReconcilerError, UsageError
from reconciler.model.manifest_edit import Edit, Restore
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.record import Json, Record, SessionRow, Status
from reconciler.state.cache import recall, remember

T = TypeVar("T")

OWN_BROKER = os.path.join(".hermes", "broker", "broker.yaml")  # of `reconciler broker init`, below the project's folder


def manifest_paths(at: Project, given: Sequence[str]) -> list[str]:
    """The paths of the given manifests (a folder means its *.yaml files), else of the project's own."""
    return [path for each in given for path in _expanded(each)] if given else own_manifests(at.root)


def _expanded(path: str) -> list[str]:
    return manifests_in(path) if os.path.isdir(path) else [os.path.abspath(path)]


def manifest_sources(at: Project, given: Sequence[str], edits: Iterable[Edit | Restore] = ()) -> dict[str, Source]:
    """The manifests by absolute path, with the edits applied. Raises UsageError if there is none."""
    edited = {edit.path: edit.after for edit in edits}
    paths = dict.fromkeys([*manifest_paths(at, given), *edited])
    kept = [path for path in paths if edited.get(path, b"") is not None]
    if not kept:
        raise UsageError(f"there is no manifest in {at.root}", fix="write one with `reconciler init`, or name it")
    sources = {path: _source(at, path, edited.get(path)) for path in kept}
    if not any(b"include" in source.data for source in sources.values()):
        return sources

    def included(source: Source) -> tuple[Include, ...]:
        return includes(source, _known(at, [source]))

    return with_included(sources, at.home, included, partial(read_manifest, at))


def _source(at: Project, path: str, edited: bytes | None) -> Source:
    return read_manifest(at, path) if edited is None else Source(display_path(path), edited)


def load_manifests(at: Project, given: Sequence[str], edits: Iterable[Edit | Restore] = ()) -> Loaded:
    """What the manifests declare with the edits applied. Raises InvalidManifest with all mistakes, or UsageError."""
    return loaded_from(at, list(manifest_sources(at, given, edits).values()))


def loaded_from(at: Project, sources: Sequence[Source], profiles: Iterable[str] | None = None) -> Loaded:
    """What these manifests declare together. Raises InvalidManifest with all mistakes.

    `profiles` are the active ones; None for those of the environment.
    """
    env = variables(at) if profiles is None else {**variables(at), PROFILES: ",".join(profiles)}
    around = ManifestContext(at.root, at.home, env, os.path.basename(at.root))
    known = _known(at, sources)
    try:
        return load(sources, around, frozenset(BUILT_IN), known)
    except InvalidManifest:
        if not installed():
            raise
        # looking through all packages is slow: only a manifest that would be refused is worth it
        return load(sources, around, frozenset({*BUILT_IN, *installed()}), known)


def variables(at: Project) -> Mapping[str, str]:
    """What `${NAME}` stands for: the values of this host in `reconciler.env.yaml`, then the environment.

    The file comes first, so that the same plan is made over ssh, by a timer and at a terminal.
    """
    path = os.path.join(at.root, HOST_VALUES)
    if not os.path.lexists(path):
        return at.env
    return {**at.env, **host_values(read_manifest(at, path))}


def load_source(at: Project, source: Source) -> Loaded:
    """What one manifest that was already read declares; raises as `load_manifests`."""
    return load(
        [source], ManifestContext(at.root, at.home, variables(at), os.path.basename(at.root)), frozenset(BUILT_IN)
    )


def broker_of(at: Project, desired: Desired) -> Broker | None:
    """The broker that the manifests declare, else that of `reconciler broker init`, unless MQTT_BROKER names another.

    Raises:
        UsageError: Several are declared.
        InvalidManifest, ReconcilerError: The broker's own manifest cannot be used.
    """
    brokers = list(desired.brokers.values())
    own = os.path.join(at.root, OWN_BROKER)
    if not brokers and not at.env.get("MQTT_BROKER") and os.path.lexists(own):
        brokers = list(load_source(at, read_manifest(at, own)).desired.brokers.values())
    if len(brokers) > 1:
        names = ", ".join(str(broker.address) for broker in brokers)
        raise UsageError(f"several brokers are declared: {names}", fix="keep one, or name one with MQTT_BROKER")
    return brokers[0] if brokers else None


def nothing_declared(at: Project, record: Record) -> Desired:
    """What a project without manifests declares: nothing, on the tmux server that its registry knows."""
    return Desired(os.path.basename(at.root), recorded_socket(at, record), {}, {}, {}, "")


def recorded_socket(at: Project, record: Record) -> Socket:
    """The recorded tmux server; the default one if several are recorded. $TMUX_SERVER_NAME comes first."""
    servers = {row.server.path or row.server.socket for row in record.sessions.values() if row.server}
    if at.env.get("TMUX_SERVER_NAME") or len(servers) != 1:
        return Socket()
    label = servers.pop()
    return Socket(path=label) if os.path.isabs(label) else Socket(name=label)


def as_recorded(at: Project, record: Record) -> Desired:
    """The recorded agents of a project without manifests, as a `Desired` that suffices to look at and to stop them.

    Agents with an unknown type or without a recorded folder are left out.
    """
    rows = (row for row in record.sessions.values() if row.managed and row.status is not Status.ARCHIVED)
    agents = {row.address: _recorded(row, record) for row in rows if row.type in BUILT_IN}
    known = {address: spec for address, spec in agents.items() if spec.cwd}
    return replace(nothing_declared(at, record), agents=known)


def _recorded(row: SessionRow, record: Record) -> Agent:
    home = record.workspaces.get(row.workspace)
    folders = (
        row.started_with.cwd if row.started_with else "",
        home.path if home else "",
        row.pane.cwd if row.pane else "",
    )
    return Agent(
        address=row.address,
        session=row.session,
        type=row.type,
        role=row.role,
        cwd=next(filter(None, folders), ""),
        protect=row.protect,
        depends_on=tuple(filter(None, map(parse_address, row.depends_on))),
    )


def _known(at: Project, sources: Sequence[Source]) -> dict[str, Json]:
    """The cached results for manifests that were checked before, by digest."""
    digests = (hashlib.sha256(source.data).hexdigest() for source in sources)
    found = {digest: recall(_manifest_cache(at), digest) for digest in digests}
    return {digest: content for digest, content in found.items() if content is not None}


def remember_looks(at: Project, loaded: Loaded) -> None:
    """Cache parsed manifests and looks at brokers for the next plan. Only apply calls this: a plan writes nothing."""
    for document in loaded.documents:
        if recall(_manifest_cache(at), document.digest) is None:
            remember(_manifest_cache(at), document.digest, remembered(document))
    for broker in loaded.desired.brokers.values():
        at.brokers.remember(broker)


def _manifest_cache(at: Project) -> str:
    return os.path.join(at.state, "cache", f"manifests-{__version__}")


def read_manifest(at: Project, path: str) -> Source:
    """The manifest as it is now. Raises UsageError if it does not exist."""
    match at.files.read(path, 64 << 20):
        case Present(data):
            return Source(display_path(path), data)
        case Absent():
            raise UsageError(f"{display_path(path)} does not exist", fix="check the path")
        case Unknown(reason):
            raise ReconcilerError(f"{display_path(path)} cannot be read", detail=reason)


def display_path(path: str) -> str:
    """The path as shown to the user: relative to the current folder if that is shorter."""
    return os.path.relpath(path) if path.startswith(os.getcwd()) else path


def in_project(at: Project, document: T) -> T:
    """The document with each `file` relative to the project folder, wherever the command runs.

    The paths in `document` are as `display_path` makes them.
    """
    here = os.getcwd()
    if here == at.root:
        return document
    return cast(T, _with_files(document, lambda file: _inside(at, os.path.normpath(os.path.join(here, file)))))


def from_here(at: Project, document: T) -> T:
    """The document with each `file` as the user finds it from the current folder: the opposite of `in_project`."""
    if os.getcwd() == at.root:
        return document
    return cast(T, _with_files(document, lambda file: display_path(os.path.join(at.root, file))))


def _inside(at: Project, path: str) -> str:
    return os.path.relpath(path, at.root) if path.startswith(f"{at.root}{os.sep}") else path


_OF_THE_USER = frozenset({"before", "after", "changes", "items"})  # values, in which `file` may be any key


def _with_files(value: object, renamed: Callable[[str], str]) -> object:
    if isinstance(value, dict):
        return {key: _entry(key, each, renamed) for key, each in value.items()}
    return [_with_files(each, renamed) for each in value] if isinstance(value, list) else value


def _entry(key: str, value: object, renamed: Callable[[str], str]) -> object:
    if key == "file" and isinstance(value, str) and value:
        return renamed(value)
    return value if key in _OF_THE_USER else _with_files(value, renamed)


def registry_alone(at: Project) -> bool:
    """Whether the project has a registry but no manifest."""
    return not manifest_paths(at, ()) and os.path.lexists(at.registry_path)
