"""web: see and steer all agents in a browser."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from typing import Annotated

from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.approval import given_password
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.extras import load_extra
from reconciler.cli.parameters import Option
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.ports.files import RealFiles
from reconciler.render.output import tell
from reconciler.web.bind import DEFAULT, bind_address
from reconciler.web.browsers import dismiss_all_of
from reconciler.web.passwords import forget_login, set_password
from reconciler.web.permission import WebPermission
from reconciler.web.settings import place_of_all, place_of_project, settings_for

_KNOWN = tuple(WebPermission)


def web(
    bind: Annotated[
        str, Option("--bind", metavar="ADDR:PORT", help="Listen here; other machines need a login")
    ] = DEFAULT,
    allow: Annotated[
        list[str] | None,
        Option("--allow", metavar="LIST", help=f"What the page may do: {', '.join(_KNOWN)}"),
    ] = None,
    name: Annotated[
        list[str] | None,
        Option("--name", metavar="HOST", help="Another name under which browsers reach this machine; repeatable"),
    ] = None,
    login: Annotated[
        str, Option("--set-password", metavar="NAME", help="Make a login, or change its password, and exit")
    ] = "",
    password_file: Annotated[
        str, Option("--password-file", metavar="FILE", help="Read the password from FILE; `-` is standard input")
    ] = "",
    forget: Annotated[str, Option("--forget-login", metavar="NAME", help="Remove a login, and exit")] = "",
    may_ask: opt.Input = True,
    everywhere: opt.All = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show all agents in a browser or on a phone: answer, and steer.

    Outside of a project, or with --all, it shows the agents of all your projects; that page has its own logins.
    Without --allow, the page only shows. By default, only this machine reaches it, with a link that works once. Any
    other address gets TLS with a certificate of its own CA, and needs a login.

    \b
    Examples:
      reconciler web
      reconciler web --all
      reconciler web --allow answer,send
      reconciler web --set-password anna
      reconciler web --bind 0.0.0.0:8737 --allow answer
    """
    at = None if opt.means_all(chdir, registry, everywhere=everywhere) else find_project(chdir, registry)
    place = place_of_project(at) if at else place_of_all(os.environ)
    if login or forget:
        return _change_login(place.folder, login, forget, password_file, may_ask=may_ask)
    allowed, address = _permissions(allow or []), bind_address(bind)
    server = load_extra("reconciler.web.server", "web")
    if at:
        warn_about_registry(at)
    ended_by = server.serve(settings_for(place, address, name or [], allowed), _say)
    return ExitCode.INTERRUPTED if ended_by == signal.SIGINT else ExitCode.OK


def _say(line: str) -> None:
    """Print a line at once, also into a pipe or a log: its reader needs the link."""
    tell(line)
    sys.stdout.flush()


def _change_login(folder: str, name: str, forgotten: str, password_file: str, *, may_ask: bool) -> int:
    """Make, change or remove a login; its browsers must log in again."""
    if name and forgotten:
        raise UsageError("--set-password and --forget-login exclude each other", fix="omit one of them")
    if forgotten:
        forget_login(folder, forgotten)
        tell(f"Removed the login of {forgotten}.")
    else:
        set_password(folder, name, _new_password(name, password_file, may_ask=may_ask))
        tell(f"{name} can log in. Restart the server if it is running.")
    dismiss_all_of(folder, name or forgotten)
    return ExitCode.OK


def _new_password(name: str, path: str, *, may_ask: bool) -> str:
    """A password; one that is typed is typed twice."""
    files = RealFiles()
    first = given_password(files, name, path, may_ask=may_ask)
    if not path and given_password(files, f"{name}, again", path, may_ask=may_ask) != first:
        raise UsageError("the two passwords differ", fix="try again")
    return first


def _permissions(given: Iterable[str]) -> frozenset[WebPermission]:
    names = [name.strip() for each in given for name in each.split(",") if name.strip()]
    if unknown := [name for name in names if name not in _KNOWN]:
        raise UsageError(f"--allow does not know {unknown[0]}", fix=f"use some of: {', '.join(_KNOWN)}")
    return frozenset(map(WebPermission, names))
