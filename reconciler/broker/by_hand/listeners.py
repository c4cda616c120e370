"""The listeners of a broker that was made by hand: which are kept, and which are closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from reconciler.broker.files import conf
from reconciler.broker.files.file_set import mistake
from reconciler.model.adoption import LeftAlone
from reconciler.model.broker import Listener
from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.digits import number_in

from .folder import HandMadeBroker, settings

TLS_PORT = Listener().port
_TRUE = {"true", "1"}
_TLS = ("certfile", "keyfile")


class PlacedValue(Struct, frozen=True):
    """A value in the configuration, and its place."""

    value: str
    place: Place


class FoundListener(Struct, frozen=True):
    """One listener with its options. Options above all `listener` lines also form one."""

    port: int
    bind: str
    options: Mapping[str, PlacedValue]
    place: Place

    def says(self, option: str) -> bool:
        """Whether a switch is on."""
        return option in self.options and self.options[option].value in _TRUE

    @property
    def speaks_tls(self) -> bool:
        """Whether it has a certificate."""
        return all(option in self.options for option in _TLS)


class FoundListeners(Struct, frozen=True):
    """The listeners with TLS, those that are closed, and why the broker cannot be taken over."""

    secure: tuple[FoundListener, ...] = ()
    ends: tuple[FoundListener, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
    problems: tuple[Diagnostic, ...] = ()

    @property
    def declared(self) -> tuple[Listener, ...]:
        """The listeners for the settings; if none uses TLS, one on the usual port."""
        made = (Listener(each.port, each.bind, each.says("require_certificate")) for each in self.secure)
        return tuple(made) or (Listener(TLS_PORT),)


def listeners(found: HandMadeBroker) -> FoundListeners:
    """Decide for each listener whether it is kept or closed."""
    known, left = _known(found)
    secure = tuple(each for each in known if each.speaks_tls)
    return FoundListeners(
        secure=secure,
        ends=tuple(each for each in known if not each.speaks_tls),
        left_alone=(*left, *(_ended(each, secure) for each in known if not each.speaks_tls)),
        problems=tuple(problem for each in secure for problem in _problems(each)),
    )


def _known(found: HandMadeBroker) -> tuple[list[FoundListener], list[LeftAlone]]:
    known: list[FoundListener] = []
    left: list[LeftAlone] = []
    for name, place, options in _blocks(found):
        first, _, bind = name.partition(" ")
        port, why = number_in(first), _foreign(first, options)
        if why:
            left.append(LeftAlone(f"listener {name}", why, "keep your own broker for its clients", place))
        elif port:
            known.append(FoundListener(port, bind.strip(), options, place))
    return known, left


def _blocks(found: HandMadeBroker) -> Iterator[tuple[str, Place, Mapping[str, PlacedValue]]]:
    """Each listener as the text of its line, its place and options. `port` turns the options at the top into one."""
    options: dict[str, dict[str, PlacedValue]] = {}
    places: dict[str, Place] = {}
    for path, setting in settings(found):
        place = Place(found.full(path), setting.line)
        options.setdefault(setting.listener, {})[setting.option] = PlacedValue(setting.value, place)
        if setting.option in {"listener", "port"}:
            places["" if setting.option == "port" else setting.listener] = place
    for name, place in places.items():
        own = options.get(name, {})
        words = name or " ".join(own[each].value for each in ("port", "bind_address") if each in own)
        yield words, place, own
    if not places:  # Mosquitto then listens on its usual port, for this machine only
        yield "1883 127.0.0.1", Place(found.full(found.conf)), options.get("", {})


def _foreign(port: str, options: Mapping[str, PlacedValue]) -> str:
    """Why reconciler cannot make such a listener; empty when it can."""
    protocol = options["protocol"].value if "protocol" in options else "mqtt"
    if port == "0":
        return "it is a Unix socket, and reconciler makes only TCP listeners"
    if protocol != "mqtt":
        return f"it uses {protocol}, and reconciler makes only listeners for MQTT"
    if "psk_hint" in options or "psk_file" in options:
        return "its clients log in with a pre-shared key, and reconciler makes only listeners with certificates"
    return ""


def _ended(listener: FoundListener, secure: tuple[FoundListener, ...]) -> LeftAlone:
    port = secure[0].port if secure else TLS_PORT
    return LeftAlone(
        f"listener {listener.port}",
        "it has no certificate, so it is closed: passwords and events would be sent in clear text",
        f"in its clients, set MQTT_PORT={port} and MQTT_TLS=1, and copy ca/ca.crt to them (MQTT_CA_CERTS)",
        listener.place,
    )


def _problems(listener: FoundListener) -> Iterator[Diagnostic]:
    """Settings that cannot be dropped: without them, the broker would be weaker or behave differently."""
    by_name = listener.says("use_identity_as_username")
    if listener.says("require_certificate") and not by_name:
        yield _problem(
            listener.options["require_certificate"],
            "clients need a certificate and a password, but reconciler supports only one of the two",
            "set use_identity_as_username true (certificates), or remove the line (passwords)",
        )
    for option, why, fix in _UNKNOWN:
        if option in listener.options:
            yield _problem(listener.options[option], f"{option}: {why}", fix)


_UNKNOWN = (
    ("crlfile", "reconciler keeps no list of revoked certificates", "use another CA for the clients that may log in"),
    ("mount_point", "it changes the topics of its clients, and reconciler does not support that", "remove the line"),
    (
        "use_subject_as_username",
        "reconciler identifies users by the common name",
        "use use_identity_as_username instead",
    ),
)


def _problem(spot: PlacedValue, what: str, fix: str) -> Diagnostic:
    return mistake(spot.place.file, spot.place.line, what, fix)


def global_options(found: HandMadeBroker) -> Mapping[str, PlacedValue]:
    """The last value of each option in the configuration, under any listener."""
    said = settings(found)
    return {each.option: PlacedValue(each.value, Place(found.full(path), each.line)) for path, each in said}


def limit(said: Mapping[str, PlacedValue], option: str) -> int | None:
    """A limit in the configuration, if reconciler allows this value."""
    value = number_in(said[option].value) if option in said else None
    low, high = conf.BOUNDS[option]
    return value if value is not None and max(low, 1) <= value <= high else None
