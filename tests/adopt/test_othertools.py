"""Where other tools keep what they know, on real files."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from othertools_cases import AROUND, FILES, ID

from reconciler.app.adopt.othertools import findings_of
from reconciler.app.project.project import Project
from reconciler.model.adoption import Findings
from reconciler.model.errors import ReconcilerError, UsageError

TMUXP = (FILES / "tmuxp" / "lab.yaml").read_text("utf-8")
TMUXINATOR = "name: lab\nroot: /srv\nwindows: [w: claude]\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "home"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def look(home: Path, tool: str, name: str = "", **env: str) -> Findings:
    at = Project(str(home), str(home / ".hermes" / "agent-sessions.yaml"), {"HOME": str(home), **env})
    return findings_of(tool, name, at, AROUND.profiles)


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def deck(folder: Path, profile: str, title: str = "t") -> None:
    path = folder / "profiles" / profile / "state.db"
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript((FILES / "agent-deck" / "state.sql").read_text("utf-8"))
    connection.execute("UPDATE instances SET title = ? WHERE id = 'a1-1'", (title,))
    connection.commit()
    connection.close()


PLACES = [
    ("tmuxp", "lab.yaml", TMUXP, "lab.yaml"),
    ("tmuxp", "x/lab.yaml", TMUXP, "x/lab.yaml"),
    ("tmuxp", ".tmuxp.yml", TMUXP, "."),
    ("tmuxp", "x/.tmuxp.yaml", TMUXP, "x"),
    ("tmuxp", ".config/tmuxp/lab.yaml", TMUXP, "lab"),
    ("tmuxp", ".tmuxp/lab.yml", TMUXP, "lab"),
    ("tmuxp", "conf/lab.yaml", TMUXP, "lab"),
    ("tmuxp", "xdg/tmuxp/lab.yaml", TMUXP, "lab"),
    ("tmuxinator", "lab.yml", TMUXINATOR, "lab.yml"),
    ("tmuxinator", ".tmuxinator.yml", TMUXINATOR, "."),
    ("tmuxinator", ".config/tmuxinator/lab.yml", TMUXINATOR, "lab"),
    ("tmuxinator", ".config/tmuxinator/a/b/lab.yaml", TMUXINATOR, "lab"),
    ("tmuxinator", ".tmuxinator/lab.yml", TMUXINATOR, "lab"),
    ("tmuxinator", "conf/lab.yml", TMUXINATOR, "lab"),
    ("tmuxinator", "lab.yml", TMUXINATOR, "~/lab.yml"),
]


@pytest.mark.parametrize(("tool", "path", "text", "name"), PLACES, ids=lambda each: str(each)[:30])
def test_a_project_file_is_found_where_its_tool_finds_it(
    home: Path, tool: str, path: str, text: str, name: str
) -> None:
    put(home / path, text)
    conf = str(home / "conf")
    env = {"TMUXP_CONFIGDIR": conf, "TMUXINATOR_CONFIG": conf} if path.startswith("conf/") else {}
    env |= {"XDG_CONFIG_HOME": str(home / "xdg")} if path.startswith("xdg/") else {}
    found = look(home, tool, name, **env)
    assert found.agents
    assert found.agents[0].place
    shown = found.agents[0].place.file
    assert os.path.samefile(shown, home / path)


def test_folders_of_a_project_file_are_absolute(home: Path) -> None:
    put(home / "x" / "lab.yaml", TMUXP)
    assert [each.path for each in look(home, "tmuxp", "x/lab.yaml").agents] == [str(home), str(home / "api")]


def test_a_missing_file_says_where_stored_projects_are(home: Path) -> None:
    with pytest.raises(ReconcilerError, match="no such file") as caught:
        look(home, "tmuxp", "nowhere")
    assert str(home / ".config" / "tmuxp") in caught.value.fix
    (home / "empty").mkdir()
    with pytest.raises(ReconcilerError, match="no project file in this folder"):
        look(home, "tmuxinator", "empty")


def test_what_is_no_file_is_one_error(home: Path) -> None:
    os.mkfifo(home / "pipe")
    with pytest.raises(ReconcilerError, match="cannot be read"):
        look(home, "tmuxp", "pipe")


@pytest.mark.parametrize(("tool", "name"), [("tmuxp", ""), ("tmuxinator", ""), ("screen", "x"), ("claude-squad", "x")])
def test_a_source_that_cannot_be_meant_is_a_mistake_of_usage(home: Path, tool: str, name: str) -> None:
    with pytest.raises(UsageError):
        look(home, tool, name)


def test_agent_deck_is_found_in_the_folders_of_xdg_or_in_the_older_one(home: Path) -> None:
    deck(home / ".agent-deck", "default", "older")
    assert "older" in {each.agent for each in look(home, "agent-deck").agents}
    deck(home / ".local" / "share" / "agent-deck", "default", "newer")
    assert "newer" in {each.agent for each in look(home, "agent-deck").agents}
    deck(home / "data" / "agent-deck", "default", "own")
    xdg = str(home / "data")
    assert "own" in {each.agent for each in look(home, "agent-deck", XDG_DATA_HOME=xdg).agents}
    assert "newer" in {each.agent for each in look(home, "agent-deck", XDG_DATA_HOME="not/absolute").agents}


def test_all_profiles_of_agent_deck_are_read_unless_one_is_chosen(home: Path) -> None:
    for profile in ("default", "work"):
        deck(home / ".agent-deck", profile)
    sources = {"agent-deck profile default", "agent-deck profile work"}
    assert {each.source for each in look(home, "agent-deck").agents} == sources
    chosen = look(home, "agent-deck", AGENTDECK_PROFILE="work")
    assert {each.source for each in chosen.agents} == {"agent-deck profile work"}
    named = look(home, "agent-deck", "default", AGENTDECK_PROFILE="work")
    assert {each.source for each in named.agents} == {"agent-deck profile default"}
    with pytest.raises(ReconcilerError, match="no profile `x`") as caught:
        look(home, "agent-deck", "x")
    assert caught.value.fix == "one of default, work"


def test_the_database_of_agent_deck_is_not_changed(home: Path) -> None:
    deck(home / ".agent-deck", "default")
    path = home / ".agent-deck" / "profiles" / "default" / "state.db"
    before = path.read_bytes(), path.stat().st_mtime_ns
    look(home, "agent-deck")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_an_older_agent_deck_has_a_json_file_instead(home: Path) -> None:
    text = (FILES / "agent-deck" / "sessions.json").read_text("utf-8")
    put(home / ".agent-deck" / "sessions.json", text)
    assert [each.conversation for each in look(home, "agent-deck").agents] == [ID]
    deck(home / ".agent-deck", "default")
    put(home / ".agent-deck" / "profiles" / "old" / "sessions.json", text)
    assert {each.source for each in look(home, "agent-deck").agents} == {
        "agent-deck profile default",
        "agent-deck profile old",
    }


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_a_database_that_is_none_is_one_error(home: Path, content: bytes) -> None:
    path = put(home / ".agent-deck" / "profiles" / "default" / "state.db", "")
    path.write_bytes(content)
    with pytest.raises(ReconcilerError) as caught:
        look(home, "agent-deck")
    assert caught.value.summary.startswith(str(path))


@pytest.mark.parametrize("tool", ["agent-deck", "claude-squad"])
def test_a_tool_that_stored_nothing_is_one_error(home: Path, tool: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        look(home, tool)
    assert str(home) in caught.value.summary


def test_claude_squad_is_found_in_the_home_folder(home: Path) -> None:
    put(home / ".claude-squad" / "state.json", (FILES / "claude-squad" / "state.json").read_text("utf-8"))
    assert len(look(home, "claude-squad").agents) == 2
