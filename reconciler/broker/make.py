"""Make a broker's files in three steps: look, plan, write. A plan shows no secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from difflib import unified_diff
from enum import StrEnum

from msgspec import Struct

from reconciler.broker.by_hand import takeover
from reconciler.broker.by_hand.folder import HandMadeBroker, hand_made
from reconciler.broker.files import acl, conf, layout, passwords, sets, settings
from reconciler.broker.files.effect import EffectReasons, meaning
from reconciler.broker.files.file_set import File, FileSet, InvalidBrokerFiles, below
from reconciler.broker.files.kept import parse as parse_kept
from reconciler.broker.files.layout import SWAPPED, ReplacedFolder
from reconciler.broker.keys import material, pki
from reconciler.broker.keys.material import Material, Renewal
from reconciler.broker.running.program import Runner
from reconciler.model.broker import Broker
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError
from reconciler.model.redacted import Redacted
from reconciler.ports import own_files

from . import preflight
from .wanted import wanted

_SHOWN = {layout.CONF, layout.ACL, layout.COMPOSE}


class BrokerDirectory(Struct, frozen=True):
    """The content of a broker's directory."""

    files: FileSet
    material: Material
    edited: tuple[str, ...] = ()
    """Files that were edited by hand since reconciler wrote them."""
    written: Mapping[str, str] = {}
    """Digests of the files as reconciler wrote them; only if some were edited."""
    by_hand: HandMadeBroker | None = None
    """A broker that was made by hand, if reconciler has no files here; then the material comes from it."""


class FileAction(StrEnum):
    """What happens to a file."""

    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"


class FileChange(Struct, frozen=True):
    """The planned change of one file; `diff` never shows secrets or certificates."""

    path: str
    action: FileAction
    diff: tuple[str, ...] = ()


class BrokerFilePlan(Redacted, frozen=True):
    """Everything that `write` would do. `passwords` are the users who get a new password or entry."""

    files: FileSet
    changes: tuple[FileChange, ...]
    grants: tuple[acl.GrantChange, ...]
    users_added: tuple[str, ...]
    users_removed: tuple[str, ...]
    passwords: tuple[str, ...]
    renewals: tuple[Renewal, ...]
    meaning: EffectReasons


def look(broker: Broker, now: datetime, *, returning: bool = False) -> BrokerDirectory:
    """Read the broker's directory. Writes nothing.

    With `returning`, users who come back get their password and certificate from the last good set.

    Raises:
        InvalidBrokerFiles: The settings are not valid, or a file is a link or another user's; lists all mistakes.
        ReconcilerError: Files cannot be read, or the given CA cannot be used.
    """
    problems = settings.mistakes(broker)
    if problems:
        raise InvalidBrokerFiles(f"the settings of {broker.address} are not valid", problems)
    files: dict[str, File] = {}
    strange: list[Diagnostic] = []
    for path in (*(place.live for place in SWAPPED), *layout.loose(broker.address.workspace)):
        found, complaints = sets.look(broker.directory, path)
        files |= found
        strange += complaints
    if strange:
        raise InvalidBrokerFiles("the broker's files cannot be used", tuple(strange))
    edited = tuple(path for place in SWAPPED for path in sets.edited_files(broker.directory, place.live))
    earlier = _earlier_clients(broker) if returning else {}
    by_hand = None if layout.CONF in files else hand_made(broker.directory)
    taken = takeover.material(by_hand) if by_hand else {}
    known = {**taken, **earlier, **_without_given_ca(files, edited)}
    return BrokerDirectory(
        files=files,
        material=material.read(known, _given(broker, now)),
        edited=edited,
        written=_written(broker) if edited else {},
        by_hand=by_hand,
    )


def _written(broker: Broker) -> dict[str, str]:
    return {path: each for place in SWAPPED for path, each in sets.written(broker.directory, place.live).items()}


def _earlier_clients(broker: Broker) -> FileSet:
    """The clients' files from before the last change, with their old names."""
    place = layout.CLIENTS
    found, _ = sets.look(broker.directory, place.last_good)
    return {path.replace(place.last_good, place.live, 1): file for path, file in found.items()}


def plan(broker: Broker, found: BrokerDirectory, runner: Runner, now: datetime) -> BrokerFilePlan:
    """Plan all changes of the files, and what a running broker must do for them.

    Missing keys, certificates and passwords are made here in memory, so `write` writes exactly what was planned.

    Raises:
        ReconcilerError: A certificate is needed, but the CA cannot sign.
    """
    complete, renewals = material.complete(broker, found.material, now)
    return compare_files(found.files, wanted(broker, complete, runner), renewals)


def compare_files(old: FileSet, new: FileSet, renewals: tuple[Renewal, ...] = ()) -> BrokerFilePlan:
    """Compare new files with old ones, in readable form."""
    old_entries, new_entries = (_entries(each) for each in (old, new))
    return BrokerFilePlan(
        files=new,
        changes=_changes(old, new),
        grants=acl.differences(_acl(old), _acl(new)),
        users_added=tuple(sorted(new_entries.keys() - old_entries.keys())),
        users_removed=tuple(sorted(old_entries.keys() - new_entries.keys())),
        passwords=tuple(name for name, entry in new_entries.items() if old_entries.get(name, entry) != entry),
        renewals=renewals,
        meaning=meaning(old, new),
    )


