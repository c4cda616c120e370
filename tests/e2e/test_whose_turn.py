"""What a guard protects ends with 7, what cannot be with 1, and what makes no sense with 64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from project import Project

AGENT = {"claude": {}}


@dataclass(frozen=True)
class Story:
    """A workspace `lab` with an agent; `file` is there and not a folder, `full` a folder with somebody's file."""

    words: Sequence[str]
    code: int
    lab: Mapping[str, object]
    file: str = ""
    full: str = ""


STORIES = {
    "path-is-a-file": Story(["plan"], 1, {"path": "lab", "agents": AGENT}, file="lab"),
    "path-is-below-a-file": Story(["plan"], 1, {"path": "a/lab", "agents": AGENT}, file="a"),
    "repository-is-missing": Story(["plan"], 1, {"path": "lab", "git": {"repo": "none", "branch": "b"}}),
    "folder-would-be-overwritten": Story(
        ["plan"], 7, {"path": "lab", "git": {"repo": "none", "branch": "b"}}, full="lab"
    ),
    "apply-of-a-path-that-is-a-file": Story(
        ["apply", "--auto-approve"], 1, {"path": "lab", "agents": AGENT}, file="lab"
    ),
    "import-of-no-session": Story(["import", "agent.lab.claude", "nothing"], 1, {"path": "lab", "agents": AGENT}),
    "unknown-target": Story(["plan", "--target", "agent.lab.nobody"], 64, {"path": "lab", "agents": AGENT}),
    "not-an-address": Story(["plan", "--target", "a b"], 64, {"path": "lab", "agents": AGENT}),
    "not-a-manifest": Story(["plan", "nowhere.yaml"], 64, {"path": "lab", "agents": AGENT}),
    "not-a-valid-manifest": Story(["plan"], 1, {"path": "lab", "agnets": {}}),
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_the_code_says_whose_turn_it_is(project: Project, story: Story):
    project.write({"lab": story.lab})
    if story.file:
        (project.root / story.file).write_text("precious")
    if story.full:
        (project.root / story.full).mkdir()
        (project.root / story.full / "work").write_text("precious")
    said = project.run(*story.words, code=story.code)
    assert "Traceback" not in said
    assert "will be created" not in said
