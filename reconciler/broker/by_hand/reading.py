"""Interpret the files of a broker that was made by hand, and write the manifest block that declares it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import to_builtins

from reconciler.broker.files.file_set import mistake
from reconciler.broker.files.settings import LIMITS, is_host
from reconciler.model.address import broker_address
from reconciler.model.adoption import LeftAlone
from reconciler.model.broker import DEFAULT_USERS, JOB_EVENTS, Broker, BrokerUser, Limits, Listener, Role
from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.record import Json
from reconciler.model.redacted import Redacted

from .folder import HandMadeBroker, settings
from .found_certificates import FoundCertificates, found_certificates
from .listeners import FoundListeners, PlacedValue, global_options, limit, listeners
from .rights import FoundRights, RightsFiles, rights

_LOOPBACK = "127.0.0.1"
_ONE_FOR_ALL = ("password_file", "acl_file")
_OF_A_LISTENER = ("certfile", "keyfile", "cafile")


class BrokerReading(Redacted, frozen=True):
    """The content of the files: options, listeners, certificates and rights."""

    found: HandMadeBroker
    options: Mapping[str, PlacedValue]
    listeners: FoundListeners
    certificates: FoundCertificates
    sources: RightsFiles
    rights: FoundRights


def reading(found: HandMadeBroker) -> BrokerReading:
    """Interpret the files of a folder. Pure."""
    options, known = global_options(found), listeners(found)
    secrets, rules = (found.inside(options[each].value) if each in options else "" for each in _ONE_FOR_ALL)
    sources = RightsFiles(secrets, rules, certified=any(each.mtls for each in known.declared))
    kept = found_certificates(found, known.secure[0] if known.secure else None)
    return BrokerReading(found, options, known, kept, sources, rights(found, sources))


def recognised(of: BrokerReading) -> Broker:
    """The files as a broker with settings, under the name `main`, which a project's only broker has."""
    names = [name for name in of.certificates.names if is_host(name)]
    host = next(iter(names), "localhost")
    bind = _LOOPBACK if host in {"localhost", _LOOPBACK, "::1"} else ""
    return Broker(
        address=broker_address("main"),
        directory=of.found.directory,
        host=host,
        names=tuple(name for name in names[1:] if name not in {"localhost", _LOOPBACK, "::1"}),
        listeners=tuple(Listener(each.port, each.bind or bind, each.mtls) for each in of.listeners.declared),
        users=of.rights.users or DEFAULT_USERS,
        topics=of.rights.topics,
        demo_topic=of.rights.demo_topic,
        persistence=of.options["persistence"].value not in {"false", "0"} if "persistence" in of.options else True,
        limits=_limits(of.options),
    )


def block(broker: Broker, of: BrokerReading) -> dict[str, Json]:
    """The `broker:` block for the manifest, without defaults."""
    usual = Broker(broker.address, broker.directory)
    said: dict[str, Json] = {
        "dir": broker.directory,
        "host": broker.host,
        "listeners": [_listener(each) for each in of.listeners.declared],
        "users": {user.name: _user(user) for user in broker.users},
    }
    if broker.names:
        said["names"] = list(broker.names)
    if broker.topics != (JOB_EVENTS,):
        said["topics"] = list(broker.topics)
    for key in ("demo_topic", "persistence"):
        if getattr(broker, key) != getattr(usual, key):
            said[key] = getattr(broker, key)
    limits = _difference(broker.limits)
    return {**said, "limits": limits} if limits else said


def problems(of: BrokerReading) -> tuple[Diagnostic, ...]:
    """Why the broker cannot be taken over as it is; certificates are checked elsewhere."""
    return (
        *of.found.strange,
        *of.listeners.problems,
        *_missing(of),
        *_several(of.found),
        *of.rights.problems,
    )


def _limits(options: Mapping[str, PlacedValue]) -> Limits:
    said = {name: limit(options, option) for name, option in LIMITS.items()}
    return Limits(**{name: value for name, value in said.items() if value is not None})


def _difference(limits: Limits) -> dict[str, Json]:
    usual: dict[str, Json] = to_builtins(Limits())
    said: dict[str, Json] = to_builtins(limits)
    return {name: value for name, value in said.items() if value != usual[name]}


def _listener(listener: Listener) -> dict[str, Json]:
    said: dict[str, Json] = {"port": listener.port}
    said |= {"bind": listener.bind} if listener.bind else {}
    return {**said, "mtls": True} if listener.mtls else said


def _user(user: BrokerUser) -> Json:
    if user.role is not Role.CUSTOM:
        return user.role.value
    return {"acl": [f"{grant.access} {grant.topic}" for grant in user.grants]}


def _missing(of: BrokerReading) -> Iterator[Diagnostic]:
    """Errors for files that the configuration names but the folder does not have."""
    first = of.listeners.secure[0].options if of.listeners.secure else {}
    named = [
        *((each, of.options.get(each)) for each in _ONE_FOR_ALL),
        *((each, first.get(each)) for each in _OF_A_LISTENER),
    ]
    for option, spot in named:
        if spot and not of.found.inside(spot.value):
            what = f"{option} names {spot.value}, but {of.found.directory} does not have this file"
            yield mistake(
                spot.place.file, spot.place.line, what, "copy the file into this folder, then run the command again"
            )


def _several(found: HandMadeBroker) -> Iterator[Diagnostic]:
    """Errors for listeners with their own users, which reconciler does not support."""
    for option in _ONE_FOR_ALL:
        spots = [(path, each) for path, each in settings(found) if each.option == option]
        if len({each.value for _, each in spots}) > 1:
            path, last = spots[-1]
            what = f"{option} names several files for different listeners, but reconciler uses one file for all"
            yield mistake(found.full(path), last.line, what, "put their lines into one file, and name only that file")


def left_listeners(of: BrokerReading) -> Iterator[LeftAlone]:
    """Listeners that are closed, and certificates of single listeners that are not used."""
    yield from of.listeners.left_alone
    for each in of.listeners.secure[1:]:
        first, other = (listener.options["certfile"] for listener in (of.listeners.secure[0], each))
        if other.value != first.value:
            why = "reconciler shows one certificate on all ports: that of the first listener"
            yield LeftAlone(f"certfile {other.value}", why, "check that that certificate has its names", other.place)


def place_of(of: BrokerReading) -> Place:
    """The place of the configuration file."""
    return Place(of.found.full(of.found.conf))
