"""Put our hooks into the settings of a CLI, and take them out again; nobody else's are touched."""

from __future__ import annotations

import json
import os
import shlex
import stat
import sys

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


class Wiring(Struct, frozen=True):
    """Hooks of one CLI in one settings file, that report to the jobs in one registry folder."""

    cli: str
    hooks: Hooks
    path: str
    registry_dir: str

    @property
    def command(self) -> str:
        """What the CLI runs: our own interpreter, from any folder, without any environment.

        With -P, a module of that name in the agent's folder is not taken for ours.
        """
        return shlex.join([sys.executable, "-P", "-m", "reconciler"]) + self._arguments

    @property
    def _arguments(self) -> str:
        return f" {shlex.join(['job', 'hook', self.cli, '--registry-dir', self.registry_dir])}"

    def owns(self, value: Json) -> bool:
        """Whether it is a hook of ours, whichever interpreter it names."""
        command = value.get("command") if isinstance(value, dict) else None
        return isinstance(command, str) and command.endswith(f" -m reconciler{self._arguments}")


def wiring(profile: Profile, scope: HookScope, subject: AgentEnvironment, registry_dir: str) -> Wiring:
    """Where the hooks of a CLI stand: in the settings of the subject's folder, or in those of the user.

    Raises:
        ReconcilerError: The CLI has no hooks that we know.
    """
    hooks = profile.hooks
    if hooks is None:
        raise ReconcilerError(f"{profile.name} has no hooks that we know", fix="its agent can still publish by itself")
    path = hooks.user(subject) if scope is HookScope.USER else os.path.join(subject.cwd, hooks.project)
    return Wiring(profile.name, hooks, path, registry_dir)


def install(wired: Wiring, files: Files) -> bool:
    """Add our hooks to the settings file, which is made when missing; False when they are all there.

    Raises:
        ReconcilerError: The file is no plain JSON, or cannot be read or written; it is untouched.
    """
    before = _settings(wired, files)
    after = _with_hooks(before, wired)
    if after == before:
        return False
    files.make_folder(os.path.dirname(wired.path), 0o700)
    files.write(wired.path, encode_utf8(after, wired.path), _mode(wired.path))
    return True


def uninstall(wired: Wiring, files: Files) -> bool:
    """Take our hooks out of the settings file, and a file that held nothing else away; False when there are none.

    Raises:
        ReconcilerError: The file is no plain JSON, or cannot be read or written; it is untouched.
    """
    before = _settings(wired, files)
    after = _without_hooks(before, wired)
    if after == before:
        return False
    if after:
        files.write(wired.path, encode_utf8(after, wired.path), _mode(wired.path))
    else:
        path = files.real(wired.path)
        files.delete(path, os.path.dirname(path))
    return True


def _settings(wired: Wiring, files: Files) -> str:
    """The text of the file, which is plain JSON; empty when there is no file."""
    match files.read(wired.path, _LARGEST):
        case Present(data):
            try:
                text = data.decode()
                json_text.check(text)
            except ValueError as error:
                raise _unusable(wired, str(error)) from error
            return text
        case Unknown(reason):
            raise ReconcilerError(f"{wired.path} cannot be read: {reason}")
        case Absent():
            return ""


def _with_hooks(before: str, wired: Wiring) -> str:
    ours = json_text.found(before, wired.owns) if before else []
    new: dict[str, Json] = {"type": "command", "command": wired.command, "timeout": wired.hooks.limit}
    if ours == [new] * len(wired.hooks.events):
        return before
    text = _without_hooks(before, wired)
    if not text:
        events = {event: [{"hooks": [new]}] for event in wired.hooks.events}
        return json.dumps({"hooks": events}, indent=2, ensure_ascii=False) + "\n"
    try:
        for event in wired.hooks.events:
            text = json_text.appended(text, ["hooks", event], {"hooks": [new]})
    except ValueError as error:
        raise _unusable(wired, str(error)) from error
    return text


def _without_hooks(text: str, wired: Wiring) -> str:
    try:
        return json_text.without(text, wired.owns) if text else ""
    except ValueError as error:
        raise _unusable(wired, str(error)) from error


def _unusable(wired: Wiring, why: str) -> ReconcilerError:
    events = ", ".join(wired.hooks.events)
    return ReconcilerError(
        f"{wired.path} cannot be edited without touching anything else: {why}",
        fix=f"edit it by hand: the events {events} have to run\n{wired.command}",
    )


def _mode(path: str) -> int:
    """The mode of the file; a new one is its owner's alone."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return 0o600
