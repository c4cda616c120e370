"""Read and write the password file. Passwords never appear in a command line."""

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

# PBKDF2-HMAC-SHA512 in the form that mosquitto_passwd writes. Mosquitto 2.0 accepts only salts of
# 12 bytes; 2.1 accepts them too.
_SCHEME = "$7$"
_SALT_BYTES = 12
_KEY_BYTES = 64
# Other forms in existing files: Mosquitto 1 wrote a plain SHA-512 of password and salt, 2.1 writes long salts.
_PLAIN_SCHEME = "$6$"
_LONG_SALT_BYTES = 64
_MOST_ITERATIONS = 1_000_000  # with more, we and the broker would need seconds for each check
# The broker has one thread and hashes at every login, which takes 0.6 ms. More iterations would make all
# clients wait, and add no security to a password of 32 random bytes.
_ITERATIONS = 1000
_SECRET_BYTES = 32
_MAKE_AGAIN = "remove the line, then let reconciler make the file again"


def new_secret() -> str:
    """A new password: 32 random bytes as URL-safe characters."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def entry(secret: str, salt: bytes = b"") -> str:
    """The entry for a password; without a salt, a random one is used."""
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    return f"{_SCHEME}{_ITERATIONS}${_text(salt)}${_text(_derive(secret, salt, _ITERATIONS))}"


def verifies(hashed: str, secret: str) -> bool:
    """Whether an entry matches the password `secret`, in any supported form."""
    parts = _parts(hashed)
    if isinstance(parts, str) or parts.iterations > _MOST_ITERATIONS:
        return False
    return hmac.compare_digest(parts.key, _derive(secret, parts.salt, parts.iterations))


def is_ours(hashed: str) -> bool:
    """Whether an entry has the iterations and salt length of the entries that reconciler makes."""
    parts = _parts(hashed)
    return not isinstance(parts, str) and (parts.iterations, len(parts.salt)) == (_ITERATIONS, _SALT_BYTES)


def needs_2_1(hashed: str) -> bool:
    """Whether Mosquitto 2.0 would ignore the entry because of its long salt."""
    parts = _parts(hashed)
    return not isinstance(parts, str) and len(parts.salt) == _LONG_SALT_BYTES


def parse(text: str, path: str) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """The entries by user, and an error for each line that Mosquitto would ignore or refuse to start with."""
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
    """Report each line that Mosquitto 2.0 would ignore and 2.1 accepts."""
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
    """The parts of an entry; `iterations` is 0 for a plain SHA-512."""

    iterations: int
    salt: bytes
    key: bytes


def _problem(name: str, hashed: str, entries: dict[str, str]) -> str:
    if not name or not hashed:
        return "no NAME:ENTRY on this line"
    if name in entries:
        return f"{name} has two entries"
    parts = _parts(hashed)
    if isinstance(parts, str):
        return f"the entry of {name} {parts}"
    if len(parts.salt) not in {_SALT_BYTES, _LONG_SALT_BYTES}:
        return f"the salt of {name} has {len(parts.salt)} bytes: Mosquitto would drop the user"
    return ""


def _parts(hashed: str) -> _Parts | str:
    """Iterations, salt and key of an entry, or what is wrong with it."""
    if not hashed.startswith((_SCHEME, _PLAIN_SCHEME)):
        return "begins with neither $7$ nor $6$, the forms of Mosquitto 2"
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
