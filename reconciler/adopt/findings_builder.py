"""Collect the agents of one source, and give them the names and folders that a manifest needs."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.adoption import Findings, FoundAgent, LeftAlone
from reconciler.model.desired import Git, RunState
from reconciler.model.diagnostic import Place
from reconciler.model.harmless import one_line
from reconciler.text.characters import unprintable

from .command_line import AgentStart
from .pane import PaneReading, shown
from .secret_values import hides_secret

_LONGEST_NAME = 60  # characters


class SourceAgent(Struct, frozen=True):
    """An agent as its source describes it; `workspace` and `agent` are the names that the source suggests."""

    start: AgentStart
    folder: str
    workspace: str
    agent: str
    session: str
    place: Place
    state: RunState = RunState.RUNNING
    git: Git | None = None


class PaneNames(Struct, frozen=True):
    """The names of a pane: its window's, the one in messages, and its title; `alone` if the window has one pane."""

    window: str
    alone: bool
    where: str
    title: str = ""

    def agent(self, agent_type: str) -> str:
        """The name of the agent in the pane."""
        if self.title:
            return self.title
        if self.alone:
            return self.window or agent_type
        return f"{self.window}-{agent_type}" if self.window else agent_type


@dataclass(slots=True)
class FindingsBuilder:
    """Collects the findings of one source; `source` is its name in messages.

    A workspace has one folder, so agents in two folders get two workspaces.
    """

    source: str
    agents: list[FoundAgent] = field(default_factory=list)
    left: list[LeftAlone] = field(default_factory=list)
    workspaces: dict[str, str] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)
    names: set[tuple[str, str]] = field(default_factory=set)
    conversations: dict[str, str] = field(default_factory=dict)

    @property
    def findings(self) -> Findings:
        """Everything that was collected."""
        return Findings(tuple(self.agents), tuple(self.left))

    def leave(self, what: str, why: str, fix: str = "", place: Place | None = None) -> None:
        """Record that something is not adopted, and why."""
        self.left.append(LeftAlone(one_line(what), one_line(why), one_line(fix), place))

    def leave_all(self, left: Iterable[LeftAlone]) -> None:
        """Record several; one that is already recorded is left out: a line before all panes counts once."""
        for each in left:
            if each not in self.left:
                self.leave(each.what, each.why, each.fix, each.place)

    def leave_pane(self, where: str, pane: PaneReading, place: Place) -> None:
        """Record why a pane is not adopted."""
        why = pane.why
        if why is None:
            self.leave(where, "it is only a shell", "", place)
            return
        command = f": `{pane.line}`" if pane.line else ""
        self.leave(f"{where}{command}", why.why, why.fix, pane.place or place)

    def workspace_for(self, session: str, folder: str, root: str) -> str:
        """The name of an agent's workspace: the session's name, plus the folder's name if that is not the session's.

        A session without a folder (`root` is empty) gets the folder of its first agent.
        """
        if folder == root or (not root and not self.workspaces):
            return session
        return f"{allowed_name(session)}-{allowed_name(os.path.basename(folder))}".strip("-")

    def add(self, found: SourceAgent) -> None:
        """Add an agent, or record why it cannot be declared."""
        if problem := _problem(found):
            fix = "write the value itself in that file, or declare the agent by hand"
            self.leave(f"the agent `{shown(found.agent)}`", problem, fix, found.place)
            return
        workspace = self._workspace(found)
        agent = self._agent(found, workspace)
        start = self._without_shared_conversation(found.start, agent, found.place)
        self.agents.append(
            FoundAgent(
                self.source,
                workspace,
                agent,
                start.type,
                found.folder,
                session=found.session,
                state=found.state,
                args=start.args,
                env=self._without_secrets(found, agent),
                conversation=start.conversation,
                known_by=start.known_by,
                place=found.place,
                prompt=start.prompt,
                git=found.git,
                comments=_renamings((self.hints[workspace], workspace), (found.agent, agent)),
            )
        )

    def _without_secrets(self, found: SourceAgent, agent: str) -> dict[str, str]:
        env = found.start.env
        secret = [name for name, value in env.items() if hides_secret(name, value)]
        for name in secret:
            what = f"the variable {name} of the agent `{agent}`"
            why = "its value looks like a secret, which must not be in a manifest"
            self.leave(what, why, f"`{name}: {{from_env: {name}}}` in `env`", found.place)
        return {name: value for name, value in env.items() if name not in secret}

    def _without_shared_conversation(self, start: AgentStart, agent: str, place: Place) -> AgentStart:
        """The start, without its conversation if an earlier agent has the same one."""
        if not start.conversation:
            return start
        if start.conversation not in self.conversations:
            self.conversations[start.conversation] = agent
            return start
        first = self.conversations[start.conversation]
        what = f"the conversation {start.conversation} of the agent `{agent}`"
        self.leave(what, f"the agent `{first}` already has it", "", place)
        return replace(start, conversation="", known_by="")

    def _workspace(self, found: SourceAgent) -> str:
        known = self.workspaces.get(found.folder)
        if known is not None:
            return known
        name = allowed_name(found.workspace) or allowed_name(os.path.basename(found.folder)) or "workspace"
        name = _unused(name, self.workspaces.values())
        self.workspaces[found.folder] = name
        self.hints[name] = found.workspace
        return name

    def _agent(self, found: SourceAgent, workspace: str) -> str:
        name = allowed_name(found.agent) or found.start.type
        taken = {agent for place, agent in self.names if place == workspace}
        name = _unused(name, taken)
        self.names.add((workspace, name))
        return name


def unknown_variable(name: str, value: str, place: Place) -> LeftAlone:
    """A variable whose value only the other tool or a shell can expand."""
    source = re.fullmatch(r"\$\{?(\w+)\}?", value)
    fix = f"`{name}: {{from_env: {source[1]}}}` in `env`" if source else f"set `{name}` in `env`"
    return LeftAlone(f"the variable {name}", "its value depends on the environment", fix, place)


def _renamings(*pairs: tuple[str, str]) -> tuple[str, ...]:
    """The names that had to change: a manifest allows few characters in a name, and each name once."""
    return tuple(f"`{shown(wanted)}` is called {name} here" for wanted, name in pairs if wanted and wanted != name)


def allowed_name(text: str) -> str:
    """The name nearest to `text` that a manifest allows; empty if no character of it is allowed."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-_")[:_LONGEST_NAME].rstrip("-_")


def _unused(name: str, taken: Iterable[str]) -> str:
    used, number, found = set(taken), 1, name
    while found in used:
        number += 1
        found = f"{name}-{number}"
    return found


def _problem(found: SourceAgent) -> str:
    """Why an agent cannot be declared as it is; empty if it can."""
    start = found.start
    if not found.folder.startswith("/"):
        return "its folder is not known: only a shell can expand it"
    texts = [found.folder, start.prompt, *start.args, *start.env.values()]
    if any(unprintable(text) for text in texts) or unprintable(start.conversation):
        return "its folder, arguments or environment contain a control character"
    bad = next((name for name in start.env if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)), "")
    return f"`{shown(bad)}` is not a valid variable name" if bad else ""
