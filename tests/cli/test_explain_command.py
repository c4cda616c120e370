"""`reconciler explain` in a project on disk, without a tmux server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from reconciler.cli.run import run
from reconciler.state.schemas import load_schema

REGISTRY = """\
version: 1
lineage: ours
serial: 1
workspaces:
  w:
    path: /gone
    managed: false
sessions:
  w-creator-old:
    workspace: w
    agent: old
    status: running
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    socket = f"tmux: {{socket_path: {tmp_path / 'no-server'}}}"
    (tmp_path / "reconciler.yaml").write_text(
        f"version: 1\n{socket}\nworkspaces:\n  v:\n    path: v\n    agents: {{claude: }}\n"
    )
    (tmp_path / ".hermes").mkdir()
    (tmp_path / ".hermes" / "agent-sessions.yaml").write_text(REGISTRY)
    return tmp_path


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("name", ["agent.w.old", "w-creator-old"])
def test_an_agent_of_the_registry_is_explained_by_either_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", name]) == 0
    text = capsys.readouterr().out
    assert text.startswith(
        "# agent.w.old will no longer be managed\n\nNo manifest declares it any more. (not_declared)\n"
    )
    assert "\nrecorded in .hermes/agent-sessions.yaml:9:\n" in text


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("name", ["agent.v.claude", "workspace.v", "workspace.w"])
def test_the_document_fits_its_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", name, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    Draft7Validator(load_schema("explanation")).validate(document)
    assert document["address"] == name


def test_nothing_is_written(lab: Path) -> None:
    before = {path: path.read_bytes() for path in lab.rglob("*") if path.is_file()}
    run(["explain", "agent.v.claude"])
    assert {path: path.read_bytes() for path in lab.rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("name", "nearest"), [("agent.v.cloud", "agent.v.claude"), ("v-creator-cloude", "v-creator-claude")]
)
def test_an_unknown_name_is_offered_the_nearest(name: str, nearest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", name]) == 64
    assert f"there is no {name}" in (said := capsys.readouterr().err)
    assert f"did you mean {nearest}" in said


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(("name", "meant"), [("v", "workspace.v"), ("ol", "agent.w.old"), ("w.o", "agent.w.old")])
def test_a_part_of_a_name_is_enough(name: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["address"] == meant


@pytest.mark.usefixtures("lab")
def test_what_several_names_have_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "creator"]) == 64
    told = capsys.readouterr().err
    assert "  agent.v.claude  v-creator-claude\n  agent.w.old  w-creator-old\n" in told


@pytest.mark.usefixtures("lab")
def test_what_stands_in_the_way_gives_1(capsys: pytest.CaptureFixture[str], lab: Path) -> None:
    (lab / "v").write_text("no folder")
    assert run(["explain", "workspace.v"]) == 1
    assert "is left alone" in capsys.readouterr().out
