"""What the server was started with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from reconciler.app.board.members import AllNoted, BoardMembers, GivenProjects
from reconciler.app.project.places import state_home
from reconciler.app.project.project import Project
from reconciler.model.errors import UsageError
from reconciler.ports.clock import RealClock
from reconciler.ports.listening import names_of_this_machine
from reconciler.ports.own_files import fence

from .bind import BindAddress, expect_names, is_name
from .certificates import WebCertificate, own_certificate
from .passwords import PasswordHash, logins
from .permission import WebPermission

_LOCAL = ("127.0.0.1", "localhost", "::1")


class WebPlace(Struct, frozen=True):
    """Which projects the page shows, and where it keeps its own files."""

    members: BoardMembers
    folder: str
    """Where logins, browsers, certificates and the log are."""
    command: str
    """What a user types to start this server."""


def place_of_project(at: Project) -> WebPlace:
    """The page of one project, with its files beside the registry."""
    return WebPlace(GivenProjects([at]), os.path.join(at.state, "web"), "reconciler web")


def place_of_all(env: Mapping[str, str]) -> WebPlace:
    """The page of all noted projects, with its files where the notes are; no link in the way to them is followed."""
    base = state_home(env, env.get("HOME") or os.path.expanduser("~"))
    inside = os.path.join("reconciler", "web")
    fence(base, [inside], "XDG_STATE_HOME={}")
    return WebPlace(AllNoted(), os.path.join(base, inside), "reconciler web --all")


class WebSettings(Struct, frozen=True):
    """Where the server listens, and what it may do."""

    place: WebPlace
    bind: BindAddress
    names: tuple[str, ...]
    """The names under which it is reached; the first one is shown."""
    allowed: frozenset[WebPermission]
    logins: Mapping[str, PasswordHash]
    certificate: WebCertificate | None = None
    """None: it does not speak TLS, and only this machine can reach it."""
    clock: RealClock = RealClock()

    @property
    def folder(self) -> str:
        """Where logins, browsers, certificates and the log are."""
        return self.place.folder

    def now(self) -> datetime:
        """The current moment."""
        return self.clock.now()


def settings_for(
    place: WebPlace, bind: BindAddress, names: Sequence[str], allowed: frozenset[WebPermission]
) -> WebSettings:
    """The settings. For other machines, the certificate is made where it is missing.

    Raises:
        UsageError: Other machines could reach it, and there is no login yet.
        ReconcilerError: Logins or certificate cannot be used.
    """
    expect_names(names)
    known = logins(place.folder)
    if bind.is_local:
        return WebSettings(place, bind, _local_names(bind, names), allowed, known)
    if not known:
        raise UsageError(
            f"other machines can reach {bind.address}, and there is no login yet",
            fix=f"make one first: {place.command} --set-password YOUR-NAME",
        )
    own = tuple(dict.fromkeys([*names, *_names_at(bind)]))
    made = own_certificate(place.folder, own, RealClock().now())
    return WebSettings(place, bind, own, allowed, known, made)


def _local_names(bind: BindAddress, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([str(bind.address), *_LOCAL, *names]))


def _names_at(bind: BindAddress) -> tuple[str, ...]:
    """The names of this machine; of an address of its own, that comes first."""
    names = [each for each in names_of_this_machine() if is_name(each)]
    if bind.address.is_unspecified:
        addresses = [each for each in names if _is_address(each)]
        return (*addresses, *(each for each in names if each not in addresses), *_LOCAL)
    return (str(bind.address), *(each for each in names if not _is_address(each)))


def _is_address(name: str) -> bool:
    return name.replace(".", "").isdecimal() or ":" in name
