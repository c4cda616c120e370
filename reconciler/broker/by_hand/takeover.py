"""Plan the takeover of a broker that was made by hand: what stays, what becomes stricter, what is left alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from shlex import quote

from msgspec import Struct

from reconciler.broker.files import acl, conf, layout, passwords
from reconciler.broker.files.file_set import File, FileSet
from reconciler.broker.files.kept import KeptMaterial, text
from reconciler.broker.keys.certificates import fingerprint
from reconciler.broker.running.program import Runner
from reconciler.broker.wanted import rendered
from reconciler.model.adoption import LeftAlone
from reconciler.model.broker import Broker, Role
from reconciler.model.change import Change
from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.record import Json

from . import found_certificates
from .folder import HandMadeBroker, settings
from .reading import BrokerReading, block, left_listeners, problems, reading, recognised

# Options that the new files set in another way; differences in them are not reported.
_MOVED = {"acl_file", "cafile", "certfile", "keyfile", "password_file", "persistence_location", "pid_file"}
_OURS = {"log_dest", "log_facility", "log_timestamp", "log_timestamp_format", "log_type", "user"}
_BY_LISTENER = {"bind_address", "include_dir", "listener", "port", "protocol"}
_ASIDE = frozenset(_MOVED | _OURS | _BY_LISTENER)
_UNDERSTOOD = {"crlfile", "mount_point", "require_certificate", "use_identity_as_username", "use_subject_as_username"}
_BRIDGE = "connection"
_WHY: Mapping[str, str] = {
    _BRIDGE: "a bridge to another broker, which reconciler does not support",
    "plugin": "reconciler gives rights by password and ACL files, and loads no plugin",
    "auth_plugin": "reconciler gives rights by password and ACL files, and loads no plugin",
    "per_listener_settings": "all listeners have the same users and rights",
    "message_size_limit": "MQTT 5 clients would send a refused event again and again; max_packet_size limits it",
}
_WHY_NOT = "reconciler does not set it, so Mosquitto's default applies"


class TakenUser(Struct, frozen=True):
    """A user who logs in as before, with its role; `entry` is how the password is stored, such as `$7$`."""

    name: str
    role: Role
    entry: str


class Takeover(Struct, frozen=True):
    """The plan of a takeover; it has no secrets."""

    directory: str
    block: Mapping[str, Json]
    """The manifest block that declares the broker."""
    users: tuple[TakenUser, ...] = ()
    kept: tuple[str, ...] = ()
    """What stays, as phrases for the user."""
    hardened: tuple[Change, ...] = ()
    """What becomes stricter."""
    left_alone: tuple[LeftAlone, ...] = ()
    """What is not taken over."""
    problems: tuple[Diagnostic, ...] = ()
    """Why the broker cannot be taken over as it is; empty when it can."""


def takeover(found: HandMadeBroker, now: datetime, broker: Broker | None = None) -> Takeover:
    """Plan the takeover of the broker in a folder, with the settings of `broker`, else with those found. Pure."""
    of = reading(found)
    wanted = broker or recognised(of)
    entries = _entries(of)
    users = tuple(
        TakenUser(each.name, each.role, entries[each.name][:3]) for each in wanted.users if each.name in entries
    )
    return Takeover(
        directory=found.directory,
        block=block(recognised(of), of),
        users=users,
        kept=tuple(_kept(of, users)),
        hardened=tuple(_hardened(of, wanted)),
        left_alone=tuple(_left_alone(of)),
        problems=(*problems(of), *found_certificates.problems(found, of.certificates, wanted.host, now)),
    )


def material(found: HandMadeBroker) -> FileSet:
    """The old keys, certificates and passwords at reconciler's paths, with the list of items made by hand."""
    of = reading(found)
    entries, own = _entries(of), of.certificates
    lines = "".join(f"{name}:{entry}\n" for name, entry in entries.items())
    said = KeptMaterial(
        authority=fingerprint(own.trusted[0]) if own.trusted else "",
        server=fingerprint(own.server[0]) if own.server else "",
        passwords=frozenset(entries),
    )
    return {
        **found_certificates.file_set(found, own),
        layout.PASSWORDS: File(lines.encode()),
        layout.KEPT: File(text(said).encode()),
    }


def obstacles(found: HandMadeBroker) -> tuple[Diagnostic, ...]:
    """Why the broker cannot be taken over even with new certificates. Pure."""
    return problems(reading(found))


def _entries(of: BrokerReading) -> dict[str, str]:
    path = of.sources.passwords
    return passwords.parse(of.found.text(path), path)[0]


def _kept(of: BrokerReading, users: tuple[TakenUser, ...]) -> Iterator[str]:
    names = [user.name for user in users]
    if names:
        yield f"the password{'s' if len(names) > 1 else ''} of {', '.join(names)}"
    yield from found_certificates.said(of.certificates)


def _hardened(of: BrokerReading, wanted: Broker) -> Iterator[Change]:
    yield from _users(of, wanted)
    yield from _rights(of, wanted)
    yield from _modes(of)
    yield from _listeners(of, wanted)
    yield from _options(of, wanted)


def _users(of: BrokerReading, wanted: Broker) -> Iterator[Change]:
    entries = _entries(of)
    for user in sorted(wanted.users, key=lambda user: user.name):
        how = "with the password that it has" if user.name in entries else "with a new password"
        if of.sources.certified and user.name in _named(of):
            how = "with the certificate that it has"
        yield Change(f"users.{user.name}", "add", None, f"{user.role}, {how}")
    gone = sorted(entries.keys() - {user.name for user in wanted.users})
    yield from (Change(f"users.{name}", "remove", "can log in") for name in gone)


