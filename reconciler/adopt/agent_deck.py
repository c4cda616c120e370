"""Turn the sessions that agent-deck stores into agents: from its database, or from the older `sessions.json`.

Columns and keys are those of agent-deck 1.14.0 (schema 13): <https://github.com/asheshgoplani/agent-deck>. Older
versions have only some of them.
"""

from __future__ import annotations

import json
import os.path
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.model.adoption import Findings
from reconciler.model.desired import Git, RunState
from reconciler.model.diagnostic import Place
from reconciler.model.read_json import read_json

from .context import SourceContext, resolved
from .findings_builder import FindingsBuilder, SourceAgent
from .foreign_file import ForeignFile, read_json_object
from .pane import PaneLine, PaneReading, PaneStart, read_pane, shown

_DEFAULT_GROUP = "my-sessions"
_BARE = "shell"  # the tool of a session that runs no agent
# What a session may have that a manifest cannot express, with the reason
_UNREAD = {
    "account": "an account is a folder with the CLI's state, set in config.toml",
    "additional_paths": "an agent works in one folder",
    "channels": "reconciler has no channels",
    "color": "it only changes how agent-deck looks",
    "idle_timeout_secs": "reconciler does not stop idle agents",
    "is_conductor": "in reconciler, no agent controls other agents",
    "loaded_mcp_names": "MCP servers are configured in the CLI's own files, which stay as they are",
    "parent_session_id": "in reconciler, no agent belongs to another agent",
    "pin": "it only changes how agent-deck looks",
    "plugins": "plugins are configured in the CLI's own files",
    "tmux_socket_name": "one tmux server, set in the manifest, is used for all agents",
}
_FIXES = {
    "account": "set the CLI's variable for that folder in `env`",
    "additional_paths": "pass them in `args`, with the CLI's own option for more folders",
    "parent_session_id": "use `depends_on` to start one agent after another",
    "plugins": "install them in the CLI",
    "tmux_socket_name": "`tmux: {socket: NAME}` in the manifest",
}
# Options that agent-deck stores by name, and the arguments it turns them into; `{}` is the value
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "model": ("--model", "{}"),
    "effort": ("--effort", "{}"),
    "reasoning_effort": ("--config", "model_reasoning_effort={}"),
    "agent": ("--agent", "{}"),
    "skip_permissions": ("--dangerously-skip-permissions",),
    "auto_mode": ("--permission-mode", "auto"),
    "allow_skip_permissions": ("--allow-dangerously-skip-permissions",),
    "use_chrome": ("--chrome",),
    "use_teammate_mode": ("--teammate-mode", "tmux"),
    "yolo_mode": ("--yolo",),
    "allow_all": ("--allow-all",),
}
_EXCLUSIVE = ("skip_permissions", "auto_mode", "allow_skip_permissions")  # only the first of them is used


class DeckProfile(Struct, frozen=True):
    """One profile of agent-deck: its name, the file that was read, and a row of named values for each session."""

    name: str
    file: str
    rows: Sequence[Mapping[str, object]]


def rows_of_json(file: ForeignFile) -> tuple[Mapping[str, object], ...]:
    """The sessions of an older `sessions.json`, in the form of database rows.

    Raises:
        ReconcilerError: The file is not a `sessions.json` of agent-deck. The message has the place.
    """
    document = read_json_object(file)
    sessions = document.get("instances")
    if sessions is not None and not isinstance(sessions, list):
        file.refuse("`instances` must be a list")
    rows = [each for each in sessions or [] if isinstance(each, dict)]
    return tuple({**each, "worktree_repo": each.get("worktree_repo_root"), "tool_data": each} for each in rows)


def read_agent_deck(profiles: Sequence[DeckProfile], context: SourceContext) -> Findings:
    """The agents in these profiles, and every session that is not adopted."""
    builder = FindingsBuilder("agent-deck")
    reader = _AgentDeckReader(context, builder)
    for profile in profiles:
        builder.source = f"agent-deck profile {shown(profile.name)}"
        for row in profile.rows:
            reader.session(_Session(row, Place(profile.file)))
    return builder.findings


@dataclass(slots=True)
class _Session:
    """One row. A value whose type is not the one that agent-deck writes counts as missing."""

    row: Mapping[str, object]
    place: Place
    data: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data = _object(self.row.get("tool_data"))

    def text(self, key: str) -> str:
        value = self.row.get(key)
        return value if isinstance(value, str) else ""

    @property
    def options(self) -> Mapping[str, Any]:
        """The start options by name. Some are stored with the tool's name as a prefix, which is removed."""
        chosen = _object(self.data.get("tool_options"))
        own = {key.removeprefix(f"{self.text('tool')}_"): value for key, value in self.data.items()}
        return {**own, **_object(chosen.get("options"))}

    @property
    def where(self) -> str:
        """The name used in messages."""
        return f"session `{shown(self.text('title')) or shown(self.text('id'))}`"

    @property
    def folder(self) -> str:
        """The session's folder.

        When the user accepted a suggested path, older versions stored `/some/path~/real/path`.
        """
        path = self.text("project_path")
        return path[path.find("~/") :] if path.find("~/") > 0 else path

    @property
    def state(self) -> RunState:
        """The state in which the user left the session."""
        archived = self.row.get("archived_at")
        if isinstance(archived, int) and archived > 0:
            return RunState.ARCHIVED
        return RunState.STOPPED if self.text("status") == "stopped" else RunState.RUNNING


