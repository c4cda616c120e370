"""Agents that are told apart by what began since they did, as the real CLI does it."""

from __future__ import annotations

from collections.abc import Iterable

from clis import OPENCODE
from real_project import RealProject
from waiting import wait_until

PROMPT = "Remember the word larch."


def test_opencode_agents_with_a_first_prompt_in_one_folder_are_bound_by_one_apply(project: RealProject):
    project.begin(OPENCODE)  # its first start in a home takes longer than anybody waits: it installs a package
    project.stop()
    agents = {name: {**project.declaration(OPENCODE), "prompt": PROMPT} for name in ("one", "two")}
    project.write({"lab": {"path": "lab", "agents": agents}})
    project.apply()
    bound = _bound(project, agents)
    assert len(set(bound.values())) == 2
    wait_until(lambda: set(project.places(OPENCODE, PROMPT)) == set(bound.values()))

    project.run("stop", *(f"lab-creator-{name}" for name in agents))  # its last words tell which it was
    assert _bound(project, agents) == bound
    assert project.processes() == []


def _bound(project: RealProject, names: Iterable[str]) -> dict[str, str]:
    identities = project.identities("lab")
    return {name: identities[name]["session_id"] for name in names}
