"""Which browsers are let in: each has a secret in a cookie, of which only a hash is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from msgspec import Struct

from reconciler.model.moment import read, to_second

from .stored import store, stored

FILE = "browsers.json"
LIFETIME = timedelta(days=30)
_MOST = 100
_FORM = b"form"


class Browser(Struct, frozen=True):
    """A browser that is let in."""

    who: str
    """The name of its login; of one that came by a link, the user who started the server."""
    since: str
    """UTC, ISO 8601."""
    came_from: str
    """The address from which it logged in."""

    def is_valid(self, now: datetime) -> bool:
        """Whether it is let in at this moment."""
        since = read(self.since)
        return since is not None and now < since + LIFETIME


class Browsers:
    """The browsers that are let in. They stay so when the server restarts."""

    def __init__(self, folder: str, now: Callable[[], datetime]) -> None:
        self._folder, self._now, self._lock = folder, now, Lock()
        self._known = stored(folder, FILE, dict[str, Browser]) or {}
        self._links: set[str] = set()

    def new_link(self) -> str:
        """A token that lets one browser in, once."""
        token = secrets.token_urlsafe(32)
        self._links.add(_hash(token))
        return token

    def use_link(self, token: str) -> bool:
        """Whether the token is one of a link that was not used yet; it is used now."""
        with self._lock:
            if _hash(token) not in self._links:
                return False
            self._links.remove(_hash(token))
            return True

    def admit(self, who: str, came_from: str) -> str:
        """Let a browser in. Returns its secret. Raises ReconcilerError if that cannot be stored."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            valid = {key: each for key, each in self._known.items() if each.is_valid(self._now())}
            newest = sorted(valid.items(), key=lambda pair: pair[1].since)[1 - _MOST :]
            self._known = {**dict(newest), _hash(secret): Browser(who, to_second(self._now()), came_from)}
            store(self._folder, FILE, self._known)
        return secret

    def find(self, secret: str) -> Browser | None:
        """The browser with this secret, if it is let in."""
        found = self._known.get(_hash(secret)) if secret else None
        return found if found and found.is_valid(self._now()) else None

    def dismiss(self, secret: str) -> None:
        """Sign a browser out. Raises ReconcilerError if that cannot be stored."""
        with self._lock:
            self._known = {key: each for key, each in self._known.items() if key != _hash(secret)}
            store(self._folder, FILE, self._known)


def dismiss_all_of(folder: str, who: str) -> None:
    """Let no browser of a login in any more, until it logs in again. Raises ReconcilerError."""
    known = stored(folder, FILE, dict[str, Browser]) or {}
    store(folder, FILE, {key: each for key, each in known.items() if each.who != who})


def form_token(secret: str) -> str:
    """What each form of a browser must contain. Another site cannot know it, and it does not tell the secret."""
    return hmac.new(secret.encode(), _FORM, hashlib.sha256).hexdigest()


def is_form_token(secret: str, given: str) -> bool:
    """Whether a form contains the token of its browser."""
    return hmac.compare_digest(form_token(secret).encode(), given.encode())


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
