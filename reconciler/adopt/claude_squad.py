"""Turn the instances in claude-squad's `state.json` into agents, each in its worktree.

Keys are those of claude-squad 1.0.17: <https://github.com/smtg-ai/claude-squad>. It stores no conversation ids.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.adoption import Findings
from reconciler.model.desired import Git, RunState
from reconciler.model.diagnostic import Place
from reconciler.text.characters import decoded
from reconciler.text.json import element_places

from .context import SourceContext, resolved
from .findings_builder import FindingsBuilder, SourceAgent
from .foreign_file import ForeignFile, read_json_object
from .pane import PaneLine, PaneStart, read_pane, shown

TOOL = "claude-squad"
STATE = os.path.join(".claude-squad", "state.json")  # below the home folder
_SESSION = "claudesquad_"
_PAUSED = 3


def read_claude_squad(file: ForeignFile, context: SourceContext) -> Findings:
    """The agents in a state file, and everything in it that is not adopted.

    Raises:
        ReconcilerError: The file is not a state file of claude-squad. The message has the place.
    """
    document = read_json_object(file)
    instances = document.get("instances")
    if instances is not None and not isinstance(instances, list):
        file.refuse("`instances` must be a list")
    reader = _ClaudeSquadReader(context, FindingsBuilder(TOOL))
    places = element_places(decoded(file.data), "instances") if instances else ()
    for instance, at in zip(instances or [], places, strict=True):
        reader.instance(instance, Place(file.name, *at))
    if reader.builder.agents:
        fix = f"`reconciler adopt --from {TOOL} --from tmux` also adopts running sessions with their conversations"
        reader.builder.leave("the conversations", "claude-squad does not store their ids", fix, Place(file.name))
    return reader.builder.findings


@dataclass(slots=True)
class _ClaudeSquadReader:
    context: SourceContext
    builder: FindingsBuilder

    def instance(self, instance: Any, place: Place) -> None:
        if not isinstance(instance, dict):
            self.builder.leave("an instance", "it is not a JSON object", "", place)
            return
        title, where = _text(instance, "title"), f"instance `{shown(_text(instance, 'title'))}`"
        worktree = instance.get("worktree")
        worktree = worktree if isinstance(worktree, dict) else {}
        path = _text(worktree, "worktree_path") or _text(instance, "path")
        folder = resolved(path, "/", self.context) if path else ""
        lines = [PaneLine(_text(instance, "program"), place)]
        reading = read_pane(lines, PaneStart(folder, self.context))
        if reading.agent is None:
            self.builder.leave_pane(where, reading, place)
            return
        self.builder.leave_all(reading.left)
        if instance.get("auto_yes") is True:
            why = "reconciler does not answer permission dialogs for you"
            self.builder.leave(f"`auto_yes` of {where}", why, "if the CLI has such an option, add it to `args`", place)
        state = RunState.STOPPED if instance.get("status") == _PAUSED else RunState.RUNNING
        session = _SESSION + re.sub(r"\s+", "", title).replace(".", "_")
        agent, git = reading.agent.type, _git(worktree, instance)
        self.builder.add(SourceAgent(reading.agent, reading.folder, title, agent, session, place, state, git))


def _git(worktree: Mapping[str, Any], instance: Mapping[str, Any]) -> Git | None:
    """The worktree of an instance. It may not exist: claude-squad removes it while the instance is paused."""
    repo = _text(worktree, "repo_path")
    branch = _text(worktree, "branch_name") or _text(instance, "branch")
    if not repo.startswith("/") or not branch or not _text(worktree, "worktree_path"):
        return None
    return Git(os.path.normpath(repo), branch)


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""
