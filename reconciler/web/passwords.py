"""The logins of the page: a name, and a hash of its password."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from threading import Lock
from typing import Annotated, Literal

from msgspec import Meta, Struct

from reconciler.model.errors import UsageError

from .stored import store, stored

FILE = "logins.json"
SHORTEST = 12
"""Characters of a password."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# RFC 7914; 32 MiB for each check (OWASP Password Storage Cheat Sheet: N = 2^15, r = 8, p = 3)
_N, _R, _P, _MEMORY = 1 << 15, 8, 3, 64 << 20
_ONE_AT_A_TIME = Lock()


class PasswordHash(Struct, frozen=True):
    """A hash by scrypt with its parameters N, r and p; salt and hash are hexadecimal."""

    salt: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    hash: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    scheme: Literal["scrypt 32768 8 3"] = "scrypt 32768 8 3"


def logins(folder: str) -> Mapping[str, PasswordHash]:
    """All logins, by name. Raises ReconcilerError if they cannot be read."""
    return stored(folder, FILE, dict[str, PasswordHash]) or {}


def set_password(folder: str, name: str, password: str) -> None:
    """Make a login, or change its password. Raises UsageError for one that would be guessed; ReconcilerError."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name} cannot be the name of a login", fix="use letters, digits, `.`, `_` and `-`")
    if len(password) < SHORTEST:
        raise UsageError(
            f"the password is shorter than {SHORTEST} characters", fix="choose a longer one, such as five random words"
        )
    salt = os.urandom(16)
    store(folder, FILE, {**logins(folder), name: PasswordHash(salt.hex(), _scrypt(password, salt).hex())})


def forget_login(folder: str, name: str) -> None:
    """Remove a login. Raises UsageError if there is none; ReconcilerError."""
    known = logins(folder)
    if name not in known:
        raise UsageError(f"{name} has no login", fix=f"logins: {', '.join(sorted(known)) or 'none'}")
    store(folder, FILE, {each: found for each, found in known.items() if each != name})


def is_right(known: Mapping[str, PasswordHash], name: str, password: str) -> bool:
    """Whether this is the password of the login. It takes equally long for a name that does not exist."""
    found = known.get(name, _NOBODY)
    with _ONE_AT_A_TIME:
        given = _scrypt(password, bytes.fromhex(found.salt))
    return hmac.compare_digest(given, bytes.fromhex(found.hash)) and name in known


def _scrypt(password: str, salt: bytes) -> bytes:
    secret = password.encode(errors="surrogateescape")
    return hashlib.scrypt(secret, salt=salt, n=_N, r=_R, p=_P, maxmem=_MEMORY, dklen=32)


_NOBODY = PasswordHash("00" * 16, "00" * 32)
