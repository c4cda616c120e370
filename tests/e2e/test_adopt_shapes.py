"""One agent of each older shape of the registry is adopted, and comes back in its conversation after losses."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import Project, arguments
from test_adopt import Scripted, scripted

__all__ = ["scripted"]

IDS = {
    name: f"77777777-2222-4222-8333-44444444000{number}"
    for number, name in enumerate(
        ["own", "space", "top", "named", "texted", "numbered", "foreign", "undecided", "listed", "keyed"]
    )
}
_RUNS, _OWN = "agent: claude, status: running", "claude_session_id_own: ID"
MAPPING = {
    "own": f"{{workspace: own, {_RUNS}, {_OWN}}}",
    "space": f"{{workspace: space, {_RUNS}}}",
    "top": "{workspace: top, agent: aid, type: claude, status: running}",
    "named": f"{{status: running, last_visible_status: running, last_visible_note: auto-registered, {_OWN}}}",
    "texted": f"{{workspace: texted, {_RUNS}, last_visible_status: on the header, {_OWN}}}",
    "numbered": f"{{workspace: numbered, {_RUNS}, pane: {{pid: '4194303'}}, {_OWN}}}",
    "foreign": f"{{workspace: foreign, {_RUNS}, pane: {{started: '12:00'}}, mood: fine, {_OWN}}}",
    "undecided": f"{{workspace: undecided, agent: claude, last_visible_status: terminated, {_OWN}}}",
}
LIST = f"""\
sessions:
  - name: listed-creator-claude
    status: running
    claude_session_id_own: {IDS["listed"]}
  - keyed-creator-claude:
      status: terminated
      claude_session_id_own: {IDS["keyed"]}
"""


def _agent(name: str) -> str:
    return "aid" if name == "top" else "claude"


def _session(name: str) -> str:
    return f"{name}-creator-{_agent(name)}"


def _mapping(root: Path) -> str:
    rows = "".join(f"  {_session(name)}: {row.replace('ID', IDS[name])}\n" for name, row in MAPPING.items())
    return f"""\
agent_identities:
  aid: {{session_id: {IDS["top"]}}}
workspaces:
  space: {{path: {root}/space, agent_identities: {{claude: {{session_id: {IDS["space"]}}}}}}}
sessions:
{rows}"""


@pytest.fixture(params=["mapping", "list"])
def shaped(scripted: Scripted, request: pytest.FixtureRequest) -> tuple[Scripted, list[str]]:
    """A project whose registry has this form, and the names of its workspaces."""
    names = [*MAPPING] if request.param == "mapping" else ["listed", "keyed"]
    for name in names:
        scripted.stored(IDS[name], name)
    scripted.record(_mapping(scripted.root) if request.param == "mapping" else LIST)
    return scripted, names


def test_each_shape_is_adopted_and_every_agent_comes_back_in_its_conversation(
    shaped: tuple[Scripted, list[str]],
) -> None:
    project, names = shaped
    before = project.files()
    assert "Run `reconciler adopt --write` to do this." in project.run("adopt")
    assert project.files() == before

    project.adopt()
    assert project.run("adopt").startswith("Looked at: ")
    assert _ids(project) == {name: IDS[name] for name in names}
    assert project.actions() == {f"agent.{name}.{_agent(name)}": "resume" for name in names}
    assert "0 to destroy" in project.run("plan")

    for lose in (lambda: None, project.reboot):
        lose()
        project.apply()
        for name in names:
            assert arguments(project.pane(_session(name)).pid)[-2:] == ["--resume", IDS[name]]
        assert _ids(project) == {name: IDS[name] for name in names}
        assert project.actions() == {}


def _ids(project: Project) -> dict[str, str | None]:
    places = project.recorded()["workspaces"]
    return {name: place["agent_identities"][_agent(name)]["session_id"] for name, place in places.items()}
