"""What the server was started with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from reconciler.app.project.project import Project
from reconciler.model.errors import UsageError
from reconciler.ports.listening import names_of_this_machine

from .bind import BindAddress, expect_names, is_name
from .certificates import WebCertificate, own_certificate
from .passwords import PasswordHash, logins
from .permission import WebPermission

_LOCAL = ("127.0.0.1", "localhost", "::1")


class WebSettings(Struct, frozen=True):
    """Where the server listens, and what it may do."""

    projects: tuple[Project, ...]
    bind: BindAddress
    names: tuple[str, ...]
    """The names under which it is reached; the first one is shown."""
    allowed: frozenset[WebPermission]
    logins: Mapping[str, PasswordHash]
    certificate: WebCertificate | None = None
    """None: it does not speak TLS, and only this machine can reach it."""

    @property
    def folder(self) -> str:
        """Where logins, browsers, certificates and the log are."""
        return web_folder(self.projects[0])

    @property
    def now(self) -> datetime:
        """The current moment."""
        return self.projects[0].now()


def web_folder(at: Project) -> str:
    """The folder of the server's own files."""
    return os.path.join(at.state, "web")


def settings_for(
    projects: Sequence[Project], bind: BindAddress, names: Sequence[str], allowed: frozenset[WebPermission]
) -> WebSettings:
    """The settings. For other machines, the certificate is made where it is missing.

    Raises:
        UsageError: Other machines could reach it, and nobody has a login.
        ReconcilerError: Logins or certificate cannot be used.
    """
    expect_names(names)
    folder = web_folder(projects[0])
    known = logins(folder)
    if bind.is_local:
        return WebSettings(tuple(projects), bind, _local_names(bind, names), allowed, known)
    if not known:
        raise UsageError(
            f"other machines can reach {bind.address}, and nobody has a login",
            fix="make one first: reconciler web --set-password YOUR-NAME",
        )
    own = tuple(dict.fromkeys([*names, *_names_at(bind)]))
    made = own_certificate(folder, own, projects[0].now())
    return WebSettings(tuple(projects), bind, own, allowed, known, made)


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
