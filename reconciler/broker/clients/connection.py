"""How a client reaches a broker: every setting of every client is read here, and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from msgspec import field
from msgspec.structs import replace

from reconciler.model.broker import PUBLIC_BROKER, Connection
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.digits import number_in
from reconciler.model.discreet import Discreet
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.utf8 import is_utf8
from reconciler.ports.world import Files

PUBLIC_WARNING = (
    f"{PUBLIC_BROKER} is a public broker: anybody reads and forges what is sent there; "
    "use one of your own: reconciler broker init"
)

VARIABLES = {
    "host": "MQTT_BROKER",
    "port": "MQTT_PORT",
    "tls": "MQTT_TLS",
    "username": "MQTT_USERNAME",
    "password": "MQTT_PASSWORD",
    "ca_certs": "MQTT_CA_CERTS",
    "certfile": "MQTT_CERTFILE",
    "keyfile": "MQTT_KEYFILE",
    "client_id_prefix": "MQTT_CLIENT_ID_PREFIX",
}
"""The variable of each field of a `Connection`; docs/broker.md has them in words."""
REFERENCES = ("password_file", "password_env")
_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9._:%-]{1,253}")


class InvalidConnection(ReconcilerError):
    """The settings of a client cannot be used; `diagnostics` holds all mistakes of all sources."""

    def __init__(self, mistakes: tuple[Diagnostic, ...]) -> None:
        count = len(mistakes)
        super().__init__(
            f"{count} mistake{'s' if count != 1 else ''} in the settings of the broker's client",
            detail="\n".join(mistake.summary for mistake in mistakes),
            fix="; ".join(dict.fromkeys(mistake.fix for mistake in mistakes)),
        )
        self._mistakes = mistakes

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every mistake of every source."""
        return self._mistakes


class Settings(Discreet, frozen=True):
    """Where a client's settings come from, the first word first; the seed's defaults come last.

    `explicit` and `job` (the `broker` block of a job record) use the names of `Connection`, and
    `password_file` or `password_env` in place of a password. `env` is an environment.
    """

    explicit: Mapping[str, object] = field(default_factory=dict)
    job: Mapping[str, object] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    manifest: Connection | None = None


class _Word(Discreet, frozen=True):
    """What one source says of one setting; `label` is how the user knows the place."""

    label: str
    value: object


_Source: TypeAlias = Mapping[str, _Word]


class _Wrong(Exception):
    """A value cannot be used: what it must be."""


def broker_config_from_env(settings: Settings, files: Files) -> Connection:
    """The one connection that all sources together mean; each setting is taken from the first that names it.

    A password is never used for another user than the one it was given for. Empty values count as
    not given.

    Raises:
        InvalidConnection: Carries every mistake, each with the variable or key and a way out.
    """
    mistakes: list[Diagnostic] = []
    sources = [
        _block(settings.explicit, "argument {}", settings.env, mistakes),
        _block(settings.job, "`broker.{}` of the job record", settings.env, mistakes),
        {name: _Word(variable, value) for name, variable in VARIABLES.items() if (value := settings.env.get(variable))},
    ]
    words = _first_words(sources)
    values = {name: _parsed(name, word, files, mistakes) for name, word in words.items()}
    mistakes += _contradictions(words, settings.manifest or Connection())
    if mistakes:
        raise InvalidConnection(tuple(mistakes))
    return _joined(settings.manifest or Connection(), values)


def is_public(connection: Connection) -> bool:
    """Whether it leads to the public broker of the seed; `PUBLIC_WARNING` says what that means."""
    return connection.host.lower() == PUBLIC_BROKER


def _block(block: Mapping[str, object], label: str, env: Mapping[str, str], mistakes: list[Diagnostic]) -> _Source:
    """The words of a mapping; a password that stands in the environment is looked up."""
    known = [*VARIABLES, *REFERENCES]
    strange = sorted(set(block) - set(known))
    mistakes += [_mistake(f"{label.format(key)} is not a setting", f"use {', '.join(known)}") for key in strange]
    words = {key: _Word(label.format(key), block[key]) for key in known if block.get(key) not in (None, "")}
    reference = words.pop("password_env", None)
    if reference:
        user = str(block.get("username") or "")
        words.setdefault("password", _referenced(reference, user, env, mistakes))
    return words


def _referenced(reference: _Word, user: str, env: Mapping[str, str], mistakes: list[Diagnostic]) -> _Word:
    """The password in the variable that is referred to, unless it is another user's."""
    variable, here = str(reference.value), env.get("MQTT_USERNAME", "")
    if user and here == user and not env.get(variable):
        variable = "MQTT_PASSWORD"  # given under its usual name to the very user
    others = variable == "MQTT_PASSWORD" and user and here not in {"", user}
    if others:
        mistakes.append(
            _mistake(
                f"MQTT_PASSWORD is that of {here}, and the login of {user} is needed",
                f"when a job is submitted, give {user}'s login in MQTT_WORKER_USERNAME and MQTT_WORKER_PASSWORD",
            )
        )
    elif not env.get(variable):
        mistakes.append(_mistake(f"{reference.label} names {variable}, which is not set", f"export {variable}"))
    return _Word(variable, "" if others else env.get(variable, ""))


