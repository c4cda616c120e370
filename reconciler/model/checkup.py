"""The result of each check of `doctor`."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from .exit_code import ExitCode


class Level(StrEnum):
    """What a check found."""

    OK = "ok"
    NOTE = "note"  # worth knowing; nothing has to be done
    WARNING = "warning"  # works, but not as well as it should
    ERROR = "error"  # something cannot work
    UNKNOWN = "unknown"  # it could not be looked at, so it does not count as fine


class Cure(StrEnum):
    """What `--fix` may do: it ends nothing that runs, and deletes nothing that anyone needs."""

    RECONNECT = "reconnect"  # the tmux server makes its removed socket again
    SESSIONS = "sessions"  # sessions and clients of killed commands end
    FILES = "files"  # unfinished files of killed commands are removed
    MODES = "modes"  # our own files become readable by their owner alone
    LOCK = "lock"  # a lock whose holder has certainly ended is released


class CheckName(StrEnum):
    """Every check. The part before the dot is the group that it is shown in."""

    PYTHON = "installation.python"
    PACKAGE = "installation.files"
    LIBRARIES = "installation.libraries"
    GIT = "installation.git"
    MOSQUITTO = "installation.mosquitto"
    PROCESSES = "installation.processes"
    TMUX_PROGRAM = "tmux.program"
    TMUX_SOCKET = "tmux.socket"
    TMUX_SERVER = "tmux.server"
    TMUX_FIT = "tmux.upgrade"
    TMUX_FILES = "tmux.open-files"
    TMUX_OPTIONS = "tmux.options"
    TMUX_PANES = "tmux.panes"
    TMUX_HOOKS = "tmux.hooks"
    TMUX_OTHERS = "tmux.other-servers"
    TMUX_LEFTOVERS = "tmux.leftovers"
    FOLDER = "folders.place"
    RUNTIME = "folders.runtime"
    LINKS = "folders.links"
    MODES = "folders.modes"
    FILE_LEFTOVERS = "folders.leftovers"
    MANIFESTS = "project.manifests"
    REGISTRY = "project.registry"
    PLACEMENT = "project.placement"
    LOCK = "project.lock"
    CONFIRMATION = "project.confirmation"
    WORKSPACES = "project.workspaces"
    ORPHANS = "project.orphans"
    SESSIONS = "project.sessions"
    CLI = "agents.program"
    CLI_VERSION = "agents.version"
    CLI_PATH = "agents.path"
    HOOKS = "agents.hooks"
    BROKER = "broker.way"
    BROKER_FILES = "broker.files"
    BROKER_RUNS = "broker.runs"
    BROKER_ANSWER = "broker.answer"
    CERTIFICATES = "broker.certificates"
    CLOCK_ROWS = "clock.registry"
    CLOCK_FILES = "clock.files"


class CheckResult(Struct, frozen=True, kw_only=True):
    """What one check found, and the command that mends it."""

    name: CheckName
    level: Level
    summary: str
    detail: str = ""
    # What to type; empty if nothing has to be done.
    fix: str = ""
    # What `--fix` does about it; None if only the user can decide.
    cure: Cure | None = None
    # The files that the cure is about.
    paths: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The group that it is shown in."""
        return self.name.partition(".")[0]


class Mended(Struct, frozen=True):
    """What `--fix` did, or could not do; then `exit_code` is that of the error, and `detail` says why."""

    cure: Cure
    summary: str
    done: bool
    detail: str = ""
    exit_code: int = ExitCode.OK
