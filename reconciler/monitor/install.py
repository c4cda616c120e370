"""The monitor, or a runner, as a service of the user: a systemd unit, or a launchd agent on macOS.

The file contains its own digest: only an unchanged file of ours is replaced or removed. It contains no secret:
settings of a broker come from the file `monitor.env`, or `runner.env`, beside the registry, if it exists.
"""

from __future__ import annotations

import os
import plistlib
import re
from collections.abc import Mapping
from hashlib import sha256

from msgspec import Struct

from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.utf8 import as_bytes, encode_utf8
from reconciler.ports.world import Files

_MARK = "Written by `reconciler {} install`. sha256:"
_MARKED = re.compile(
    rb"(?P<head>(?:.*\n)??(?:.*\n)??)"
    rb"(?P<line>.*Written by `reconciler \w+ install`\. sha256: (?P<digest>\w+).*\n)"
)
_KEPT = ("PATH", "TMUX_TMPDIR", "TMUX_SERVER_NAME", "AGENT_SESSIONS_STATE_DIR", "RECONCILE_POLL_INTERVAL", "LANG")
_HEADERS = 2


class UserService(Struct, frozen=True):
    """What runs without a terminal; `command` has absolute paths, `state` is the registry's folder."""

    name: str
    root: str
    state: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    kind: str = "monitor"
    """The command that it runs."""


class Unit(Struct, frozen=True):
    """The file of a service, and the commands that use it."""

    path: str
    content: bytes
    enable: tuple[str, ...]
    disable: tuple[str, ...]


def service_name(root: str, kind: str = "monitor") -> str:
    """The name of the service, unique for each project folder."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", os.path.basename(root)).strip("-") or "project"
    return f"reconciler-{kind}-{readable}-{sha256(as_bytes(root)).hexdigest()[:8]}"


def passed_on(env: Mapping[str, str], *more: str) -> dict[str, str]:
    """The variables of the installing user's environment that the service gets, and `more`; none is a secret."""
    return {name: env[name] for name in (*_KEPT, *more) if env.get(name)}


def install(unit: Unit, files: Files) -> bool:
    """Write the file; False if it already exists with this content.

    Raises:
        Refused: Another file is there, or ours was changed by hand.
        ReconcilerError: It cannot be written.
    """
    before = _present(unit, files)
    if before == unit.content:
        return False
    files.make_folder(os.path.dirname(unit.path), 0o755)
    files.write(unit.path, unit.content, 0o644)
    return True


def uninstall(unit: Unit, files: Files) -> bool:
    """Remove the file; False if it does not exist.

    Raises:
        Refused: It is not ours, or was changed by hand.
        ReconcilerError: It cannot be removed.
    """
    if not _present(unit, files):
        return False
    files.delete(unit.path, os.path.dirname(unit.path))
    return True


def _present(unit: Unit, files: Files) -> bytes:
    """The file's content; empty if it does not exist. Raises Refused if it is not as we wrote it."""
    match files.read(unit.path):
        case Absent():
            return b""
        case Unknown(reason):
            raise ReconcilerError(f"the service file cannot be read: {reason}")
        case Present(content):
            if not _is_ours(content):
                raise Refused(f"{unit.path} was changed by hand", fix="keep it, or move it away and try again")
            return content


def _is_ours(content: bytes) -> bool:
    found = _MARKED.match(content)
    if found is None:
        return False
    rest = found["head"] + content[found.end() :]
    return sha256(rest).hexdigest() == found["digest"].decode()


# --- systemd ----------------------------------------------------------------------------------


def systemd_unit(service: UserService, config_home: str) -> Unit:
    """A systemd unit of the user (systemd.unit(5), systemd.service(5)).

    It restarts after failures, except those that would repeat: held lock, refusal, wrong usage.
    """
    lines = [
        "[Unit]",
        f"Description=reconciler {service.kind} of {_escaped(service.root)}",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={' '.join(_quoted(word).replace('$', '$$') for word in service.command)}",
        f"WorkingDirectory={_escaped(service.root)}",
        *(f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(service.env.items())),
        f"EnvironmentFile=-{_escaped(os.path.join(service.state, f'{service.kind}.env'))}",
        "Restart=on-failure",
        "RestartSec=5",
        "RestartPreventExitStatus=6 7 64",
        "KillMode=mixed",
        "UMask=0077",
        "NoNewPrivileges=yes",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    ]
    name = f"{service.name}.service"
    path = os.path.join(config_home, "systemd", "user", name)
    return Unit(
        path,
        _signed(b"", encode_utf8("\n".join(lines), path), "# {}", service.kind),
        enable=(
            "systemctl --user daemon-reload",
            f"systemctl --user enable --now {name}",
            "loginctl enable-linger  # lets it run while you are not logged in",
        ),
        disable=(f"systemctl --user disable --now {name}",),
    )


def _quoted(word: str) -> str:
    """The text quoted as one word (systemd.syntax(7), "Quoting")."""
    return '"' + _escaped(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


# --- launchd ----------------------------------------------------------------------------------


def launchd_agent(service: UserService, home: str, uid: int) -> Unit:
    """A property list for the user's launchd (launchd.plist(5)); it restarts after a failure."""
    label = service.name
    log = os.path.join(home, "Library", "Logs", f"{label}.log")
    path = os.path.join(home, "Library", "LaunchAgents", f"{label}.plist")
    encode_utf8("\n".join((*service.command, service.root, *service.env.values(), log)), path)
    content = plistlib.dumps(
        {
            "Label": label,
            "ProgramArguments": list(service.command),
            "WorkingDirectory": service.root,
            "EnvironmentVariables": dict(service.env),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "Umask": 0o077,
            "StandardOutPath": log,
            "StandardErrorPath": log,
        }
    )
    head = b"".join(line + b"\n" for line in content.split(b"\n")[:_HEADERS])  # no comment may come before these
    return Unit(
        path,
        _signed(head, content[len(head) :], "<!-- {} -->", service.kind),
        enable=(f"launchctl bootstrap gui/{uid} {path}",),
        disable=(f"launchctl bootout gui/{uid}/{label}",),
    )


def _signed(head: bytes, rest: bytes, comment: str, kind: str) -> bytes:
    line = comment.format(f"{_MARK.format(kind)} {sha256(head + rest).hexdigest()}")
    return head + line.encode() + b"\n" + rest