def _first_words(sources: Iterable[_Source]) -> dict[str, _Word]:
    words: dict[str, _Word] = {}
    for source in sources:
        named = source.get("username")
        other_user = named and "username" in words and named.value != words["username"].value
        settled = {"password", "password_file"} & words.keys()
        for key, word in source.items():
            if key in {"password", "password_file"} and (other_user or settled):
                continue
            words.setdefault(key, word)
    return words


def _parsed(name: str, word: _Word, files: Files, mistakes: list[Diagnostic]) -> object:
    try:
        if name in _FILES:
            return _FILES[name](word.value, files)
        return _PARSERS[name](word.value)
    except _Wrong as wrong:
        what, _, fix = str(wrong).partition("; ")
        mistakes.append(_mistake(f"{word.label} {what}", fix))
        return None


def _contradictions(words: _Source, base: Connection) -> Iterable[Diagnostic]:
    """What makes no sense together."""
    certificate, key = words.get("certfile"), words.get("keyfile")
    secret = words.get("password") or words.get("password_file")
    if secret and not (words.get("username") or base.username):
        yield _mistake(f"{secret.label} is given without a user name", "give the user name too (MQTT_USERNAME)")
    if certificate and not (key or base.keyfile):
        yield _mistake(f"{certificate.label} is given without its key", "give the key too (MQTT_KEYFILE)")
    if key and not (certificate or base.certfile):
        yield _mistake(f"{key.label} is given without its certificate", "give the certificate too (MQTT_CERTFILE)")


def _joined(base: Connection, values: dict[str, object]) -> Connection:
    secret = values.pop("password_file", None)
    if secret is not None:
        values["password"] = secret
    if values.get("username", base.username) != base.username:
        base = replace(base, password="")
    return replace(base, **values)  # the parsers give each field its type


def _host(value: object) -> str:
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise _Wrong(f"is not a host: {value}; give a name or an address alone, without scheme and port")
    return value


def _port(value: object) -> int:
    text = str(value)
    port = number_in(text) if text.isascii() else None
    if port is None or not 0 < port < 65536:
        raise _Wrong(f"is not a port: {value}; give a number from 1 to 65535")
    return port


def _switch(value: object) -> bool:
    found = _SWITCH.get(str(value).lower())
    if found is None:
        raise _Wrong(f"is neither on nor off: {value}; give 1 or 0")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise _Wrong("is not text; put it in quotes")
    try:
        os.fsencode(value)
    except UnicodeEncodeError as error:
        raise _Wrong("holds half a character; correct it") from error
    return value


def _login(value: object) -> str:
    text = _text(value)
    if not is_utf8(text):
        raise _Wrong("is not UTF-8; MQTT takes no other text")
    return text


def _prefix(value: object) -> str:
    if not isinstance(value, str) or not _PREFIX.fullmatch(value):
        raise _Wrong(f"is not a client id prefix: {value}; give 1 to 64 letters, digits, dots, dashes or underscores")
    return value


def _file(value: object, files: Files) -> str:
    path = os.path.abspath(os.path.expanduser(_text(value)))
    _content(path, files)
    return path


def _secret(value: object, files: Files) -> str:
    path = os.path.abspath(os.path.expanduser(_text(value)))
    secret = _content(path, files).decode(errors="replace").rstrip("\r\n")
    if not secret or "\n" in secret:
        raise _Wrong(f"does not hold one line: {path}; write the password, and nothing else, into it")
    return secret


def _content(path: str, files: Files) -> bytes:
    match files.read(path):
        case Present(content):
            return content
        case Absent():
            raise _Wrong(f"names a file that is not there: {path}; correct the path, or make the file")
        case Unknown(reason):
            raise _Wrong(f"names a file that cannot be read: {reason}; make it readable for you")


_PARSERS: dict[str, Callable[[object], object]] = {
    "host": _host,
    "port": _port,
    "tls": _switch,
    "username": _login,
    "password": _login,
    "client_id_prefix": _prefix,
}
_FILES: dict[str, Callable[[object, Files], object]] = {
    "ca_certs": _file,
    "certfile": _file,
    "keyfile": _file,
    "password_file": _secret,
}


def _mistake(summary: str, fix: str) -> Diagnostic:
    return Diagnostic(Severity.ERROR, summary, fix=fix)
