"""Agents that are told apart by what began since they did, as the real CLI does it."""

from __future__ import annotations

from clis import OPENCODE
from real_project import RealProject
from waiting import wait_until

PROMPT = "Remember the word larch."


def test_opencode_agents_with_a_first_prompt_in_one_folder_are_bound_by_one_apply(project: RealProject):
    project.settle(OPENCODE)
    agents = {name: {**project.declaration(OPENCODE), "prompt": PROMPT} for name in ("one", "two")}
    project.write({"lab": {"path": "lab", "agents": agents}})
    project.apply()
    bound = {name: each["session_id"] for name, each in project.identities("lab").items()}
    assert len(set(bound.values())) == 2
    wait_until(lambda: set(project.places(OPENCODE, PROMPT)) == set(bound.values()))

    project.run("stop", *(f"lab-creator-{name}" for name in agents))  # its last words tell which it was
    assert {name: each["session_id"] for name, each in project.identities("lab").items()} == bound
    assert project.processes() == []