@dataclass(slots=True)
class _AgentDeckReader:
    context: SourceContext
    builder: FindingsBuilder
    groups: set[str] = field(default_factory=set)

    def session(self, session: _Session) -> None:
        if why := _why_not_startable(session):
            self.builder.leave(session.where, why, "", session.place)
            return
        folder = resolved(session.folder, "/", self.context) if session.folder else ""
        reading = self.reading(session, folder)
        if reading.agent is None:
            self.builder.leave_pane(session.where, reading, session.place)
            return
        profile = self.context.profiles[reading.agent.type]
        conversation, known_by = self.conversation(session, profile)
        agent = reading.agent
        if conversation:
            agent = replace(agent, conversation=conversation, known_by=known_by)
        self.builder.leave_all(replace(each, place=session.place) for each in reading.left)
        self.leave_unread(session)
        name = os.path.basename(reading.folder)
        where, git = session.place, _worktree(session, reading.folder)
        title = session.text("title")
        # With `tmux_socket_name` the session is on another tmux server, so its name means nothing on ours.
        tmux = "" if session.text("tmux_socket_name") else session.text("tmux_session")
        self.builder.add(SourceAgent(agent, reading.folder, name, title, tmux, where, session.state, git))

    def reading(self, session: _Session, folder: str) -> PaneReading:
        """The agent that the session's command starts, with the options stored beside the command."""
        program = self.program(session)
        words = [*_options(session.options), *_texts(session.data.get("extra_args"))]
        line = " ".join([program, *map(shlex.quote, words)]) if program else ""
        lines = [PaneLine(line, session.place)] if line else []
        return read_pane(lines, PaneStart(folder, self.context))

    def program(self, session: _Session) -> str:
        """The command line that agent-deck starts, without options; empty for a shell."""
        command, tool = session.text("command").strip(), session.text("tool")
        names = [name for name in (tool, f"{tool}-agent") if name in self.context.profiles and name != _BARE]
        if names and command in {"", tool, f"{tool} agent"}:
            return " ".join(self.context.profiles[names[0]].launch.command)
        return command or ("" if tool == _BARE else tool)

    def conversation(self, session: _Session, profile: Profile) -> tuple[str, str]:
        """The id of the session's conversation, and how we know it."""
        tool = session.text("tool")
        for key in (f"{tool}_session_id", "generic_session_id", "resume_session_id"):
            value = session.data.get(key) or session.options.get(key)
            if not isinstance(value, str) or not value:
                continue
            what = f"`{key}` of {session.where}"
            if session.data.get(f"{key}_unverified") is True:
                why = "agent-deck found it on disk and has not verified whose it is"
            elif not re.fullmatch(profile.usage.id, value):
                why = "it is not a conversation id"
            else:
                return value, f"recorded in {key} of agent-deck"
            fix = "set the conversation's id as `resume:` in the agent's block"
            self.builder.leave(what, why, fix, session.place)
        return "", ""

    def leave_unread(self, session: _Session) -> None:
        values = {**session.data, **session.row}
        for key in [key for key in _UNREAD if values.get(key)]:
            value = values[key]
            what = f"`{key}: {shown(value if isinstance(value, str) else json.dumps(value))}` of {session.where}"
            self.builder.leave(what, _UNREAD[key], _FIXES.get(key, ""), session.place)
        group = session.text("group_path")
        if group and group != _DEFAULT_GROUP and group not in self.groups:
            self.groups.add(group)
            why = "reconciler groups agents by the folder they work in"
            self.builder.leave(f"the group `{shown(group)}`", why, "", session.place)


def _why_not_startable(session: _Session) -> str:
    """Why a manifest cannot start this session; empty if it can."""
    if host := session.data.get("ssh_host"):
        return f"it runs on another machine ({shown(str(host))})"
    if _object(session.data.get("sandbox")).get("enabled"):
        return "it runs in a container"
    if wrapper := session.text("wrapper"):
        return f"it is started inside `{shown(wrapper)}`"
    return ""


def _worktree(session: _Session, folder: str) -> Git | None:
    """The git worktree of the session's folder, if the folder is one."""
    path, repo, branch = (session.text(f"worktree_{key}") for key in ("path", "repo", "branch"))
    if not path or not repo.startswith("/") or not branch or os.path.normpath(path) != folder:
        return None
    return Git(os.path.normpath(repo), branch)


def _options(options: Mapping[str, Any]) -> Iterator[str]:
    """The arguments that agent-deck builds from a session's options."""
    chosen = next((key for key in _EXCLUSIVE if options.get(key)), "")
    for key, words in _OPTIONS.items():
        value = options.get(key)
        if not value or (key in _EXCLUSIVE and key != chosen):
            continue
        if isinstance(value, str) if "{}" in words[-1] else value is True:
            yield from (word.replace("{}", str(value)) for word in words)


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _object(value: object) -> Mapping[str, Any]:
    """A JSON object, which may be stored as text. Any other value becomes an empty object."""
    if isinstance(value, str | bytes):
        try:
            value = read_json(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
