"""A project file of tmuxinator -> the agents in its panes.

Keys are those of tmuxinator 3.4, the deprecated ones included: <https://github.com/tmuxinator/tmuxinator>.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from reconciler.model.adoption import Findings, LeftAlone
from reconciler.model.diagnostic import Place

from .foreign_file import ForeignContent, ForeignFile, read_content, text_of
from .gathering import GatheredAgent, Gathering, PaneNames
from .pane import PaneLine, PaneStart, read_pane, shown
from .ruby_template import MARK, RubyTag, without_ruby
from .surroundings import Surroundings, resolved

_LOOKS = "it is about how tmux looks, and reconciler gives each agent a session of its own"
_HOOK = "reconciler runs no commands around its agents"
_SERVER = "reconciler chooses the tmux server itself"
_UNREAD = {
    "attach": "reconciler attaches no terminal by itself",
    "cli_args": _SERVER,
    "enable_pane_titles": _LOOKS,
    "focused_pane": _LOOKS,
    "layout": _LOOKS,
    "on_project_exit": _HOOK,
    "on_project_first_start": _HOOK,
    "on_project_restart": _HOOK,
    "on_project_start": _HOOK,
    "on_project_stop": _HOOK,
    "pane_title_format": _LOOKS,
    "pane_title_position": _LOOKS,
    "post": _HOOK,
    "pre": _HOOK,
    "socket_name": _SERVER,
    "socket_path": _SERVER,
    "startup_pane": _LOOKS,
    "startup_window": _LOOKS,
    "synchronize": "what is typed into one agent must not reach another",
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
_FILL_IN = "write what Ruby would put there, then try again"


class _Window(Struct, frozen=True):
    """A window: its name, its folder, and the lines that are typed into each of its panes first."""

    name: str
    folder: str
    before: tuple[PaneLine, ...]


def read_tmuxinator(file: ForeignFile, around: Surroundings) -> Findings:
    """The agents of a project file, and everything else in it, which is left alone.

    Raises:
        ReconcilerError: It is not a project file of tmuxinator; says where.
    """
    unruled = without_ruby(text_of(file), around.home)
    content = read_content(file, unruled.text)
    project = content.mapping(content.value, "")
    if not any(project.get(key) for key in ("windows", "tabs")):
        content.refuse("", "no `windows`: this is not a project file of tmuxinator")
    reader = _ProjectFile(
        content=content, around=around, gathering=Gathering(f"tmuxinator file {os.path.basename(file.path)}")
    )
    for tag in unruled.tags:
        reader.leave_tag(tag)
    reader.project(project)
    return reader.gathering.findings


@dataclass(slots=True)
class _ProjectFile:
    content: ForeignContent
    around: Surroundings
    gathering: Gathering
    name: str = ""
    root: str = ""  # the folder that the session names
    alone: bool = False  # the session has one pane

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
        """What a relative root starts at: the folder of a project's own file, else where the command runs."""
        path = self.content.file.path
        own = os.path.basename(path).startswith(".tmuxinator")
        return os.path.dirname(path) if own else self.around.cwd

    def folder(self, text: str, base: str) -> str:
        """The folder that a text means; empty when Ruby tells it, or only a shell."""
        if MARK in text or not (base or text.startswith(("/", "~", "$"))):
            return ""
        return resolved(text, base, self.around)

    def before_all(self, project: Mapping[str, Any]) -> Iterator[PaneLine]:
        """What is typed into each pane first; only one of these keys counts."""
        for key, line in (("rbenv", "rbenv shell {}"), ("rvm", "rvm use {}"), ("pre_tab", "{}"), ("pre_window", "{}")):
            if project.get(key):
                for each in self.lines(project[key], key):
                    yield PaneLine(line.format(each.text), each.place)
                return

    def window(self, value: Any, path: str, project: _Window) -> None:
        if not isinstance(value, dict) or not value:
            self.content.refuse(path, f"`{path}` must be a name with its commands, such as `- editor: vim`")
        name, *more = value
        inner = f"{path}.{name}"
        where = f"window `{_readable(name)}`"
        for key in more:
            self.gathering.leave(
                f"`{shown(key)}` beside {where}",
                "tmuxinator reads one name only",
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
        """A pane: a line, some lines, or a title with them."""
        if isinstance(value, dict) and value:
            title = next(iter(value))
            names = PaneNames(names.window, names.alone, names.where, _readable(title))
            value, path = value[title], f"{path}.{title}"
        own = self.lines(value, path)
        start = PaneStart(window.folder, self.around)
        place = self.content.place(path)
        if any(MARK in line.text for line in (*window.before, *own)):
            self.gathering.leave(names.where, "Ruby code is in its commands", _FILL_IN, place)
            return
        reading = read_pane([*window.before, *own], start)
        if reading.agent is None:
            self.gathering.leave_pane(names.where, read_pane(own, start), place)
            return
        self.gathering.leave_all(self.untold(reading.left))
        workspace = self.gathering.suggested(self.name, reading.folder, self.root)
        agent = names.agent(reading.agent.type)
        where = reading.place or place
        session = self.name if self.alone and names.alone else ""  # it must be this agent's session, and nobody else's
        self.gathering.add(GatheredAgent(reading.agent, reading.folder, workspace, agent, session, where))

    def untold(self, left: tuple[LeftAlone, ...]) -> list[LeftAlone]:
        """What is not told yet: one line before all panes is told once."""
        return [each for each in left if each not in self.gathering.left]

    def lines(self, value: Any, path: str) -> tuple[PaneLine, ...]:
        """The lines of a command: a text or a list of texts."""
        if not isinstance(value, list):
            text = self.content.text(value, path)
            return (PaneLine(text, self.content.place(path)),) if text else ()
        return tuple(line for index, each in enumerate(value) for line in self.lines(each, f"{path}.{index}"))

    def leave_keys(self, table: Mapping[str, Any], path: str, known: frozenset[str], where: str) -> None:
        for key in sorted(table.keys() - known):
            place: Place = self.content.place(f"{path}.{key}" if path else key)
            why = _UNREAD.get(key, "reconciler does not know this key")
            self.gathering.leave(f"`{shown(key)}` of {where}", why, _FIXES.get(key, ""), place)

    def leave_tag(self, tag: RubyTag) -> None:
        opening = "<%= " if tag.prints else "<% "
        why = "reconciler runs no Ruby"
        if not tag.prints:
            why += ", and reads what is around this as if it stood there always"
        place = Place(self.content.file.name, *tag.at)
        self.gathering.leave(f"`{shown(opening + tag.code + ' %>')}`", why, _FILL_IN, place)


def _readable(name: str) -> str:
    """A name as messages and manifests may show it."""
    return shown(name.replace(MARK, "-"))


def _stem(path: str) -> str:
    """A project without a name is called after its file, or after its folder for `.tmuxinator.yml`."""
    name = os.path.basename(path)
    return os.path.basename(os.path.dirname(path)) if name.startswith(".") else name.partition(".")[0]
