"""The lines that another tool types into one pane -> the agent that ends up in it, if any.

Lines before the agent are understood when they change its folder or its environment; all others are told.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.shell_names import SHELLS
from reconciler.model.adoption import LeftAlone
from reconciler.model.diagnostic import Place
from reconciler.model.harmless import one_line

from .command_line import AgentStart, NotAnAgent, assignments, started_by
from .secret_values import discreet
from .shell_text import NotPlain, ShellCommand, ShellWord, shell_commands
from .surroundings import Surroundings, resolved

_DEEPEST = 5  # shells in shells
_SHOWN = 60  # characters of a line
_NO_EFFECT = frozenset({":", "clear", "reset", "true"})
_OPTIONS_OF_A_SHELL = re.compile(r"-[a-z]*c[a-z]*")


class PaneLine(Struct, frozen=True):
    """One line that is typed, and where it is written; `entered` is False when Enter is not pressed."""

    text: str
    place: Place
    entered: bool = True


class PaneStart(Struct, frozen=True):
    """What a pane begins with: its folder, absolute, and the variables that its file sets."""

    folder: str
    around: Surroundings
    env: Mapping[str, str] = {}


class PaneReading(Struct, frozen=True):
    """What was understood; `agent` is None when the pane holds none, and `why` says why not."""

    agent: AgentStart | None
    folder: str
    place: Place | None
    entered: bool = True
    why: NotAnAgent | None = None
    line: str = ""
    left: tuple[LeftAlone, ...] = ()


def read_pane(lines: Sequence[PaneLine], start: PaneStart) -> PaneReading:
    """The agent that these lines start, with its folder and environment."""
    fold = _Fold(start=start, folder=start.folder, env=dict(start.env))
    for line in lines:
        fold.line(line.text, line, 0)
    agent, found = fold.agent, fold.found
    if agent is None or found is None:
        place = fold.place or (lines[0].place if lines else None)
        return PaneReading(None, fold.folder, place, why=fold.why, line=shown(fold.first))
    left = [replace(each, place=found.place) for each in agent.left]
    folder = resolved(agent.folder, fold.folder, start.around)
    agent = replace(agent, env={**fold.env, **agent.env})
    return PaneReading(agent, folder, found.place, found.entered, left=(*fold.told, *left))


def shown(text: str) -> str:
    """A line as part of a message: short, in one line and without secrets."""
    line = one_line(discreet(text.strip()))
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."


@dataclass(slots=True)
class _Fold:
    """`why` is why the first command is no agent, `first` that command, `told` what is left out so far."""

    start: PaneStart
    folder: str
    env: dict[str, str]
    agent: AgentStart | None = None
    found: PaneLine | None = None
    why: NotAnAgent | None = None
    first: str = ""
    place: Place | None = None
    told: list[LeftAlone] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def line(self, text: str, line: PaneLine, depth: int) -> None:
        if self.agent is not None:
            self.leave_behind(text, line)
            return
        try:
            commands = shell_commands(text, {**self.variables, **self.env, "HOME": self.start.around.home})
        except NotPlain as error:
            self.not_an_agent(text, line, NotAnAgent(f"{error}, which only a shell can run"))
            return
        if any(command.then in {"|", "|&"} for command in commands):
            self.not_an_agent(text, line, NotAnAgent("it is a pipe of several programs"))
            return
        for command in commands:
            self.command(command, line, depth)

    def command(self, command: ShellCommand, line: PaneLine, depth: int) -> None:
        text = " ".join(word.text for word in command.words)
        if self.agent is not None:
            self.leave_behind(text, line)
            return
        if self.changes_state(command.words) or command.words[0].text in _NO_EFFECT:
            return
        if (script := _script_of(command.words)) and depth < _DEEPEST:
            self.line(script, line, depth + 1)
            return
        found = started_by(command.words, self.start.around.profiles)
        if isinstance(found, NotAnAgent) or command.then == "&":
            in_background = NotAnAgent("it runs in the background")
            self.not_an_agent(text, line, found if isinstance(found, NotAnAgent) else in_background)
            return
        self.agent, self.found = found, line

    def changes_state(self, words: Sequence[ShellWord]) -> bool:
        """Whether a command only sets the folder or variables, all of them known."""
        name, *rest = words
        if name.text == "cd":
            return self.goes_to([word.text for word in rest if word.text != "--"])
        found, behind = assignments(rest if name.text == "export" else words)
        if behind or not found or any(word.open for word in words):
            return False
        values = {key: word.text for key, word in found.items()}
        if name.text == "export":
            self.env |= values
        else:
            self.variables |= values
        return True

    def goes_to(self, target: list[str]) -> bool:
        if len(target) > 1 or target == ["-"]:
            return False
        folder = resolved(target[0] if target else "~", self.folder, self.start.around)
        self.folder = folder
        return True

    def not_an_agent(self, text: str, line: PaneLine, why: NotAnAgent) -> None:
        if self.why is None or self.why.bare:
            self.why, self.first, self.place = why, text, line.place
        if not why.bare:
            fix = "run it yourself, or put its effect into `path` and `env`"
            what = f"`{shown(text)}`, which runs before the agent"
            self.told.append(LeftAlone(what, "a manifest starts the agent alone", fix, line.place))

    def leave_behind(self, text: str, line: PaneLine) -> None:
        what = f"`{shown(text)}`, which comes after the agent"
        why = "a manifest starts the agent alone"
        fix = "if it is meant for the agent, write it as its `prompt`"
        self.told.append(LeftAlone(what, why, fix, line.place))


def _script_of(words: Sequence[ShellWord]) -> str:
    """The script of `bash -c SCRIPT` and its like; empty when it is none, or not known."""
    texts = [word.text for word in words if word.text != "exec"]
    if not texts or os.path.basename(texts[0]) not in SHELLS:
        return ""
    for index, text in enumerate(texts[1:-1], 1):
        if _OPTIONS_OF_A_SHELL.fullmatch(text):
            return texts[index + 1]
        if not text.startswith("-"):
            return ""
    return ""
