"""Edit manifests: add or remove blocks, and write the files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence

from reconciler.app.project.manifests import (
    display_path,
    load_manifests,
    manifest_paths,
    manifest_sources,
    read_manifest,
)
from reconciler.app.project.project import Project
from reconciler.manifest import Source
from reconciler.manifest.edit import added, place_in, removed, without_items
from reconciler.manifest.format import formatted
from reconciler.model.address import Address, block_name, workspace_address
from reconciler.model.desired import Desired
from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.errors import InvalidManifest, Refused, StalePlan, UsageError
from reconciler.model.manifest_edit import Edit, Restore
from reconciler.model.observed import Absent, Present
from reconciler.model.record import Json

_NEW_FILE = 0o666


def declaration(at: Project, address: Address, agent_type: str, path: str, prompt: str) -> Edit:
    """The edit that declares the agent; all manifests together are valid after it.

    If no manifest declares the workspace, it is added too, with `path`.

    Raises as `addition`, and UsageError if the workspace has another path.
    """
    fields: dict[str, Json] = {"prompt": _literal(prompt)} if prompt else {}
    typed: dict[str, Json] = {"type": agent_type, **fields}
    folder = _portable(at, path) if path else address.workspace
    edit = addition(at, address, fields if agent_type == address.agent else typed, folder)
    desired = load_manifests(at, (), [edit]).desired
    if desired.agents[address].type != agent_type:  # `defaults:` say another one
        edit = addition(at, address, typed, folder)
    home = desired.workspaces[workspace_address(address.workspace)]
    if path and os.path.abspath(os.path.expanduser(path)) != home.path:
        raise UsageError(
            f"workspace {address.workspace} already has the path {home.path}",
            detail=str(home.place),
            fix="leave out --path, or name another workspace",
        )
    return edit


def addition(at: Project, address: Address, fields: Mapping[str, Json], path: str) -> Edit:
    """Add the agent to the manifest that declares its workspace, which may be an included one, else to the first one.

    If no manifest declares the workspace, it is added too, with `path`.

    Raises:
        Refused: A manifest already declares the agent.
        InvalidManifest, ReconcilerError: The manifest cannot be edited.
    """
    own = manifest_paths(at, ())
    sources = manifest_sources(at, ()) if own else {}  # with the included ones
    home, agent = ("workspaces", address.workspace), ("agents", address.agent)
    for source in sources.values():
        _refuse_second(source, (*home, *agent), address)
    new = os.path.join(at.root, "reconciler.yaml")
    chosen = next((each for each, source in sources.items() if place_in(source, home)), next(iter(own), new))
    source = sources.get(chosen, Source(display_path(chosen), b""))
    if place_in(source, home):
        edited = added(source, (*home, *agent), fields)
    else:
        edited = added(source, home, {"path": path, "agents": {address.agent: fields}})
    place = place_in(Source(source.file, edited.data), (*home, *agent)) or Place(source.file)
    return Edit(chosen, source.data, edited.data, address, place, edited.text)


def _portable(at: Project, path: str) -> str:
    """A folder as written in a manifest: relative if inside the project folder."""
    whole = os.path.abspath(os.path.expanduser(path))
    inside = os.path.commonpath([whole, at.root]) == at.root
    return _literal(os.path.relpath(whole, at.root) if inside else whole)


def _literal(text: str) -> str:
    """The text as written in a manifest, with `${` escaped because it begins a variable."""
    return text.replace("${", "$${")


def _refuse_second(source: Source, path: tuple[str, ...], address: Address) -> None:
    place = place_in(source, path)
    if place:
        raise Refused(f"{address} is already declared", detail=str(place), fix="choose another --name")


def removals(at: Project, desired: Desired, agents: Iterable[Address]) -> tuple[Edit, ...]:
    """The edits that remove the blocks of the agents, to be applied in order.

    Raises:
        InvalidManifest, ReconcilerError: A manifest cannot be edited.
    """
    found = _by_place(desired, agents)
    paths = {display_path(path): path for path in (manifest_sources(at, ()) if found else ())}
    now: dict[str, Source] = {}
    edits: list[Edit] = []
    for place, together in found.items():
        source = now.get(place.file) or read_manifest(at, paths[place.file])
        after = _without(source, desired, place, together)
        now[place.file] = Source(place.file, after)
        edits.append(Edit(paths[place.file], source.data, after, together[0], place))
    return tuple(edits)


def _by_place(desired: Desired, agents: Iterable[Address]) -> dict[Place, list[Address]]:
    """The declared ones of the agents, by the block that declares them."""
    found: dict[Place, list[Address]] = {}
    for address in agents:
        place = desired.agents[address].place if address in desired.agents else None
        if place:
            found.setdefault(place, []).append(address)
    return found


def _without(source: Source, desired: Desired, place: Place, agents: list[Address]) -> bytes:
    """The manifest without the block at `place`, or without the items of its `for_each` that make the agents."""
    address = agents[0]
    path = ("workspaces", block_name(address.workspace), "agents", block_name(address.agent))
    staying = [each.address for each in desired.agents.values() if each.place == place and each.address not in agents]
    if not staying:
        return removed(source, path)
    if "[" in address.workspace:
        raise Refused(
            f"the block of {address} declares {staying[0]}, too",
            detail=str(place),
            fix="delete all of them, or change `for_each` by hand and run `reconciler apply`",
        )
    return without_items(source, path, [each.agent.partition("[")[2].rstrip("]") for each in agents])


def write_manifests(at: Project, edits: Sequence[Edit | Restore]) -> None:
    """Write each file atomically and keep its mode; copies of what would be lost are written first.

    Raises:
        StalePlan: A file is no longer what the edit was made for; nothing was written.
        ReconcilerError: A file cannot be written.
    """
    expect_unchanged(at, edits)
    for restore in (edit for edit in edits if isinstance(edit, Restore) and edit.kept):
        at.files.make_folder(at.kept, 0o700)
        at.files.make_folder(os.path.dirname(restore.kept), 0o700)
        at.files.write(restore.kept, restore.before)
    modes = {edit.path: edit.mode for edit in edits if isinstance(edit, Restore)}
    for path, after in {edit.path: edit.after for edit in edits}.items():
        if after is None:
            at.files.delete(path, at.root)
        else:
            at.files.make_folder(os.path.dirname(path))
            at.files.write(path, after, _mode(path, modes.get(path)))


def expect_unchanged(at: Project, edits: Sequence[Edit | Restore]) -> None:
    """Raise StalePlan if a file changed after its edit was made."""
    _expect(at, {edit.path: edit.before for edit in reversed(edits)})


def replace_files(at: Project, changes: Mapping[str, tuple[bytes, bytes]]) -> None:
    """Replace the content of files atomically and keep their modes; `changes` has the known and the new bytes by path.

    Raises as `write_manifests`.
    """
    _expect(at, {path: before for path, (before, _) in changes.items()})
    for path, (_, after) in changes.items():
        at.files.write(path, after, _mode(path))


def in_one_style(at: Project, given: Sequence[str]) -> tuple[dict[str, Source], dict[str, tuple[bytes, bytes]]]:
    """The manifests, and for each that is not formatted, its present and its formatted bytes.

    Raises:
        UsageError: There is no manifest.
        InvalidManifest: Some are not YAML; it has all mistakes.
    """
    found = manifest_paths(at, given)
    if not found:
        raise UsageError(f"there is no manifest in {at.root}", fix="write one with `reconciler init`, or name it")
    sources = {path: read_manifest(at, path) for path in found}
    return sources, _changes(sources)


def _changes(sources: Mapping[str, Source]) -> dict[str, tuple[bytes, bytes]]:
    """For each file that is not formatted, its present and its formatted bytes. Raises InvalidManifest."""
    changes: dict[str, tuple[bytes, bytes]] = {}
    mistakes: list[Diagnostic] = []
    for path, source in sources.items():
        try:
            after = formatted(source)
        except InvalidManifest as error:
            mistakes += error.diagnostics
            continue
        if after != source.data:
            changes[path] = (source.data, after)
    if mistakes:
        raise InvalidManifest(tuple(mistakes))
    return changes


def _expect(at: Project, known: Mapping[str, bytes]) -> None:
    for path, before in known.items():
        if _bytes(at, path) != before:
            raise StalePlan(f"{display_path(path)} has changed meanwhile", fix="check the file, then try again")


def _bytes(at: Project, path: str) -> bytes | None:
    match at.files.read(path, 64 << 20):
        case Present(data):
            return data
        case Absent():
            return b""
        case _:
            return None


def _mode(path: str, earlier: int | None = None) -> int:
    """The mode of the file; if it does not exist, `earlier`, else the mode of a new file."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        if earlier is not None:
            return earlier
        umask = os.umask(0)
        os.umask(umask)
        return _NEW_FILE & ~umask


def change_of(restore: Restore) -> str:
    """What happens to the file: `create`, `update` or `delete`."""
    if restore.after is None:
        return "delete"
    return "update" if os.path.lexists(restore.path) else "create"
