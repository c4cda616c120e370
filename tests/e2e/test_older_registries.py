"""Every command that looks works at once with a registry of an older shape; only what writes completes it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import Project

from reconciler.ports.files import RealFiles
from reconciler.state.assumptions import warnings
from reconciler.state.registry import Registry, complete, read

SHAPES = Path(__file__).parents[1] / "state" / "older"
NAMES = sorted(path.name for path in SHAPES.iterdir())
ALONE = ("status", "drift", "conversations", "show", "unmanaged", "import --generate", "monitor --once --dry-run")
DECLARED = ("plan", "plan --refresh-only", "drift --offline", "explain agent.elsewhere.shell", "history", "validate")
ROW = "lab-creator-claude"


@pytest.fixture
def looked_at(project: Project) -> Project:
    """A project with an empty tmux server of its own, which holds no agent."""
    project.tmux("new-session", "-d", "-s", "mine", "sleep", "9999")
    return project


def put(project: Project, text: bytes) -> bytes:
    """The file as it is, once the project has it."""
    project.registry.parent.mkdir(exist_ok=True)
    for beside in project.registry.parent.iterdir():
        shutil.rmtree(beside) if beside.is_dir() else beside.unlink()
    project.registry.write_bytes(text)
    return text


def declare(project: Project) -> None:
    project.write({"elsewhere": {"path": "elsewhere", "agents": {"shell": {}}}})


def summaries(project: Project, text: bytes) -> list[str]:
    put(project, text)
    return [
        each.summary
        for each in warnings(read(Registry(str(project.registry), str(project.home / "cache"), RealFiles())), "F")
    ]


def completed(project: Project, text: bytes) -> bytes:
    put(project, text)
    at = Registry(str(project.registry), str(project.home / "cache"), RealFiles())
    complete(at, read(at), new_lineage="1234")
    return project.registry.read_bytes()


def tried(project: Project, commands: tuple[str, ...], text: bytes) -> dict[str, tuple[int, str, str]]:
    """The exit code of each command, and what it said on both streams; none of them writes."""
    put(project, text)
    found = {}
    for command in commands:
        done = project.attempt(*command.split(), TMUX_SERVER_NAME="")
        assert "Traceback" not in done.stderr, done.stderr
        assert "failed unexpectedly" not in done.stderr, done.stderr
        assert project.registry.read_bytes() == text, command
        found[command] = (done.returncode, done.stdout, done.stderr)
    return found


def share(commands: tuple[str, ...], shape: str, number: int) -> tuple[str, ...]:
    """The first command, and some of the others: all shapes together try every command several times."""
    start = NAMES.index(shape) % len(commands[1:])
    turned = (*commands[1:][start:], *commands[1:][:start])
    return (commands[0], *turned[: number - 1])


SILENT = {"history", "validate"}  # they say nothing of the registry


@pytest.mark.parametrize("shape", NAMES)
def test_every_command_that_looks_reads_an_older_registry(looked_at: Project, shape: str) -> None:
    text = (SHAPES / shape / "before.yaml").read_bytes()
    kinds, good = summaries(looked_at, text), completed(looked_at, text)
    for commands in (share(ALONE, shape, 3), share(DECLARED, shape, 3)):
        older, wanted = tried(looked_at, commands, text), tried(looked_at, commands, good)
        for command, (code, text_of_it, aside) in older.items():
            said = text_of_it + aside if command.startswith("plan") else aside  # a plan's warnings are part of its text
            assert code == wanted[command][0], (command, said)
            for kind in kinds if command not in SILENT else ():
                assert said.count(f"Warning: {kind}\n") == 1, (command, said)
        declare(looked_at)


@pytest.mark.parametrize("shape", NAMES)
def test_documents_carry_the_warnings(looked_at: Project, shape: str) -> None:
    text = (SHAPES / shape / "before.yaml").read_bytes()
    kinds = summaries(looked_at, text)
    put(looked_at, text)
    declare(looked_at)
    for command in share(("status", "plan", "drift", "drift --offline", "conversations"), shape, 2):
        said = [each["summary"] for each in looked_at.json(*command.split())["diagnostics"]]
        assert [kind for kind in said if kind in kinds] == kinds, command
    assert looked_at.registry.read_bytes() == text


def test_a_write_of_one_row_leaves_the_others_as_they_are(looked_at: Project) -> None:
    text = put(looked_at, (SHAPES / "status-is-text" / "before.yaml").read_bytes())
    declare(looked_at)
    looked_at.run("refresh")
    after = looked_at.registry.read_text()
    assert looked_at.row(ROW)["status"] == "terminated"  # no session has it
    assert looked_at.row(ROW)["last_visible_note"] == "working on the header"
    assert "status: paused for the night\n    last_visible_status: running\n" in after
    rest = text.decode().split("  lab-creator-agy:\n")[1]
    assert after.endswith(f"  lab-creator-agy:\n{rest}")
    beside = looked_at.registry.with_name(f"{looked_at.registry.name}.before-completion")
    assert beside.read_bytes() == text
    assert "1 status is" in looked_at.run("status") or "statuses are" in looked_at.run("status")


def test_a_list_of_sessions_becomes_a_mapping_at_the_first_write(looked_at: Project) -> None:
    put(looked_at, (SHAPES / "list" / "before.yaml").read_bytes())
    declare(looked_at)
    looked_at.run("refresh")
    assert looked_at.row(ROW)["status"] == "terminated"
    assert "# its name" in looked_at.registry.read_text()
    assert "`sessions` is a list" not in looked_at.run("status")


def test_the_names_in_the_manifests_say_what_a_session_s_name_means(looked_at: Project) -> None:
    put(looked_at, b"sessions:\n  odd-name-here: {status: stopped}\n")
    assert "left alone" in looked_at.run("status")
    looked_at.write({"odd": {"path": "odd", "agents": {"here": {"type": "shell", "role": "name"}}}})
    found = looked_at.json("show", "agent.odd.here")
    assert found["recorded"]["workspace"] == "odd"


def test_the_check_against_the_schema_says_what_is_assumed(project: Project) -> None:
    path = str(project.registry.relative_to(project.root))
    put(project, (SHAPES / "name-only" / "before.yaml").read_bytes())
    said = project.run("schema", "check", "registry", path, code=1)
    assert f"{path}:5:3" in said
    assert "workspace lab-landing-page, role creator, agent claude" in said
    assert "5 mistakes in 1 file" in said
    document = project.json("schema", "check", "registry", path, code=1)
    assert [each["severity"] for each in document["diagnostics"]] == ["error"] * 5 + ["warning"]
    put(project, (SHAPES / "id-only-in-row" / "before.yaml").read_bytes())
    said = project.run("schema", "check", "registry", path)
    assert "Valid: 1 file." in said
    assert "the conversation of agent.y.claude" in said
    put(project, b"sessions: {a: 5}\n")
    assert "1 mistake in 1 file" in project.run("schema", "check", "registry", path, code=1)
    put(project, (SHAPES / "name-only" / "completed.yaml").read_bytes())
    assert json.loads(project.run("schema", "check", "registry", path, "--json"))["valid"]


def test_all_damage_is_told_at_once(looked_at: Project) -> None:
    put(looked_at, b"sessions:\n  a-creator-claude: {}\n  b-creator-claude: 5\n")
    said = looked_at.run("status", code=1)
    assert "agent-sessions.yaml:2:3: sessions.a-creator-claude.status must be" in said
    assert "agent-sessions.yaml:3:21: sessions.b-creator-claude must be a mapping" in said
