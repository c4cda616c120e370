"""Read how a client reaches a broker. All settings of all clients are read here."""

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
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.redacted import Redacted
from reconciler.model.utf8 import is_utf8
from reconciler.ports.world import Files

PUBLIC_WARNING = (
    f"{PUBLIC_BROKER} is a public broker: anyone can read and forge what is sent there; "
    "use your own broker: reconciler broker init"
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
"""The variable of each field of a `Connection`; docs/broker.md explains them."""
REFERENCES = ("password_file", "password_env")
_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9._:%-]{1,253}")


class InvalidConnection(ReconcilerError):
    """The settings of a client are not valid; `diagnostics` has all mistakes of all sources."""

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


class Settings(Redacted, frozen=True):
    """The sources of a client's settings; earlier ones win, and the defaults of `Connection` come last."""

    explicit: Mapping[str, object] = field(default_factory=dict)
    """Arguments, with the names of `Connection`; `password_file` or `password_env` may replace the password."""
    job: Mapping[str, object] = field(default_factory=dict)
    """The `broker` block of a job record, in the same form."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The environment."""
    manifest: Connection | None = None
    """The declared broker."""


class _Value(Redacted, frozen=True):
    """The value of one setting in one source; `label` names the place to the user."""

    label: str
    value: object


_Source: TypeAlias = Mapping[str, _Value]


class _Invalid(Exception):
    """A value is not valid. The message says what is wrong, then `; ` and what to do."""


def broker_config_from_env(settings: Settings, files: Files) -> Connection:
    """Combine all sources into one connection; each setting comes from the first source that has it.

    A password is used only for the user that it was given for. Empty values count as missing.

    Raises:
        InvalidConnection: Has every mistake, with its variable or key and what to do.
    """
    mistakes: list[Diagnostic] = []
    sources = [
        _block(settings.explicit, "argument {}", settings.env, mistakes),
        _block(settings.job, "`broker.{}` of the job record", settings.env, mistakes),
        {
            name: _Value(variable, value)
            for name, variable in VARIABLES.items()
            if (value := settings.env.get(variable))
        },
    ]
    given = _first_values(sources)
    values = {name: _parsed(name, value, files, mistakes) for name, value in given.items()}
    mistakes += _contradictions(given, settings.manifest or Connection())
    if mistakes:
        raise InvalidConnection(tuple(mistakes))
    return _joined(settings.manifest or Connection(), values)


def is_public(connection: Connection) -> bool:
    """Whether the connection is to the public default broker; `PUBLIC_WARNING` says what that means."""
    return connection.host.lower() == PUBLIC_BROKER


def _block(block: Mapping[str, object], label: str, env: Mapping[str, str], mistakes: list[Diagnostic]) -> _Source:
    """Read the settings in a mapping; `password_env` is replaced by the password in that variable."""
    known = [*VARIABLES, *REFERENCES]
    strange = sorted(set(block) - set(known))
    mistakes += [_mistake(f"{label.format(key)} is not a setting", f"use {', '.join(known)}") for key in strange]
    values = {key: _Value(label.format(key), block[key]) for key in known if block.get(key) not in (None, "")}
    reference = values.pop("password_env", None)
    if reference:
        user = str(block.get("username") or "")
        values.setdefault("password", _referenced(reference, user, env, mistakes))
    return values


def _referenced(reference: _Value, user: str, env: Mapping[str, str], mistakes: list[Diagnostic]) -> _Value:
    """Read the password from the named variable, unless it belongs to another user."""
    variable, here = str(reference.value), env.get("MQTT_USERNAME", "")
    if user and here == user and not env.get(variable):
        variable = "MQTT_PASSWORD"  # the environment logs in as this user, under the usual names
    others = variable == "MQTT_PASSWORD" and user and here not in {"", user}
    if others:
        mistakes.append(
            _mistake(
                f"MQTT_PASSWORD is that of {here}, but the password of {user} is needed",
                f"when you submit a job, set MQTT_WORKER_USERNAME and MQTT_WORKER_PASSWORD to the login of {user}",
            )
        )
    elif not env.get(variable):
        mistakes.append(_mistake(f"{reference.label} names {variable}, which is not set", f"export {variable}"))
    return _Value(variable, "" if others else env.get(variable, ""))


