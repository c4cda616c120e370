"""Find the agent, if any, that is started by the lines that another tool types into a pane.

Lines before the agent that change its folder or environment are applied. All others are recorded as left out.
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
from .context import SourceContext, resolved
from .secret_values import without_secrets
from .shell_text import NotPlain, ShellCommand, ShellWord, shell_commands

_DEEPEST = 5  # levels of `bash -c "bash -c ..."`
_SHOWN = 60  # characters of a line in a message
_NO_EFFECT = frozenset({":", "clear", "reset", "true"})
_OPTIONS_OF_A_SHELL = re.compile(r"-[a-z]*c[a-z]*")


class PaneLine(Struct, frozen=True):
    """One typed line and its place in the file; `entered` is False if the tool does not press Enter after it."""

    text: str
    place: Place
    entered: bool = True


class PaneStart(Struct, frozen=True):
    """The absolute folder in which a pane starts, and the variables that its file sets."""

    folder: str
    context: SourceContext
    env: Mapping[str, str] = {}


class PaneReading(Struct, frozen=True):
    """The result for one pane; `agent` is None if the lines do not start one, and `why` has the reason."""

    agent: AgentStart | None
    folder: str
    place: Place | None
    entered: bool = True
    why: NotAnAgent | None = None
    line: str = ""
    left: tuple[LeftAlone, ...] = ()


def read_pane(lines: Sequence[PaneLine], start: PaneStart) -> PaneReading:
    """The agent that these lines start, with its folder and environment."""
    reader = _PaneReader(start=start, folder=start.folder, env=dict(start.env))
    for line in lines:
        reader.line(line.text, line, 0)
    agent, found = reader.agent, reader.found
    if agent is None or found is None:
        place = reader.place or (lines[0].place if lines else None)
        return PaneReading(None, reader.folder, place, why=reader.why, line=shown(reader.first))
    left = [replace(each, place=found.place) for each in agent.left]
    folder = resolved(agent.folder, reader.folder, start.context)
    agent = replace(agent, env={**reader.env, **agent.env})
    return PaneReading(agent, folder, found.place, found.entered, left=(*reader.left, *left))


def shown(text: str) -> str:
    """A text for a message: short, on one line, and without secrets."""
    line = one_line(without_secrets(text.strip()))
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."


@dataclass(slots=True)
class _PaneReader:
    """The state while the lines of a pane are read.

    `first` is the first command that is not an agent, `why` the reason, and `left` what is left out so far.
    """

    start: PaneStart
    folder: str
    env: dict[str, str]
    agent: AgentStart | None = None
    found: PaneLine | None = None
    why: NotAnAgent | None = None
    first: str = ""
    place: Place | None = None
    left: list[LeftAlone] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def line(self, text: str, line: PaneLine, depth: int) -> None:
        if self.agent is not None:
            self.leave_behind(text, line)
            return
        try:
            commands = shell_commands(text, {**self.variables, **self.env, "HOME": self.start.context.home})
        except NotPlain as error:
            self.not_an_agent(text, line, NotAnAgent(f"{error}, which only a shell can run"))
            return
        if any(command.then in {"|", "|&"} for command in commands):
            self.not_an_agent(text, line, NotAnAgent("it is a pipeline of several programs"))
            return
        for command in commands:
            self.command(command, line, depth)

    def command(self, command: ShellCommand, line: PaneLine, depth: int) -> None:
        text = " ".join(word.text for word in command.words)
        if self.agent is not None:
            self.leave_behind(text, line)
            return
        if self.apply_state(command.words) or command.words[0].text in _NO_EFFECT:
            return
        if (script := _script_of(command.words)) and depth < _DEEPEST:
            self.line(script, line, depth + 1)
            return
        found = started_by(command.words, self.start.context.profiles)
        if isinstance(found, NotAnAgent) or command.then == "&":
            in_background = NotAnAgent("it runs in the background")
            self.not_an_agent(text, line, found if isinstance(found, NotAnAgent) else in_background)
            return
        self.agent, self.found = found, line

    def apply_state(self, words: Sequence[ShellWord]) -> bool:
        """Apply a command that only sets the folder or variables. Returns False for any other command."""
        name, *rest = words
        if name.text == "cd":
            return self.change_folder([word.text for word in rest if word.text != "--"])
        found, behind = assignments(rest if name.text == "export" else words)
        if behind or not found or any(word.open for word in words):
            return False
        values = {key: word.text for key, word in found.items()}
        if name.text == "export":
            self.env |= values
        else:
            self.variables |= values
        return True

    def change_folder(self, target: list[str]) -> bool:
        if len(target) > 1 or target == ["-"]:
            return False
        self.folder = resolved(target[0] if target else "~", self.folder, self.start.context)
        return True

    def not_an_agent(self, text: str, line: PaneLine, why: NotAnAgent) -> None:
        if self.why is None or self.why.bare:
            self.why, self.first, self.place = why, text, line.place
        if not why.bare:
            fix = "run it yourself, or get its effect with `path` and `env`"
            what = f"`{shown(text)}`, which runs before the agent"
            self.left.append(LeftAlone(what, "a manifest only starts the agent", fix, line.place))

    def leave_behind(self, text: str, line: PaneLine) -> None:
        what = f"`{shown(text)}`, which comes after the agent"
        why = "a manifest only starts the agent"
        fix = "if it is meant for the agent, set it as the agent's `prompt`"
        self.left.append(LeftAlone(what, why, fix, line.place))


def _script_of(words: Sequence[ShellWord]) -> str:
    """The script of `bash -c SCRIPT` or a similar shell; empty if there is none."""
    texts = [word.text for word in words if word.text != "exec"]
    if not texts or os.path.basename(texts[0]) not in SHELLS:
        return ""
    for index, text in enumerate(texts[1:-1], 1):
        if _OPTIONS_OF_A_SHELL.fullmatch(text):
            return texts[index + 1]
        if not text.startswith("-"):
            return ""
    return ""
