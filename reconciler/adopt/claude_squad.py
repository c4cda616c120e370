"""The instances in claude-squad's `state.json` -> agents, each in its worktree.

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

from .foreign_file import ForeignFile, read_json_object
from .gathering import GatheredAgent, Gathering
from .pane import PaneLine, PaneStart, read_pane, shown
from .surroundings import Surroundings, resolved

TOOL = "claude-squad"
STATE = os.path.join(".claude-squad", "state.json")  # below the home folder
_SESSION = "claudesquad_"
_PAUSED = 3


def read_claude_squad(file: ForeignFile, around: Surroundings) -> Findings:
    """The agents of a state file, and everything in it that is left alone.

    Raises:
        ReconcilerError: It is not a state file of claude-squad; says where.
    """
    document = read_json_object(file)
    instances = document.get("instances")
    if instances is not None and not isinstance(instances, list):
        file.refuse("`instances` must be a list")
    reader = _Squad(around, Gathering(TOOL))
    places = element_places(decoded(file.data), "instances") if instances else ()
    for instance, at in zip(instances or [], places, strict=True):
        reader.instance(instance, Place(file.name, *at))
    if reader.gathering.agents:
        fix = f"`reconciler adopt --from {TOOL} --from tmux` also takes over what runs, with its conversation"
        reader.gathering.leave("the conversations", "claude-squad stores no ids of them", fix, Place(file.name))
    return reader.gathering.findings


@dataclass(slots=True)
class _Squad:
    around: Surroundings
    gathering: Gathering

    def instance(self, instance: Any, place: Place) -> None:
        if not isinstance(instance, dict):
            self.gathering.leave("an instance", "it is not a JSON object", "", place)
            return
        title, where = _text(instance, "title"), f"instance `{shown(_text(instance, 'title'))}`"
        worktree = instance.get("worktree")
        worktree = worktree if isinstance(worktree, dict) else {}
        path = _text(worktree, "worktree_path") or _text(instance, "path")
        folder = resolved(path, "/", self.around) if path else ""
        lines = [PaneLine(_text(instance, "program"), place)]
        reading = read_pane(lines, PaneStart(folder, self.around))
        if reading.agent is None:
            self.gathering.leave_pane(where, reading, place)
            return
        self.gathering.leave_all(reading.left)
        if instance.get("auto_yes") is True:
            why = "reconciler answers no permission dialogs by itself"
            self.gathering.leave(f"`auto_yes` of {where}", why, "`args` may hold an option of the CLI for that", place)
        state = RunState.STOPPED if instance.get("status") == _PAUSED else RunState.RUNNING
        session = _SESSION + re.sub(r"\s+", "", title).replace(".", "_")
        agent, git = reading.agent.type, _git(worktree, instance)
        self.gathering.add(GatheredAgent(reading.agent, reading.folder, title, agent, session, place, state, git))


def _git(worktree: Mapping[str, Any], instance: Mapping[str, Any]) -> Git | None:
    """The worktree of an instance, which claude-squad removes while it is paused."""
    repo = _text(worktree, "repo_path")
    branch = _text(worktree, "branch_name") or _text(instance, "branch")
    if not repo.startswith("/") or not branch or not _text(worktree, "worktree_path"):
        return None
    return Git(os.path.normpath(repo), branch)


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""
