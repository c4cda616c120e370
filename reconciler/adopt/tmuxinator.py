"""Read the agents in the panes of a tmuxinator project file.

Keys are those of tmuxinator 3.4, the deprecated ones included: <https://github.com/tmuxinator/tmuxinator>.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from reconciler.model.adoption import Findings
from reconciler.model.diagnostic import Place

from .context import SourceContext, resolved
from .findings_builder import FindingsBuilder, PaneNames
from .foreign_file import ForeignFile, read_content, text_of
from .pane import PaneLine, PaneStart, read_pane, shown
from .pane_file import HOOK, LOOKS, PaneFileReader, UnreadKeys
from .ruby_template import MARK, RubyTag, without_ruby

_SERVER = "the manifest says which tmux server is used"
_UNREAD = {
    "attach": "reconciler never attaches your terminal on its own",
    "cli_args": _SERVER,
    "enable_pane_titles": LOOKS,
    "focused_pane": LOOKS,
    "layout": LOOKS,
    "on_project_exit": HOOK,
    "on_project_first_start": HOOK,
    "on_project_restart": HOOK,
    "on_project_start": HOOK,
    "on_project_stop": HOOK,
    "pane_title_format": LOOKS,
    "pane_title_position": LOOKS,
    "post": HOOK,
    "pre": HOOK,
    "socket_name": _SERVER,
    "socket_path": _SERVER,
    "startup_pane": LOOKS,
    "startup_window": LOOKS,
    "synchronize": "text typed into one agent must not reach another one",
    "tmux_command": _SERVER,
    "tmux_options": _SERVER,
}
_FIXES = {
    "attach": "`reconciler attach`",
    "socket_name": "`tmux: {socket: NAME}` in the manifest",
    "socket_path": "`tmux: {socket_path: PATH}` in the manifest",
    **dict.fromkeys(("on_project_start", "on_project_first_start", "pre"), "run it before `reconciler apply`"),
}
_PROJECT = frozenset({
    "name", "pre_tab", "pre_window", "project_name", "project_root", "rbenv", "root", "rvm", "tabs", "windows",
})  # fmt: skip
_WINDOW = frozenset({"panes", "pre", "root"})
_FILL_IN = "replace the Ruby code with its result, then try again"


class _Window(Struct, frozen=True):
    """A window's name, its folder, and the lines that are typed into each of its panes first."""

    name: str
    folder: str
    before: tuple[PaneLine, ...]


def read_tmuxinator(file: ForeignFile, context: SourceContext) -> Findings:
    """The agents in a project file, and everything in it that is not adopted.

    Raises:
        ReconcilerError: The file is not a project file of tmuxinator. The message has the place.
    """
    without = without_ruby(text_of(file), context.home)
    content = read_content(file, without.text)
    project = content.mapping(content.value, "")
    if not any(project.get(key) for key in ("windows", "tabs")):
        content.refuse("", "no `windows`: this is not a project file of tmuxinator")
    builder = FindingsBuilder(f"tmuxinator file {os.path.basename(file.path)}")
    reader = _TmuxinatorReader(content, context, builder, UnreadKeys(_UNREAD, _FIXES))
    for tag in without.tags:
        reader.leave_tag(tag)
    reader.project(project)
    return reader.builder.findings