def _named(of: BrokerReading) -> set[str]:
    """The users of the old broker."""
    return {user.name for user in of.rights.users}


def _rights(of: BrokerReading, wanted: Broker) -> Iterator[Change]:
    """The added and removed ACL lines; none for a user whose lines match a role."""
    path = of.sources.acl
    old = acl.parse(of.found.text(path), path)[0]
    for each in acl.differences(old, acl.declared(wanted)):
        line, who = f"{each.grant.access} {each.grant.topic}", f"acl.{each.user or 'everybody'}"
        yield Change(who, "add", None, line) if each.added else Change(who, "remove", line)


def _modes(of: BrokerReading) -> Iterator[Change]:
    """Secret files that other users could read until now."""
    named = {
        layout.PASSWORDS: of.sources.passwords,
        layout.ACL: of.sources.acl,
        layout.SERVER_KEY: of.certificates.paths.get("keyfile", ""),
        layout.CA_KEY: of.certificates.key_path,
    }
    for new, path in named.items():
        mode = of.found.files[path].mode if path in of.found.files else 0
        if mode & 0o077:
            yield Change(f"{new} mode", "replace", f"{mode:04o} ({path})", "0600")


def _listeners(of: BrokerReading, wanted: Broker) -> Iterator[Change]:
    for each in of.listeners.ends:
        yield Change("mosquitto.conf listener", "remove", f"{each.port}, without TLS")
    known = {each.port for each in of.listeners.secure}
    for port in sorted(known - {each.port for each in wanted.listeners}):
        yield Change("mosquitto.conf listener", "remove", f"{port}, with TLS")
    for listener in wanted.listeners:
        if listener.port not in known:
            yield Change("mosquitto.conf listener", "add", None, f"{listener.port}, with TLS")


def _options(of: BrokerReading, wanted: Broker) -> Iterator[Change]:
    """Options that are added or get another value."""
    old = {option: spot.value for option, spot in of.options.items()}
    for option, value in _new_options(wanted).items():
        if option in _ASIDE or old.get(option) == value:
            continue
        if option in old:
            yield Change(f"mosquitto.conf {option}", "replace", old[option], value)
        else:
            yield Change(f"mosquitto.conf {option}", "add", None, value)


def _new_options(wanted: Broker) -> dict[str, str]:
    text = rendered(wanted, Runner("", 0, 0, ""))[layout.CONF].data.decode()
    return {each.option: each.value for each in conf.parse(text)}


def _left_alone(of: BrokerReading) -> Iterator[LeftAlone]:
    yield from left_listeners(of)
    yield from of.rights.left_alone
    yield from found_certificates.remarks(of.found, of.certificates)
    yield from _left_options(of)
    yield from _left_database(of)
    yield from _left_passwords(of)
    yield _left_files(of)
    if not of.sources.acl:
        why = "so each user may still read and write all topics"
        fix = "give the users roles: --user NAME:ROLE, or `users` in the manifest"
        yield LeftAlone("no acl_file is set", why, fix, Place(of.found.full(of.found.conf)))


def _left_options(of: BrokerReading) -> Iterator[LeftAlone]:
    """Lines that reconciler does not take over; for a bridge, only its first line is listed."""
    set_here, in_bridge = _new_options(recognised(of)), False
    for path, each in settings(of.found):
        in_bridge = (in_bridge and each.option != "listener") or each.option == _BRIDGE
        if each.option in {*_ASIDE, *_UNDERSTOOD, *set_here} or (in_bridge and each.option != _BRIDGE):
            continue
        why = _WHY.get(each.option, _WHY_NOT)
        yield LeftAlone(f"{each.option} {each.value}".rstrip(), why, "", Place(of.found.full(path), each.line))


def _left_passwords(of: BrokerReading) -> Iterator[LeftAlone]:
    """Passwords that reconciler does not know, because it has only their hashes."""
    names = list(_entries(of))
    if names and not of.sources.certified:
        who = names[0] if len(names) == 1 else "NAME"
        fix = f"enter it, afterwards: reconciler broker user password {who} {quote(of.found.directory)}"
        why = "only clients know it, and jobs and probes on this machine need it"
        place = Place(of.found.full(of.sources.passwords))
        yield LeftAlone(f"the password of {', '.join(names)}", why, fix, place)


def _left_files(of: BrokerReading) -> LeftAlone:
    """The files of the old broker, which the new one does not read."""
    files = " ".join(quote(of.found.full(path)) for path in sorted(of.found.files))
    why = "they stay as they are, and the new broker does not read them"
    return LeftAlone("the old files", why, f"when nothing else reads them: rm {files}", Place(of.found.directory))


def _left_database(of: BrokerReading) -> Iterator[LeftAlone]:
    """Retained events in a place where the new broker does not look for them."""
    here = os.path.join(layout.DATA, "mosquitto.db")
    folder = of.options["persistence_location"].value if "persistence_location" in of.options else ""
    path = of.found.inside(os.path.join(folder, "mosquitto.db")) if folder else ""
    if path and path != here:
        fix = f"to keep them, before the first start: cp {of.found.full(path)} {of.found.full(here)}"
        yield LeftAlone("the retained events of the old broker", f"they are in {path}", fix, Place(of.found.full(path)))
