"""The skills: what they say, and how they come into a folder."""

from __future__ import annotations

import json
import re
import shlex
from graphlib import TopologicalSorter

import pytest
import yaml
from msgspec.structs import replace

from reconciler.cli.run import run
from reconciler.skills.texts import skills

SKILLS = skills()
NAMES = [skill.name for skill in SKILLS]
CODE = re.compile(r"`(reconciler [^`]+)`|^ *(reconciler .+)$", re.MULTILINE)
COMMANDS = sorted({span or line for skill in SKILLS for span, line in CODE.findall(skill.text)})


KNOWN = [
    f"tmux-agent-orchestrate-{each}"
    for each in ("create", "delegate-job", "delete", "monitor", "resume", "status", "stop")
]


def head(skill):
    _, front, _ = skill.text.split("---\n", 2)
    return yaml.safe_load(front)


@pytest.mark.parametrize("skill", SKILLS, ids=NAMES)
def test_a_skill_says_what_it_is_and_which_others_there_are(skill):
    front = head(skill)
    assert front["name"] == skill.name
    assert front["description"] == skill.description
    assert front["license"] == "MIT"
    assert re.fullmatch(r"\d+\.\d+\.\d+", front["version"])
    assert front["metadata"]["hermes"]["related_skills"]
    assert skill.name not in front["metadata"]["hermes"]["related_skills"]
    assert set(front["metadata"]["hermes"]["related_skills"]) <= set(NAMES)


@pytest.mark.parametrize("skill", SKILLS, ids=NAMES)
def test_a_skill_keeps_the_keys_that_its_users_know(skill, tmp_path):
    assert run(["skills", "install", str(tmp_path)]) == 0
    _, front, _ = (tmp_path / skill.name / "SKILL.md").read_text().split("---\n", 2)
    front = yaml.safe_load(front)
    keys = ["name", "description", "version", "author", "license", "platforms", "environments", "metadata"]
    assert list(front) == keys
    assert front["author"]
    assert front["environments"]
    assert set(front["metadata"]["hermes"]) == {"related_skills", "prereq_skills"}


def test_no_skill_needs_itself_first():
    needs = {skill.name: set(head(skill)["metadata"]["hermes"]["prereq_skills"]) for skill in SKILLS}
    assert set().union(*needs.values()) <= set(NAMES)
    list(TopologicalSorter(needs).static_order())  # raises CycleError


def test_the_skills_are_those_that_users_know():
    assert NAMES == KNOWN


@pytest.mark.parametrize("skill", SKILLS, ids=NAMES)
def test_a_skill_is_short_and_names_commands(skill):
    assert CODE.search(skill.text)
    assert len(skill.text.splitlines()) <= 60


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_a_skill_names_is_one_of_the_program(command, capsys):
    assert run([*shlex.split(command)[1:], "--help"]) == 0
    assert "Usage: reconciler" in capsys.readouterr().out


def test_a_command_with_an_option_that_is_gone_would_be_noticed(capsys):
    assert run(["status", "--gone", "--help"]) == 64
    assert "--gone" in capsys.readouterr().err


# --- install ----------------------------------------------------------------------------------


def installed(folder, *options):
    code = run(["skills", "install", str(folder), *options])
    return code, [folder / name / "SKILL.md" for name in NAMES]


def test_an_installation_writes_every_skill_and_says_where(tmp_path, capsys):
    code, paths = installed(tmp_path / "new" / "folder")
    assert code == 0
    assert capsys.readouterr().out.splitlines() == [f"{path}: written" for path in paths]
    for skill, path in zip(SKILLS, paths, strict=True):
        assert path.read_text().startswith(skill.text)


def test_a_second_installation_changes_nothing(tmp_path, capsys):
    _, paths = installed(tmp_path)
    before = [path.stat().st_ino for path in paths]
    capsys.readouterr()
    assert installed(tmp_path)[0] == 0
    assert {line.split(": ")[1] for line in capsys.readouterr().out.splitlines()} == {"is there already"}
    assert [path.stat().st_ino for path in paths] == before


def test_what_an_earlier_version_wrote_is_brought_up_to_date(tmp_path, capsys, monkeypatch):
    old = tuple(replace(skill, text=f"{skill.text}An earlier sentence.\n") for skill in SKILLS)
    with monkeypatch.context() as earlier:
        earlier.setattr("reconciler.cli.commands.skills.skills", lambda: old)
        _, paths = installed(tmp_path)
    capsys.readouterr()
    assert installed(tmp_path)[0] == 0
    assert {line.split(": ")[1] for line in capsys.readouterr().out.splitlines()} == {"updated"}
    assert not [path for path in paths if "An earlier" in path.read_text()]


@pytest.mark.parametrize(
    "edit", [lambda text: f"{text}My own line.\n", lambda text: text.replace("#", "##", 1), lambda _: "mine\n"]
)
def test_an_edited_file_is_kept_and_named_and_the_rest_is_written(tmp_path, capsys, edit):
    _, (mine, other, *_) = installed(tmp_path)
    mine.write_text(edit(mine.read_text()))
    edited = mine.read_text()
    other.unlink()
    capsys.readouterr()
    code, _ = installed(tmp_path)
    said = capsys.readouterr()
    assert code == 3
    assert f"{mine}: kept, since it was edited" in said.out
    assert "--force" in said.err
    assert mine.read_text() == edited
    assert other.exists()


def test_force_overwrites_what_was_edited(tmp_path):
    _, (mine, *_) = installed(tmp_path)
    before = mine.read_text()
    mine.write_text("mine\n")
    assert installed(tmp_path, "--force")[0] == 0
    assert mine.read_text() == before


def test_a_file_that_cannot_be_read_stops_before_anything_is_written(tmp_path, capsys):
    (tmp_path / NAMES[-1] / "SKILL.md").mkdir(parents=True)
    assert installed(tmp_path)[0] == 1
    assert "cannot be read" in capsys.readouterr().err
    assert not (tmp_path / NAMES[0]).exists()


def test_the_list_names_each_with_its_purpose(capsys):
    assert run(["skills", "list"]) == 0
    said = capsys.readouterr().out
    assert all(skill.name in said and skill.description in said for skill in SKILLS)
    assert run(["skills", "list", "--json"]) == 0
    told = [(skill["name"], skill["description"]) for skill in json.loads(capsys.readouterr().out)["skills"]]
    assert told == [(skill.name, skill.description) for skill in SKILLS]


def test_what_became_of_each_file_is_to_be_had_as_a_document(tmp_path, capsys):
    def fates():
        code = run(["skills", "install", str(tmp_path), "--json"])
        return code, [file["fate"] for file in json.loads(capsys.readouterr().out)["files"]]

    assert fates() == (0, ["new"] * len(SKILLS))
    (tmp_path / NAMES[0] / "SKILL.md").write_text("mine")
    assert fates() == (3, ["edited", *["same"] * (len(SKILLS) - 1)])
