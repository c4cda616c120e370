"""A secret reaches the process of its agent, and nothing else."""

from __future__ import annotations

import pytest
from project import Project, command_lines, environment

BY_ENV, BY_FILE, BY_VARIABLE, UNRELATED = "sesame-by-env", "sesame-by-file", "sesame-by-variable", "sesame-unrelated"
SECRETS = (BY_ENV, BY_FILE, BY_VARIABLE, UNRELATED)


@pytest.fixture
def caller(project: Project) -> dict[str, str]:
    """The environment of whoever applies; `knowing` gets three secrets, `other` none."""
    secrets = {
        "ONE": {"from_env": "MY_ONE"},
        "TWO": {"from_file": str(project.home / "key")},
        "THREE": "${MY_THREE}",
    }
    project.declare(knowing={"type": "claude", "env": secrets}, other={"type": "claude"})
    (project.home / "key").write_text(BY_FILE)
    (project.home / "tmp").mkdir()
    return {"MY_ONE": BY_ENV, "MY_THREE": BY_VARIABLE, "NOBODYS": UNRELATED, "TMPDIR": str(project.home / "tmp")}


def test_a_secret_is_seen_by_its_agent_and_by_nobody_else(project: Project, caller: dict[str, str]):
    said = project.run("plan", "--full", "--out", "saved", **caller)
    applying = project.start("apply", "saved", **caller)
    seen = [command_lines()]
    while applying.poll() is None:
        seen.append(command_lines())
    said += "".join(applying.communicate())
    assert applying.returncode == 0, said
    live = project.live()
    knowing, other = (environment(live[f"lab-creator-{name}"].pid) for name in ("knowing", "other"))
    assert {"ONE": BY_ENV, "TWO": BY_FILE, "THREE": BY_VARIABLE}.items() <= knowing.items()
    assert UNRELATED not in knowing.values()
    assert not set(SECRETS) & set(other.values())
    assert _leaked(b"\n".join(seen).decode(errors="replace")) == []
    said += project.run("show", **caller) + project.run("show", "saved") + project.run("status", "--json", **caller)
    assert _leaked(said) == []
    assert _files_with_secrets(project) == ["key"]


def test_a_server_that_we_start_has_no_secret_of_the_caller(project: Project, caller: dict[str, str]):
    project.apply(**caller)
    server = environment(int(project.tmux("display-message", "-p", "#{pid}")))
    assert _leaked(str(server)) == []
    everywhere = [project.tmux("show-environment", "-g"), project.tmux("show-options", "-A", "-g")]
    for session in project.live():
        everywhere.append(project.tmux("show-environment", "-t", f"={session}:"))
        everywhere.append(project.tmux("list-panes", "-t", f"={session}:", "-F", "#{pane_start_command}"))
    assert _leaked("".join(everywhere)) == []


def test_a_changed_secret_restarts_its_agent_and_is_not_shown(project: Project, caller: dict[str, str]):
    project.apply(**caller)
    before = project.live()
    assert project.actions(**caller) == {}
    assert project.actions(**{**caller, "MY_ONE": "sesame-new"}) == {"agent.lab.knowing": "delete/create"}
    said = project.apply(**{**caller, "MY_ONE": "sesame-new"})
    assert "~ env.ONE = (sensitive value)" in said
    assert "sesame" not in said
    assert environment(project.pane("lab-creator-knowing").pid)["ONE"] == "sesame-new"
    assert project.pane("lab-creator-other") == before["lab-creator-other"]


def test_an_agent_does_not_start_without_its_secret(project: Project, caller: dict[str, str]):
    del caller["MY_ONE"]
    (project.home / "key").unlink()
    said = project.apply(code=1, **caller)
    assert "MY_ONE is not set" in said
    assert project.live() == {}


def _leaked(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def _files_with_secrets(project: Project) -> list[str]:
    return [name for name, content in project.files().items() if _leaked(content.decode(errors="replace"))]


def test_the_last_words_of_an_agent_are_told_without_its_secrets(project: Project):
    agents = {"x": {"type": "mine", "env": {"TOKEN": {"from_env": "T"}}}}
    types = {"mine": {"command": ["sh", "-c", "echo leaked $TOKEN; exit 1"]}}
    project.write({"lab": {"path": "lab", "agents": agents}}, agent_types=types)
    for words, code in (([], 3), (["--json"], 1)):
        said = project.apply(*words, code=code, T="s3cret-value-of-a-user")
        assert "leaked [secret]" in said
        assert "s3cret-value" not in said
