"""The password file, made without the secrets ever standing in a command line."""

from __future__ import annotations

import binascii
import hmac
import secrets
from base64 import b64decode, b64encode
from hashlib import pbkdf2_hmac

from reconciler.model.diagnostic import Diagnostic
from reconciler.model.digits import number_in

from .files import mistake

# PBKDF2-HMAC-SHA512 in the form that mosquitto_passwd writes. Mosquitto 2.0 knows no salt of any
# other length than 12 bytes; 2.1 takes it too.
_SCHEME = "$7$"
_SALT_BYTES = 12
_KEY_BYTES = 64
# The broker has one thread, and hashes at every login: 0.6 ms. More iterations would let logins
# hold up everybody, and add nothing to a secret of 32 random bytes.
_ITERATIONS = 1000
_SECRET_BYTES = 32
_MAKE_AGAIN = "remove the line, then let reconciler make the file again"


def new_secret() -> str:
    """A password that nobody guesses: 32 random bytes in URL-safe letters."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def entry(secret: str, salt: bytes = b"") -> str:
    """What the password file holds of a secret; without a salt, a new one is drawn."""
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    return f"{_SCHEME}{_ITERATIONS}${_text(salt)}${_text(_derive(secret, salt, _ITERATIONS))}"


def verifies(hashed: str, secret: str) -> bool:
    """Whether an entry of ours is that of `secret`; one with another cost or salt length is not."""
    parts = _parts(hashed)
    if isinstance(parts, str):
        return False
    iterations, salt, derived = parts
    ours = iterations == _ITERATIONS and len(salt) == _SALT_BYTES
    return ours and hmac.compare_digest(derived, _derive(secret, salt, iterations))


def parse(text: str, path: str) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """The entries by user, and every line that would lose its user or keep Mosquitto 2.1 from starting."""
    entries: dict[str, str] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        name, colon, hashed = line.partition(":")
        problem = _problem(name, hashed if colon else "", entries)
        if problem:
            problems.append(mistake(path, number, problem, _MAKE_AGAIN))
        else:
            entries[name] = hashed
    return entries, tuple(problems)


def _problem(name: str, hashed: str, entries: dict[str, str]) -> str:
    if not name or not hashed:
        return "no NAME:ENTRY on this line"
    if name in entries:
        return f"{name} stands here a second time"
    parts = _parts(hashed)
    if isinstance(parts, str):
        return f"the entry of {name} {parts}"
    if len(parts[1]) != _SALT_BYTES:
        return f"the salt of {name} has {len(parts[1])} bytes: Mosquitto 2.0 would drop the user"
    return ""


def _parts(hashed: str) -> tuple[int, bytes, bytes] | str:
    """Iterations, salt and key of an entry, or what is wrong with it."""
    if not hashed.startswith(_SCHEME):
        return "is not of the kind $7$, which every Mosquitto 2 can check"
    fields = hashed.removeprefix(_SCHEME).split("$")
    iterations = number_in(fields[0])
    if len(fields) != 3 or not iterations:
        return "is not ITERATIONS$SALT$KEY"
    try:
        salt, derived = b64decode(fields[1], validate=True), b64decode(fields[2], validate=True)
    except (binascii.Error, ValueError):
        return "is not Base64"
    if len(derived) != _KEY_BYTES:
        return f"has a key of {len(derived)} bytes instead of {_KEY_BYTES}"
    return iterations, salt, derived


def _derive(secret: str, salt: bytes, iterations: int) -> bytes:
    return pbkdf2_hmac("sha512", secret.encode(), salt, iterations, _KEY_BYTES)


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
