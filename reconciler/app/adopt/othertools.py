"""Find and read the files and databases of other tools; nothing in them is changed."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from reconciler.adopt.agent_deck import DeckProfile, read_agent_deck, rows_of_json
from reconciler.adopt.claude_squad import STATE, TOOL, read_claude_squad
from reconciler.adopt.context import SourceContext
from reconciler.adopt.foreign_file import LARGEST_STORE, ForeignFile
from reconciler.adopt.tmuxinator import read_tmuxinator
from reconciler.adopt.tmuxp import read_tmuxp
from reconciler.agents.profile import Profile
from reconciler.app.project.project import Project
from reconciler.model.adoption import Findings
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.observed import Absent, Present, Unknown

_ToolReader: TypeAlias = Callable[[str, Project, SourceContext], Findings]

NEEDS_NAME = frozenset({"tmuxp", "tmuxinator"})
_DECK = "agent-deck"
_UNREADABLE = "change its mode so that you can read it"
_DECK_PROFILE = "AGENTDECK_PROFILE"


def findings_of(tool: str, name: str, at: Project, profiles: Mapping[str, Profile]) -> Findings:
    """The agents in the files of another tool, and everything in these files that is not adopted.

    For tmuxp and tmuxinator, `name` is a file, a folder with one, or the name of a stored project. For agent-deck it
    is a profile; if it is empty, the profile in $AGENTDECK_PROFILE, else all profiles.

    Raises:
        UsageError: The tool is not known, or it needs a name.
        ReconcilerError: Nothing was found, or a file cannot be read. The message names the places.
    """
    reader = _READERS.get(tool)
    if reader is None:
        raise UsageError(f"`{tool}` is not a tool that reconciler reads", fix=f"one of {', '.join(TOOLS)}")
    if not name and tool in NEEDS_NAME:
        raise UsageError(f"{tool} needs a file", fix=f"--from {tool} FILE")
    return reader(name, at, SourceContext(at.home, os.getcwd(), at.env, profiles))


# --- tmuxp and tmuxinator ---------------------------------------------------------------------


def _tmuxp(name: str, at: Project, context: SourceContext) -> Findings:
    configured = at.env.get("XDG_CONFIG_HOME") or os.path.join(at.home, ".config")
    folders = [at.env.get("TMUXP_CONFIGDIR", ""), os.path.join(configured, "tmuxp"), os.path.join(at.home, ".tmuxp")]
    stored = [(folder, f"{name}{end}") for folder in folders if folder for end in (".yaml", ".yml", ".json")]
    own = (".tmuxp.yaml", ".tmuxp.yml", ".tmuxp.json")
    return read_tmuxp(_project_file(name, own, stored, at), context)


def _tmuxinator(name: str, at: Project, context: SourceContext) -> Findings:
    configured = at.env.get("XDG_CONFIG_HOME") or os.path.join(at.home, ".config")
    folders = [
        at.env.get("TMUXINATOR_CONFIG", ""),
        os.path.join(configured, "tmuxinator"),
        os.path.join(at.home, ".tmuxinator"),
    ]
    files = (f"{name}.yml", f"{name}.yaml")
    stored = [(folder, file) for folder in folders if folder for file in files]
    return read_tmuxinator(_project_file(name, (".tmuxinator.yml", ".tmuxinator.yaml"), stored, at), context)


def _project_file(name: str, own: Sequence[str], stored: Sequence[tuple[str, str]], at: Project) -> ForeignFile:
    """The project file. `name` is the path of a file, or a folder with a file, or the name of a stored project."""
    path = os.path.abspath(_with_home(name, at.home))
    if os.path.isdir(path):
        path = next(filter(os.path.exists, (os.path.join(path, each) for each in own)), "")
        if not path:
            raise ReconcilerError(f"{name}: no project file in this folder", fix=f"looked for {', '.join(own)}")
    elif not os.path.lexists(path) and os.path.basename(name) == name:
        path = next(_stored(stored, at), path)
    return ForeignFile(path, _read(path, at, stored), name if os.path.abspath(name) == path else path)


def _stored(stored: Iterable[tuple[str, str]], at: Project) -> Iterator[str]:
    """The files with a name in the folders of a tool, and up to two folders deeper."""
    for folder, file in stored:
        for depth in ("", "*", os.path.join("*", "*")):
            found = at.files.find(os.path.join(glob.escape(folder), depth, glob.escape(file)))
            if isinstance(found, Present):
                yield from found.value


def _with_home(path: str, home: str) -> str:
    return home + path[1:] if path == "~" or path.startswith("~/") else path


def _read(path: str, at: Project, looked: Sequence[tuple[str, str]] = ()) -> bytes:
    data = at.files.read(path, LARGEST_STORE + 1)
    match data:
        case Present(value):
            return value
        case Unknown(reason):
            raise ReconcilerError(
                f"{path} cannot be read", detail=reason, fix="change its mode so that you can read it"
            )
        case Absent():
            folders = list(dict.fromkeys(folder for folder, _ in looked))
            fix = f"give a path, or the name of a project in {', '.join(folders)}" if folders else ""
            raise ReconcilerError(f"{path}: no such file", fix=fix)


# --- agent-deck and claude-squad --------------------------------------------------------------


def _agent_deck(name: str, at: Project, context: SourceContext) -> Findings:
    root = _deck_root(at)
    known = _deck_profiles(root, at)
    if not known:
        raise ReconcilerError(f"{root}: no sessions of agent-deck")
    wanted = name or at.env.get(_DECK_PROFILE, "")
    if wanted and wanted not in known:
        summary = f"agent-deck has no profile `{wanted}` in {root}"
        raise ReconcilerError(summary, fix=f"one of {', '.join(sorted(known))}")
    chosen = [wanted] if wanted else sorted(known)
    return read_agent_deck([_deck_profile(each, known[each], at) for each in chosen], context)


def _deck_root(at: Project) -> str:
    """The data folder: the XDG one if it has data, else the older one in the home folder."""
    configured = at.env.get("XDG_DATA_HOME", "").strip()
    data = configured if os.path.isabs(configured) else os.path.join(at.home, ".local", "share")
    folders = [os.path.join(data, _DECK), os.path.join(at.home, f".{_DECK}")]
    used = (each for each in folders if any(os.path.exists(os.path.join(each, mark)) for mark in _DECK_MARKS))
    return next(used, folders[0])


_DECK_MARKS = ("profiles", "sessions.json")


def _deck_profiles(root: str, at: Project) -> dict[str, str]:
    """The file of each profile: its database, or the JSON file of older versions."""
    found: dict[str, str] = {}
    for pattern in ("sessions.json", "profiles/*/sessions.json", "profiles/*/state.db"):
        paths = at.files.find(os.path.join(glob.escape(root), pattern))
        if isinstance(paths, Unknown):
            raise ReconcilerError(f"{root} cannot be read", detail=paths.reason)
        for path in paths.value if isinstance(paths, Present) else ():
            name = os.path.basename(os.path.dirname(path)) if "/" in pattern else "default"
            found[name] = path
    return found


def _deck_profile(name: str, path: str, at: Project) -> DeckProfile:
    if path.endswith(".json"):
        return DeckProfile(name, path, rows_of_json(ForeignFile(path, _read(path, at))))
    columns = [str(row[0]) for row in _rows(path, "SELECT name FROM pragma_table_info('instances')", at)]
    if not columns:
        raise ReconcilerError(f"{path}: not a database of agent-deck", detail="it has no table `instances`")
    rows = _rows(path, "SELECT * FROM instances ORDER BY created_at, id", at)
    return DeckProfile(name, path, [dict(zip(columns, row, strict=False)) for row in rows])


def _rows(path: str, statement: str, at: Project) -> tuple[tuple[object, ...], ...]:
    answer = at.files.query(path, statement, ())
    if isinstance(answer, Unknown):
        raise ReconcilerError(
            f"{path} cannot be read", detail=answer.reason, fix="change its mode so that you can read it"
        )
    return answer.value if isinstance(answer, Present) else ()


def _claude_squad(name: str, at: Project, context: SourceContext) -> Findings:
    if name:
        raise UsageError(f"{TOOL} takes no name", fix=f"--from {TOOL}")
    path = os.path.join(at.home, STATE)
    return read_claude_squad(ForeignFile(path, _read(path, at)), context)


_READERS: Mapping[str, _ToolReader] = {
    "tmuxp": _tmuxp,
    "tmuxinator": _tmuxinator,
    _DECK: _agent_deck,
    TOOL: _claude_squad,
}
TOOLS = tuple(_READERS)