def check(broker: Broker, making: BrokerFilePlan, version: conf.Version, now: datetime) -> tuple[Diagnostic, ...]:
    """Check the planned files: everything that this Mosquitto version refuses, or that leaves the broker open."""
    return preflight.check(below(making.files, layout.SET), _where(broker, version), now)


def check_live(broker: Broker, version: conf.Version, now: datetime) -> tuple[Diagnostic, ...]:
    """Check the files that the broker reads now. The result must be empty before a start and before each reload."""
    files, strange = sets.look(broker.directory, layout.SET)
    return (*strange, *preflight.check(below(files, layout.SET), _where(broker, version), now))


def write(broker: Broker, making: BrokerFilePlan) -> tuple[ReplacedFolder, ...]:
    """Write the planned files. Returns the folders with a new set, for `roll_back`.

    If this is killed at any point, each folder has its old set or its new one, and a second run completes it.

    Raises:
        ReconcilerError: Files cannot be written.
    """
    for folder in ("", layout.DATA, layout.RUN):
        sets.make_folder(os.path.join(broker.directory, folder).rstrip("/"))
    changed = [change.path for change in making.changes]
    places = tuple(place for place in SWAPPED if any(path.startswith(f"{place.live}/") for path in changed))
    for place in places:
        sets.replace(broker.directory, place, below(making.files, place.live))
    for path in sorted(set(changed) & making.files.keys() & set(layout.loose(broker.address.workspace))):
        sets.write(os.path.join(broker.directory, path), making.files[path])
    return places


def roll_back(broker: Broker, places: tuple[ReplacedFolder, ...]) -> None:
    """Restore the sets that `write` replaced.

    Raises:
        ReconcilerError: They cannot be restored.
    """
    for place in reversed(places):
        sets.roll_back(broker.directory, place)


def _where(broker: Broker, version: conf.Version) -> preflight.BrokerLocation:
    return preflight.BrokerLocation(os.path.join(broker.directory, layout.SET), broker.host, version)


def _given(broker: Broker, now: datetime) -> pki.Authority | None:
    if not broker.tls.ca_cert:
        return None
    try:
        with own_files.regular(broker.tls.ca_cert) as certificate, own_files.regular(broker.tls.ca_key) as key:
            return pki.given_authority(certificate.read(), key.read(), now)
    except OSError as error:
        raise ReconcilerError(
            f"the given CA cannot be read: {error.filename}: {error.strerror}",
            fix="correct `tls: {ca: ...}`, or remove it: reconciler then makes a CA",
        ) from error


def _without_given_ca(files: FileSet, edited: tuple[str, ...]) -> FileSet:
    """The files without a CA that came from the settings: its key is not here, so it cannot be used without them."""
    was_given = (
        layout.CA_KEY not in files
        and not {layout.CA_CERTIFICATE, layout.CA_KEY} & set(edited)
        and not _keeps_authority(files)
    )
    return {path: file for path, file in files.items() if path != layout.CA_CERTIFICATE} if was_given else files


def _keeps_authority(files: FileSet) -> bool:
    """Whether the CA was made by hand; its key may be elsewhere."""
    return bool(parse_kept(_text(files, layout.KEPT)).authority)


def _changes(old: FileSet, new: FileSet) -> tuple[FileChange, ...]:
    inside = {path for path in old if path in new or path.startswith(tuple(f"{place.live}/" for place in SWAPPED))}
    return tuple(_change(path, old, new) for path in sorted(inside | new.keys()) if old.get(path) != new.get(path))


def _change(path: str, old: FileSet, new: FileSet) -> FileChange:
    if path not in new:
        return FileChange(path, FileAction.REMOVE)
    if path not in old:
        return FileChange(path, FileAction.CREATE, _diff(path, old, new))
    before, after = old[path].mode, new[path].mode
    mode = (f"mode {before:04o} -> {after:04o}",) if before != after else ()
    return FileChange(path, FileAction.CHANGE, (*mode, *_diff(path, old, new)))


def _diff(path: str, old: FileSet, new: FileSet) -> tuple[str, ...]:
    if path not in _SHOWN and not path.endswith(".service"):
        return ()
    before, after = (_text(files, path).splitlines() for files in (old, new))
    return tuple(unified_diff(before, after, path, path, n=1, lineterm=""))


def _entries(files: Mapping[str, File]) -> dict[str, str]:
    return passwords.parse(_text(files, layout.PASSWORDS), layout.PASSWORDS)[0]


def _acl(files: FileSet) -> acl.Acl:
    return acl.parse(_text(files, layout.ACL), layout.ACL)[0]


def _text(files: FileSet, path: str) -> str:
    return files[path].data.decode("utf-8", "replace") if path in files else ""
