"""Read the agents in the panes of a tmuxp workspace file, which is YAML or JSON.

Keys and rules for folders are those of tmuxp 1.76: <https://tmuxp.git-pull.com/configuration/>.
"""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.adoption import Findings

from .context import SourceContext, resolved
from .findings_builder import FindingsBuilder, PaneNames, unknown_variable
from .foreign_file import ForeignFile, read_content, text_of
from .pane import PaneLine, PaneStart, read_pane, shown
from .pane_file import HOOK, LOOKS, PaneFileReader, UnreadKeys

_BLANK = ("blank", "pane", "")
_NO = (False, "false", "False", "no", "No", "off", "n")
_TIMING = "reconciler starts the agent directly and types no commands into a shell"
_UNREAD = {
    "before_script": HOOK,
    "enter": _TIMING,
    "focus": LOOKS,
    "global_options": LOOKS,
    "layout": LOOKS,
    "options": LOOKS,
    "options_after": LOOKS,
    "plugins": HOOK,
    "sleep_after": _TIMING,
    "sleep_before": _TIMING,
    "suppress_history": _TIMING,
    "window_index": LOOKS,
}
_FIXES = {
    "before_script": "run it before `reconciler apply`",
    "options": "set it in tmux.conf",
    "global_options": "set it in tmux.conf",
}
_SESSION = frozenset({"environment", "session_name", "shell_command_before", "start_directory", "windows"})
_WINDOW = frozenset({
    "environment", "panes", "shell_command_before", "start_directory", "window_name", "window_shell",
})  # fmt: skip
_PANE = frozenset({"enter", "environment", "shell", "shell_command", "shell_command_before", "start_directory"})


class _Level(Struct, frozen=True):
    """The values that a session or a window passes down to its panes."""

    folder: str
    env: Mapping[str, str] = {}
    session_env: Mapping[str, str] = {}
    before: tuple[PaneLine, ...] = ()
    shell: tuple[PaneLine, ...] = ()


def read_tmuxp(file: ForeignFile, context: SourceContext) -> Findings:
    """The agents in a workspace file, and everything in it that is not adopted.

    Raises:
        ReconcilerError: The file is not a workspace file of tmuxp. The message has the place.
    """
    content = read_content(file, text_of(file))
    session = content.mapping(content.value, "")
    for key in ("session_name", "windows"):
        if not session.get(key):
            content.refuse("", f"no `{key}`: this is not a workspace file of tmuxp")
    builder = FindingsBuilder(f"tmuxp file {os.path.basename(file.path)}")
    reader = _TmuxpReader(content, context, builder, UnreadKeys(_UNREAD, _FIXES))
    reader.session(session)
    return reader.builder.findings


class _TmuxpReader(PaneFileReader):
    def session(self, session: Mapping[str, Any]) -> None:
        self.name = self.content.text(session["session_name"], "session_name")
        self.leave_keys(session, "", _SESSION, f"session `{shown(self.name)}`")
        outside = _Level(os.path.dirname(self.content.file.path))
        level = self.level(session, "", outside)
        level = replace(level, session_env=level.env)
        self.root = level.folder if session.get("start_directory") else ""
        windows = self.content.listing(session["windows"], "windows")
        self.alone = len(windows) == 1
        for index, window in enumerate(windows):
            self.window(self.content.mapping(window, f"windows.{index}"), f"windows.{index}", level)

    def window(self, window: Mapping[str, Any], path: str, session: _Level) -> None:
        name = self.content.text(window.get("window_name"), f"{path}.window_name")
        where = f"window `{shown(name) or int(path.rpartition('.')[2]) + 1}`"
        level = self.level(window, path, session)
        self.leave_keys(window, path, _WINDOW, where)
        panes = self.content.listing(window.get("panes"), f"{path}.panes") or [None]
        for index, pane in enumerate(panes):
            where_pane = f"pane {index + 1} of {where}" if len(panes) > 1 else where
            self.pane(pane, f"{path}.panes.{index}", level, PaneNames(name, len(panes) == 1, where_pane))

    def pane(self, value: Any, path: str, window: _Level, names: PaneNames) -> None:
        pane = value if isinstance(value, dict) else {"shell_command": value}
        inner = f"{path}.shell_command" if isinstance(value, dict) else path
        level = self.level(pane, path, window)
        entered = pane.get("enter", True) not in _NO
        own = self.lines(pane.get("shell_command"), inner, entered=entered)
        start = PaneStart(level.folder, self.context, level.env)
        reading = read_pane([*level.shell, *level.before, *own], start)
        place = self.content.place(path)
        if reading.agent is None:
            self.builder.leave_pane(names.where, read_pane([*level.shell, *own], start), place)
            return
        self.builder.leave_all(reading.left)
        self.leave_keys(pane, path, _PANE, names.where)
        self.add_agent(reading, names, place)

    def level(self, table: Mapping[str, Any], path: str, above: _Level) -> _Level:
        """The values of a table on top of its parent's. The environment of a pane replaces that of its window."""
        dot = f"{path}." if path else ""
        start = self.content.text(table.get("start_directory"), f"{dot}start_directory")
        folder = (
            resolved(start, above.folder, self.context) if above.folder or start.startswith(("/", "~", "$")) else ""
        )
        env = self.environment(table.get("environment"), f"{dot}environment")
        before = self.lines_before(table.get("shell_command_before"), f"{dot}shell_command_before")
        shell = self.lines(table.get("shell", table.get("window_shell")), f"{dot}shell")
        passed_down = {**above.session_env, **env} if env else above.env
        return _Level(folder, passed_down, above.session_env, (*above.before, *before), shell or above.shell)

    def environment(self, value: Any, path: str) -> dict[str, str]:
        """The variables of a table. Those that tmuxp would expand are recorded and left out."""
        found: dict[str, str] = {}
        for name, each in self.content.mapping(value, path).items():
            text = self.content.text(each, f"{path}.{name}")
            if "$" not in text and not text.startswith((".", "~")):
                found[name] = text
            elif text.startswith((".", "~", "$HOME", "${HOME}")) and (
                folder := resolved(text, os.path.dirname(self.content.file.path), self.context)
            ):
                found[name] = folder
            else:
                self.builder.leave_all([unknown_variable(name, text, self.content.place(f"{path}.{name}"))])
        return found

    def lines_before(self, value: Any, path: str) -> tuple[PaneLine, ...]:
        if isinstance(value, dict):
            return self.lines(value.get("shell_command"), f"{path}.shell_command")
        return self.lines(value, path)

    def lines(self, value: Any, path: str, *, entered: bool = True) -> tuple[PaneLine, ...]:
        """The lines of a command: a text, or a list of texts and mappings with `cmd`."""
        if not isinstance(value, list):
            return self.line(value, path, entered=entered)
        return tuple(
            line for index, each in enumerate(value) for line in self.line(each, f"{path}.{index}", entered=entered)
        )

    def line(self, value: Any, path: str, *, entered: bool) -> tuple[PaneLine, ...]:
        if isinstance(value, dict):
            entered = value.get("enter", entered) not in _NO
            return self.line(value.get("cmd"), f"{path}.cmd", entered=entered)
        text = self.content.text(value, path)
        return () if text in _BLANK else (PaneLine(text, self.content.place(path), entered),)
