"""Agents that one block declares with `for_each` or `count`, on real tmux."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from project import Project, runs

PAGE = Path(__file__).parents[2] / "docs" / "manifest.md"
KEYS = ["ui", "api", "db"]


def _declare(project: Project, keys: object) -> None:
    agents = {"shell": {"for_each": keys, "args": ["-c", "echo ${each.key}; exec cat"]}}
    project.declare(**agents)


def _count(project: Project, number: int) -> None:
    agents = {"shell": {"count": number}}
    project.declare(**agents)


def test_each_item_is_one_agent_and_a_second_apply_does_nothing(project: Project):
    _declare(project, KEYS)
    project.apply()
    assert {pane.session: pane.address for pane in project.live().values()} == {
        f"lab-creator-shell-{key}": f"agent.lab.shell[{key}]" for key in KEYS
    }
    assert project.actions() == {}
    _declare(project, [*reversed(KEYS)])
    assert project.actions() == {}
    assert project.json("drift")["in_sync"]


def test_removing_an_item_ends_exactly_that_agent(project: Project):
    _declare(project, KEYS)
    project.apply()
    before = project.live()
    _declare(project, {"ui": 1, "db": 2})  # a mapping with the same keys means the same agents
    assert project.actions() == {"agent.lab.shell[api]": "delete"}
    project.apply()
    after = project.live()
    assert after == {name: pane for name, pane in before.items() if name != "lab-creator-shell-api"}
    assert project.actions() == {}


def test_a_lower_count_ends_the_last_one(project: Project):
    _count(project, 3)
    project.apply()
    _count(project, 2)
    assert project.actions() == {"agent.lab.shell[3]": "delete"}


@pytest.mark.parametrize(
    "name",
    [
        "agent.lab.shell[ui]",
        "agent.lab.shell.ui",
        "lab.shell[ui]",
        "shell.ui",
        "shell[ui]",
        "lab-creator-shell-ui",
        "shell-ui",
    ],
)
def test_one_instance_is_named_with_and_without_brackets(project: Project, name: str):
    _declare(project, KEYS)
    project.apply()
    ended, others = project.pane("lab-creator-shell-ui").pid, {"lab-creator-shell-api", "lab-creator-shell-db"}
    assert "'lab.shell[ui]'" in project.run("stop", "--now", name)  # how to undo it, as a shell takes it
    assert not runs(ended)
    assert {*project.live()} == others
    assert "agent.lab.shell[ui]" in project.run("explain", name)
    project.run("resume", name)
    assert {*project.live()} == {*others, "lab-creator-shell-ui"}


def test_the_name_of_the_block_means_all_its_instances(project: Project):
    _declare(project, KEYS)
    project.apply()
    replaced = project.actions("--replace", "agent.lab.shell")
    assert replaced == {f"agent.lab.shell[{key}]": "delete/create" for key in KEYS}
    assert project.actions("--replace", "agent.lab.shell.ui") == {"agent.lab.shell[ui]": "delete/create"}
    assert "matches 3 names" in project.run("peek", "shell", code=64)
    project.run("stop", "--now", "shell")
    assert project.live() == {}


def test_delete_takes_the_item_out_of_the_manifest(project: Project):
    text = (
        f"version: 1\ntmux: {{socket_path: {project.socket}}}\nworkspaces:\n  lab:\n    path: lab\n    agents:\n"
        "      shell:  # three\n        for_each:\n          - ui  # the first\n          - api\n          - db\n"
    )
    manifest = project.root / "reconciler.yaml"
    manifest.write_text(text)
    project.apply()
    project.run("delete", "shell.api", "--yes")
    assert manifest.read_text() == text.replace("          - api\n", "")
    assert {*project.live()} == {"lab-creator-shell-ui", "lab-creator-shell-db"}
    assert project.actions() == {}
    project.run("delete", "lab.shell", "--yes")
    assert "shell" not in manifest.read_text()
    assert project.live() == {}


def test_a_counted_agent_is_not_deleted_alone(project: Project):
    _count(project, 2)
    project.apply()
    assert "one of them cannot be removed alone" in project.run("delete", "shell.1", "--yes", code=1)
    assert len(project.live()) == 2


def test_an_instance_is_adopted_by_import(project: Project):
    project.tmux("new-session", "-d", "-s", "mine", "-c", str(project.root), "sh")
    _declare(project, ["ui"])
    (project.root / "lab").mkdir()
    project.run("import", "agent.lab.shell.ui", "mine")
    assert project.pane("lab-creator-shell-ui").address == "agent.lab.shell[ui]"


def test_instances_of_a_workspace_have_a_folder_each(project: Project):
    project.write({"site": {"for_each": ["a", "b"], "path": "site-${each.key}", "agents": {"shell": {"count": 2}}}})
    project.apply()
    assert {pane.session: pane.cwd for pane in project.live().values()} == {
        f"site-{key}-creator-shell-{number}": f"{project.root}/site-{key}" for key in "ab" for number in (1, 2)
    }
    assert project.actions() == {}
    assert project.actions("--replace", "agent.site.a.shell.2") == {"agent.site[a].shell[2]": "delete/create"}
    project.write({"site": {"for_each": ["b"], "path": "site-${each.key}", "agents": {"shell": {"count": 2}}}})
    gone = ["workspace.site[a]", "agent.site[a].shell[1]", "agent.site[a].shell[2]"]
    assert project.actions() == dict.fromkeys(gone, "delete")


def test_the_ten_reviewers_on_the_page_are_six_lines_and_start(project: Project):
    (shown,) = re.findall(r"Ten reviewers:\n\n```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(shown.splitlines()) <= 6
    (project.root / "reconciler.yaml").write_text(f"{shown}tmux: {{socket_path: {project.socket}}}\n")
    project.apply()
    assert {*project.live()} == {f"api-reviewer-review-{number}" for number in range(1, 11)}
    assert project.actions() == {}