def _first_values(sources: Iterable[_Source]) -> dict[str, _Value]:
    values: dict[str, _Value] = {}
    for source in sources:
        named = source.get("username")
        other_user = named and "username" in values and named.value != values["username"].value
        settled = {"password", "password_file"} & values.keys()
        for key, word in source.items():
            if key in {"password", "password_file"} and (other_user or settled):
                continue
            values.setdefault(key, word)
    return values


def _parsed(name: str, word: _Value, files: Files, mistakes: list[Diagnostic]) -> object:
    try:
        if name in _FILES:
            return _FILES[name](word.value, files)
        return _PARSERS[name](word.value)
    except _Invalid as wrong:
        what, _, fix = str(wrong).partition("; ")
        mistakes.append(_mistake(f"{word.label} {what}", fix))
        return None


def _contradictions(values: _Source, base: Connection) -> Iterable[Diagnostic]:
    """Settings that do not fit together."""
    certificate, key = values.get("certfile"), values.get("keyfile")
    secret = values.get("password") or values.get("password_file")
    if secret and not (values.get("username") or base.username):
        yield _mistake(f"{secret.label} is given without a user name", "set the user name too (MQTT_USERNAME)")
    if certificate and not (key or base.keyfile):
        yield _mistake(f"{certificate.label} is given without its key", "set the key too (MQTT_KEYFILE)")
    if key and not (certificate or base.certfile):
        yield _mistake(f"{key.label} is given without its certificate", "set the certificate too (MQTT_CERTFILE)")


def _joined(base: Connection, values: dict[str, object]) -> Connection:
    secret = values.pop("password_file", None)
    if secret is not None:
        values["password"] = secret
    if values.get("username", base.username) != base.username:
        base = replace(base, password="")
    return replace(base, **values)  # the parsers give each field its type


def _host(value: object) -> str:
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise _Invalid(f"is not a host: {value}; use a name or an address, without scheme and port")
    return value


def _port(value: object) -> int:
    text = str(value)
    port = number_in(text) if text.isascii() else None
    if port is None or not 0 < port < 65536:
        raise _Invalid(f"is not a port: {value}; use a number from 1 to 65535")
    return port


def _switch(value: object) -> bool:
    found = _SWITCH.get(str(value).lower())
    if found is None:
        raise _Invalid(f"is neither on nor off: {value}; use 1 or 0")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise _Invalid("is not text; put it in quotes")
    try:
        os.fsencode(value)
    except UnicodeEncodeError as error:
        raise _Invalid("has an incomplete character; correct it") from error
    return value


def _login(value: object) -> str:
    text = _text(value)
    if not is_utf8(text):
        raise _Invalid("is not UTF-8; MQTT allows only UTF-8 text")
    return text


def _prefix(value: object) -> str:
    if not isinstance(value, str) or not _PREFIX.fullmatch(value):
        raise _Invalid(f"is not a client id prefix: {value}; use 1 to 64 letters, digits, dots, dashes or underscores")
    return value


def _file(value: object, files: Files) -> str:
    path = os.path.abspath(os.path.expanduser(_text(value)))
    _content(path, files)
    return path


def _secret(value: object, files: Files) -> str:
    path = os.path.abspath(os.path.expanduser(_text(value)))
    secret = _content(path, files).decode(errors="replace").rstrip("\r\n")
    if not secret or "\n" in secret:
        raise _Invalid(f"is not a file with one line: {path}; write only the password into it")
    return secret


def _content(path: str, files: Files) -> bytes:
    match files.read(path):
        case Present(content):
            return content
        case Absent():
            raise _Invalid(f"names a file that is not there: {path}; correct the path, or create the file")
        case Unknown(reason):
            raise _Invalid(f"names a file that cannot be read: {reason}; make it readable for your user")


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