class _TmuxinatorReader(PaneFileReader):
    def project(self, project: Mapping[str, Any]) -> None:
        key = "project_name" if "project_name" in project else "name"
        self.name = self.content.text(project.get(key), key) or _stem(self.content.file.path)
        self.leave_keys(project, "", _PROJECT, f"project `{_readable(self.name)}`")
        root_key = "project_root" if "project_root" in project else "root"
        root = self.folder(self.content.text(project.get(root_key), root_key), self.base())
        self.root = root if project.get(root_key) else ""
        before = tuple(self.before_all(project))
        windows = "tabs" if project.get("tabs") else "windows"
        listed = self.content.listing(project[windows], windows)
        self.alone = len(listed) == 1
        for index, window in enumerate(listed):
            self.window(window, f"{windows}.{index}", _Window("", root, before))

    def base(self) -> str:
        """The folder a relative root is in: that of a `.tmuxinator.yml`, else the one in which the command runs."""
        path = self.content.file.path
        own = os.path.basename(path).startswith(".tmuxinator")
        return os.path.dirname(path) if own else self.context.cwd

    def folder(self, text: str, base: str) -> str:
        """The folder that a text means; empty if only Ruby or a shell knows it."""
        if MARK in text or not (base or text.startswith(("/", "~", "$"))):
            return ""
        return resolved(text, base, self.context)

    def before_all(self, project: Mapping[str, Any]) -> Iterator[PaneLine]:
        """The lines that are typed into each pane first. Only the first of these keys counts."""
        for key, line in (("rbenv", "rbenv shell {}"), ("rvm", "rvm use {}"), ("pre_tab", "{}"), ("pre_window", "{}")):
            if project.get(key):
                for each in self.lines(project[key], key):
                    yield PaneLine(line.format(each.text), each.place)
                return

    def window(self, value: Any, path: str, project: _Window) -> None:
        if not isinstance(value, dict) or not value:
            self.content.refuse(path, f"`{path}` must be a name with commands, such as `- editor: vim`")
        name, *more = value
        inner = f"{path}.{name}"
        where = f"window `{_readable(name)}`"
        for key in more:
            self.builder.leave(
                f"`{shown(key)}` beside {where}",
                "tmuxinator reads only the first name of a window",
                "",
                self.content.place(f"{path}.{key}"),
            )
        table = value[name] if isinstance(value[name], dict) else {"panes": [value[name]]}
        panes_path = f"{inner}.panes" if isinstance(value[name], dict) else ""
        self.leave_keys(table, inner, _WINDOW, where)
        root = self.folder(self.content.text(table.get("root"), f"{inner}.root"), project.folder)
        window = _Window(name, root, (*project.before, *self.lines(table.get("pre"), f"{inner}.pre")))
        panes = table.get("panes")
        panes = panes if isinstance(panes, list) else [panes]
        for index, pane in enumerate(panes):
            at = f"{panes_path}.{index}" if panes_path else inner
            where_pane = f"pane {index + 1} of {where}" if len(panes) > 1 else where
            self.pane(pane, at, window, PaneNames(_readable(name), len(panes) == 1, where_pane))

    def pane(self, value: Any, path: str, window: _Window, names: PaneNames) -> None:
        """A pane is one line, a list of lines, or a title with lines."""
        if isinstance(value, dict) and value:
            title = next(iter(value))
            names = PaneNames(names.window, names.alone, names.where, _readable(title))
            value, path = value[title], f"{path}.{title}"
        own = self.lines(value, path)
        start = PaneStart(window.folder, self.context)
        place = self.content.place(path)
        if any(MARK in line.text for line in (*window.before, *own)):
            self.builder.leave(names.where, "its commands contain Ruby code", _FILL_IN, place)
            return
        reading = read_pane([*window.before, *own], start)
        if reading.agent is None:
            self.builder.leave_pane(names.where, read_pane(own, start), place)
            return
        self.builder.leave_all(reading.left)
        self.add_agent(reading, names, place)

    def lines(self, value: Any, path: str) -> tuple[PaneLine, ...]:
        """The lines of a command, which is a text or a list of texts."""
        if not isinstance(value, list):
            text = self.content.text(value, path)
            return (PaneLine(text, self.content.place(path)),) if text else ()
        return tuple(line for index, each in enumerate(value) for line in self.lines(each, f"{path}.{index}"))

    def leave_tag(self, tag: RubyTag) -> None:
        opening = "<%= " if tag.prints else "<% "
        why = "reconciler runs no Ruby"
        if not tag.prints:
            why += ", so the lines that this code may skip or repeat are read once"
        place = Place(self.content.file.name, *tag.at)
        self.builder.leave(f"`{shown(opening + tag.code + ' %>')}`", why, _FILL_IN, place)


def _readable(name: str) -> str:
    """A name that can be shown in messages and manifests."""
    return shown(name.replace(MARK, "-"))


def _stem(path: str) -> str:
    """The name of a project that sets none: that of its file, or of its folder for `.tmuxinator.yml`."""
    name = os.path.basename(path)
    return os.path.basename(os.path.dirname(path)) if name.startswith(".") else name.partition(".")[0]
