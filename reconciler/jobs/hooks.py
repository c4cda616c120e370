"""Add our hooks to the settings of a CLI, and remove them again; other hooks are not touched."""

from __future__ import annotations

import json
import os
import shlex
import stat
import sys
from enum import StrEnum

from msgspec import Struct

from reconciler.agents.hooks import Hooks, HookScope
from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.record import Json
from reconciler.model.utf8 import encode_utf8
from reconciler.ports.world import Files
from reconciler.text import json as json_text

_LARGEST = 64 << 20


class HookInstallation(Struct, frozen=True):
    """The hooks of one CLI in one settings file; they report to the jobs in one registry folder."""

    cli: str
    hooks: Hooks
    path: str
    registry_dir: str

    @property
    def command(self) -> str:
        """The command that the CLI runs: the interpreter of this process, so it works in any folder and environment.

        -P keeps Python from importing a module named `reconciler` in the agent's folder.
        """
        return shlex.join([sys.executable, "-P", "-m", "reconciler"]) + self._arguments

    @property
    def _arguments(self) -> str:
        return f" {shlex.join(['job', 'hook', self.cli, '--registry-dir', self.registry_dir])}"

    def owns(self, value: Json) -> bool:
        """Whether the value is one of our hooks, with any interpreter."""
        command = value.get("command") if isinstance(value, dict) else None
        return isinstance(command, str) and command.endswith(f" -m reconciler{self._arguments}")


def wiring(profile: Profile, scope: HookScope, subject: AgentEnvironment, registry_dir: str) -> HookInstallation:
    """Return the hooks of a CLI and their settings file: that of the subject's folder, or that of the user.

    Raises:
        ReconcilerError: reconciler knows no hooks for this CLI.
    """
    hooks = profile.hooks
    if hooks is None:
        raise ReconcilerError(
            f"reconciler knows no hooks for {profile.name}", fix="its agent can still publish events itself"
        )
    path = hooks.user(subject) if scope is HookScope.USER else os.path.join(subject.cwd, hooks.project)
    return HookInstallation(profile.name, hooks, path, registry_dir)


class HooksState(StrEnum):
    """What a settings file has of our hooks."""

    NONE = "none"
    CURRENT = "current"
    OTHER = "other"  # some are missing, or another installation of reconciler added them


def hooks_state(target: HookInstallation, files: Files) -> HooksState:
    """Whether the settings file has our hooks. Writes nothing. Raises what `install` raises."""
    before = _settings(target, files)
    if not before or not json_text.found(before, target.owns):
        return HooksState.NONE
    return HooksState.CURRENT if _with_hooks(before, target) == before else HooksState.OTHER


def install(target: HookInstallation, files: Files) -> bool:
    """Add our hooks to the settings file, and make the file if it is missing. False when nothing had to change.

    Raises:
        ReconcilerError: The file is not plain JSON, or cannot be read or written; it is unchanged.
    """
    before = _settings(target, files)
    after = _with_hooks(before, target)
    if after == before:
        return False
    files.make_folder(os.path.dirname(target.path), 0o700)
    files.write(target.path, encode_utf8(after, target.path), _mode(target.path))
    return True


def uninstall(target: HookInstallation, files: Files) -> bool:
    """Remove our hooks from the settings file, and delete a file that is then empty. False when there are none.

    Raises:
        ReconcilerError: The file is not plain JSON, or cannot be read or written; it is unchanged.
    """
    before = _settings(target, files)
    after = _without_hooks(before, target)
    if after == before:
        return False
    if after:
        files.write(target.path, encode_utf8(after, target.path), _mode(target.path))
    else:
        path = files.real(target.path)
        files.delete(path, os.path.dirname(path))
    return True


def _settings(target: HookInstallation, files: Files) -> str:
    """The text of the settings file; empty when there is none. Raises ReconcilerError when it is not plain JSON."""
    match files.read(target.path, _LARGEST):
        case Present(data):
            try:
                text = data.decode()
                json_text.check(text)
            except ValueError as error:
                raise _unusable(target, str(error)) from error
            return text
        case Unknown(reason):
            raise ReconcilerError(f"{target.path} cannot be read: {reason}")
        case Absent():
            return ""


def _with_hooks(before: str, target: HookInstallation) -> str:
    ours = json_text.found(before, target.owns) if before else []
    new: dict[str, Json] = {"type": "command", "command": target.command, "timeout": target.hooks.limit}
    if ours == [new] * len(target.hooks.events):
        return before
    text = _without_hooks(before, target)
    if not text:
        events = {event: [{"hooks": [new]}] for event in target.hooks.events}
        return json.dumps({"hooks": events}, indent=2, ensure_ascii=False) + "\n"
    try:
        for event in target.hooks.events:
            text = json_text.appended(text, ["hooks", event], {"hooks": [new]})
    except ValueError as error:
        raise _unusable(target, str(error)) from error
    return text


def _without_hooks(text: str, target: HookInstallation) -> str:
    try:
        return json_text.without(text, target.owns) if text else ""
    except ValueError as error:
        raise _unusable(target, str(error)) from error


def _unusable(target: HookInstallation, why: str) -> ReconcilerError:
    events = ", ".join(target.hooks.events)
    return ReconcilerError(
        f"{target.path} cannot be edited without changing anything else: {why}",
        fix=f"edit it by hand: the events {events} must run\n{target.command}",
    )


def _mode(path: str) -> int:
    """The mode of the file; 0600 for a new one."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return 0o600
