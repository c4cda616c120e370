"""The password file, made without the secrets ever standing in a command line."""

from __future__ import annotations

import binascii
import hmac
import secrets
from base64 import b64decode, b64encode
from hashlib import pbkdf2_hmac, sha512

from msgspec import Struct

from reconciler.model.diagnostic import Diagnostic
from reconciler.model.digits import number_in

from .file_set import mistake

# PBKDF2-HMAC-SHA512 in the form that mosquitto_passwd writes. Mosquitto 2.0 knows no salt of any
# other length than 12 bytes; 2.1 takes it too.
_SCHEME = "$7$"
_SALT_BYTES = 12
_KEY_BYTES = 64
# What other hands have written: a plain SHA-512 of password and salt by Mosquitto 1, long salts by 2.1.
_PLAIN_SCHEME = "$6$"
_LONG_SALT_BYTES = 64
_MOST_ITERATIONS = 1_000_000  # more would keep us, and the broker at each login, busy for seconds
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
    """Whether an entry is that of `secret`, whoever has written it."""
    parts = _parts(hashed)
    if isinstance(parts, str) or parts.iterations > _MOST_ITERATIONS:
        return False
    return hmac.compare_digest(parts.key, _derive(secret, parts.salt, parts.iterations))


def is_ours(hashed: str) -> bool:
    """Whether an entry has the cost and the salt of those that are made here."""
    parts = _parts(hashed)
    return not isinstance(parts, str) and (parts.iterations, len(parts.salt)) == (_ITERATIONS, _SALT_BYTES)


def needs_2_1(hashed: str) -> bool:
    """Whether Mosquitto 2.0 would drop the user of an entry because of its long salt."""
    parts = _parts(hashed)
    return not isinstance(parts, str) and len(parts.salt) == _LONG_SALT_BYTES


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


def dropped_by_2_0(text: str, path: str) -> tuple[Diagnostic, ...]:
    """Every line whose user Mosquitto 2.0 would drop, and 2.1 lets in."""
    lines = enumerate(text.splitlines(), 1)
    found = ((number, *line.partition(":")[::2]) for number, line in lines)
    fix = "install Mosquitto 2.1, or give the user a new password: reconciler broker user rotate NAME"
    return tuple(
        mistake(
            path, number, f"the salt of {name} has {_LONG_SALT_BYTES} bytes: Mosquitto 2.0 would drop the user", fix
        )
        for number, name, hashed in found
        if needs_2_1(hashed)
    )


class _Parts(Struct, frozen=True):
    """What an entry says; `iterations` is 0 for a plain SHA-512."""

    iterations: int
    salt: bytes
    key: bytes


def _problem(name: str, hashed: str, entries: dict[str, str]) -> str:
    if not name or not hashed:
        return "no NAME:ENTRY on this line"
    if name in entries:
        return f"{name} stands here a second time"
    parts = _parts(hashed)
    if isinstance(parts, str):
        return f"the entry of {name} {parts}"
    if len(parts.salt) not in {_SALT_BYTES, _LONG_SALT_BYTES}:
        return f"the salt of {name} has {len(parts.salt)} bytes: Mosquitto would drop the user"
    return ""


def _parts(hashed: str) -> _Parts | str:
    """Iterations, salt and key of an entry, or what is wrong with it."""
    if not hashed.startswith((_SCHEME, _PLAIN_SCHEME)):
        return "is neither of the kind $7$ nor $6$, which every Mosquitto 2 can check"
    fields = hashed[len(_SCHEME) :].split("$")
    if hashed.startswith(_PLAIN_SCHEME):
        fields = ["0", *fields]
    iterations = number_in(fields[0])
    if len(fields) != 3 or iterations is None or (not iterations and hashed.startswith(_SCHEME)):
        return "is not ITERATIONS$SALT$KEY"
    try:
        salt, derived = b64decode(fields[1], validate=True), b64decode(fields[2], validate=True)
    except (binascii.Error, ValueError):
        return "is not Base64"
    if len(derived) != _KEY_BYTES:
        return f"has a key of {len(derived)} bytes instead of {_KEY_BYTES}"
    return _Parts(iterations, salt, derived)


def _derive(secret: str, salt: bytes, iterations: int) -> bytes:
    if not iterations:
        return sha512(secret.encode() + salt).digest()
    return pbkdf2_hmac("sha512", secret.encode(), salt, iterations, _KEY_BYTES)


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
