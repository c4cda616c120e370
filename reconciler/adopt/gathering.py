"""The agents that one source has, given the names and the folders that a manifest needs."""

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


class GatheredAgent(Struct, frozen=True):
    """An agent as its source has it; `workspace` and `agent` are the names that it suggests."""

    start: AgentStart
    folder: str
    workspace: str
    agent: str
    session: str
    place: Place
    state: RunState = RunState.RUNNING
    git: Git | None = None


class PaneNames(Struct, frozen=True):
    """What a pane is called: its window's name, whether it is alone there, and what messages call it."""

    window: str
    alone: bool
    where: str
    title: str = ""

    def agent(self, agent_type: str) -> str:
        """The name of the agent in it."""
        if self.title:
            return self.title
        if self.alone:
            return self.window or agent_type
        return f"{self.window}-{agent_type}" if self.window else agent_type


@dataclass(slots=True)
class Gathering:
    """Collects what one source has; `source` says which it is, for the reader.

    One workspace has one folder, so agents in two folders get two workspaces.
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
        """Say that something is left alone."""
        self.left.append(LeftAlone(one_line(what), one_line(why), one_line(fix), place))

    def leave_all(self, left: Iterable[LeftAlone]) -> None:
        """Say the same of several."""
        for each in left:
            self.leave(each.what, each.why, each.fix, each.place)

    def leave_pane(self, where: str, pane: PaneReading, place: Place) -> None:
        """Say why a pane is not taken over."""
        why = pane.why
        if why is None:
            self.leave(where, "it is only a shell", "", place)
            return
        command = f": `{pane.line}`" if pane.line else ""
        self.leave(f"{where}{command}", why.why, why.fix, pane.place or place)

    def suggested(self, session: str, folder: str, root: str) -> str:
        """The workspace of an agent: the session's name for its own folder, with the folder's name for all others.

        A session that names no folder, so `root` is empty, has that of its first agent.
        """
        if folder == root or (not root and not self.workspaces):
            return session
        return f"{allowed_name(session)}-{allowed_name(os.path.basename(folder))}".strip("-")

    def add(self, found: GatheredAgent) -> None:
        """Take an agent, or say why it cannot be taken."""
        if trouble := _trouble(found):
            self.leave(
                f"the agent `{shown(found.agent)}`",
                trouble,
                "write it out in that file, or declare the agent by hand",
                found.place,
            )
            return
        workspace = self._workspace(found)
        agent = self._agent(found, workspace)
        start = self._alone_in_conversation(found.start, agent, found.place)
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

    def _without_secrets(self, found: GatheredAgent, agent: str) -> dict[str, str]:
        env = found.start.env
        secret = [name for name, value in env.items() if hides_secret(name, value)]
        for name in secret:
            what = f"the variable {name} of the agent `{agent}`"
            why = "its value looks like a secret, and a manifest must not hold one"
            self.leave(what, why, f"`{name}: {{from_env: {name}}}` in `env`", found.place)
        return {name: value for name, value in env.items() if name not in secret}

    def _alone_in_conversation(self, start: AgentStart, agent: str, place: Place) -> AgentStart:
        """The agent without its conversation when an earlier one has the same."""
        if not start.conversation:
            return start
        if start.conversation not in self.conversations:
            self.conversations[start.conversation] = agent
            return start
        first = self.conversations[start.conversation]
        what = f"the conversation {start.conversation} of the agent `{agent}`"
        self.leave(what, f"the agent `{first}` has it already", "", place)
        return replace(start, conversation="", known_by="")

    def _workspace(self, found: GatheredAgent) -> str:
        known = self.workspaces.get(found.folder)
        if known is not None:
            return known
        name = allowed_name(found.workspace) or allowed_name(os.path.basename(found.folder)) or "workspace"
        name = _unused(name, self.workspaces.values())
        self.workspaces[found.folder] = name
        self.hints[name] = found.workspace
        return name

    def _agent(self, found: GatheredAgent, workspace: str) -> str:
        name = allowed_name(found.agent) or found.start.type
        taken = {agent for place, agent in self.names if place == workspace}
        name = _unused(name, taken)
        self.names.add((workspace, name))
        return name


def filled_in(name: str, value: str, place: Place) -> LeftAlone:
    """Say that the value of a variable is one that only the other tool, or a shell, can fill in."""
    source = re.fullmatch(r"\$\{?(\w+)\}?", value)
    fix = f"`{name}: {{from_env: {source[1]}}}` in `env`" if source else f"write `{name}` in `env`"
    return LeftAlone(f"the variable {name}", "its value depends on the environment", fix, place)


def _renamings(*pairs: tuple[str, str]) -> tuple[str, ...]:
    """Which names had to change: those of a manifest have few characters, and each is there once."""
    return tuple(f"`{shown(wanted)}` is called {name} here" for wanted, name in pairs if wanted and wanted != name)


def allowed_name(text: str) -> str:
    """The name that a manifest allows and that is nearest to `text`; empty when nothing of it is left."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-_")[:_LONGEST_NAME].rstrip("-_")


def _unused(name: str, taken: Iterable[str]) -> str:
    used, number, found = set(taken), 1, name
    while found in used:
        number += 1
        found = f"{name}-{number}"
    return found


def _trouble(found: GatheredAgent) -> str:
    """Why an agent cannot be declared as it is; empty when it can."""
    start = found.start
    if not found.folder.startswith("/"):
        return "its folder is not known: only a shell could tell it"
    texts = [found.folder, start.prompt, *start.args, *start.env.values()]
    if any(unprintable(text) for text in texts) or unprintable(start.conversation):
        return "a control character is in its folder, its arguments or its environment"
    bad = next((name for name in start.env if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)), "")
    return f"`{shown(bad)}` cannot be the name of a variable" if bad else ""
