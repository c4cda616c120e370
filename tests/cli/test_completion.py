"""What a shell offers at Tab, asked for by typer's own protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import typer

from reconciler.agents.catalogue import BUILT_IN
from reconciler.app.project.places import registry_cache
from reconciler.cli.run import run
from reconciler.cli.typer_program import program
from reconciler.state.cache import remember

RECONCILER = Path(sys.executable).with_name("reconciler")
ROWS = {
    "lab-creator-claude": {"workspace": "lab", "agent": "claude"},
    "lab-creator-old": {"workspace": "lab", "agent": "old", "managed": False},
}
REGISTRY = {"version": 1, "workspaces": {"lab": {}, "shop": {}}, "sessions": ROWS}
AGENTS = ["lab-creator-claude", "agent.lab.claude"]
ADDRESSES = ["workspace.lab", "workspace.shop", "agent.lab.claude"]
EVERYTHING = ["lab-creator-claude", *ADDRESSES]
WORKSPACES = ["lab", "shop"]
OFFERS = {
    "plan --target": ADDRESSES,
    "plan --exclude": ADDRESSES,
    "plan --replace": ADDRESSES,
    "apply --target": ADDRESSES,
    "apply --exclude": ADDRESSES,
    "apply --replace": ADDRESSES,
    "destroy --target": ADDRESSES,
    "destroy --exclude": ADDRESSES,
    "explain": EVERYTHING,
    "status": AGENTS,
    "show": EVERYTHING,
    "stop": AGENTS,
    "stop --now lab-creator-claude": AGENTS,
    "resume": AGENTS,
    "archive": AGENTS,
    "attach": AGENTS,
    "send": AGENTS,
    "answer": AGENTS,
    "peek": AGENTS,
    "last": AGENTS,
    "diff": AGENTS,
    "history": AGENTS,
    "types": [*BUILT_IN, "record", "lab-creator-claude"],
    "delete": AGENTS,
    "conversations": WORKSPACES,
    "create": WORKSPACES,
    "import": ADDRESSES,
    "adopt --from": ["registry", "tmux", "jobs", "broker", "tmuxp", "tmuxinator", "agent-deck", "claude-squad"],
    "job submit --agent": AGENTS,
}
NO_NAMES_OF_OURS = {
    "broker",
    "schema",
    "create --name",
    "job hooks",
    "web",
    "fleet",
}  # hosts, users, documents, a name that is new, logins


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".hermes").mkdir()
    write(tmp_path, json.dumps(REGISTRY))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(lab: Path, text: str) -> None:
    (lab / ".hermes" / "agent-sessions.yaml").write_text(text)


def asked(shell: str, line: str) -> dict[str, str]:
    """The environment in which a shell asks how `line` may go on."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(f"{line}|".split()) - 1), "_TYPER_COMPLETE_ARGS": line}
    return {**words, "_TYPER_COMPLETE_FISH_ACTION": "get-args", "_RECONCILER_COMPLETE": f"complete_{shell}"}


def offered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str) -> list[str]:
    for name, value in asked("bash", line).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        run([])
    return capsys.readouterr().out.split()


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(("command", "names"), OFFERS.items(), ids=OFFERS.keys())
def test_a_command_offers_the_names_that_it_takes(
    command: str, names: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offered(monkeypatch, capsys, f"reconciler {command} ") == names


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("status cl", ["claude"]),
        ("plan --target cl", ["claude"]),
        ("explain cl", ["claude"]),
        ("types record lab.", ["lab.claude"]),
        ("stop o", []),  # it was only found
        ("stop l", ["lab-creator-claude"]),  # a whole name comes first
    ],
)
def test_a_short_name_is_offered_where_no_whole_name_begins_so(
    line: str, names: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offered(monkeypatch, capsys, f"reconciler {line}") == names


def test_a_name_of_two_agents_is_offered_with_its_workspace_alone(
    lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {f"s{number}": {"workspace": f"w{number}", "agent": "claude"} for number in (1, 2)}
    write(lab, json.dumps({"version": 1, "sessions": rows}))
    assert offered(monkeypatch, capsys, "reconciler status cl") == []
    assert offered(monkeypatch, capsys, "reconciler status w") == ["w1.claude", "w2.claude"]


def test_every_parameter_that_takes_a_name_or_an_address_offers_some() -> None:
    taking = {
        f"{name} {param.opts[0]}" if param.opts[0].startswith("-") else name
        for name, param in parameters(program())
        if any(word in (param.metavar or "") for word in ("NAME", "ADDR", "WORKSPACE"))
    }
    assert {each for each in taking if not each.startswith(tuple(NO_NAMES_OF_OURS))} <= OFFERS.keys()


def parameters(group: typer.core.TyperGroup, prefix: str = "") -> Iterator[tuple[str, typer.core.TyperOption]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from parameters(command, f"{prefix}{name} ")
        elif not command.hidden:
            yield from ((f"{prefix}{name}", param) for param in command.params)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_names_without_anything_heavy(shell: str, lab: Path) -> None:
    text = (lab / ".hermes" / "agent-sessions.yaml").read_bytes()
    remember(registry_cache(str(lab / ".hermes" / "x")), sha256(text).hexdigest(), REGISTRY)
    tell = (
        "import sys; from reconciler.__main__ import main\n"
        "try: main()\n"
        "finally: print('modules', *{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", tell],
        env={**os.environ, **asked(shell, "reconciler explain agent.l")},
        cwd=lab,
        capture_output=True,
        text=True,
        check=False,
    )
    names, _, modules = done.stdout.partition("modules ")
    assert "agent.lab.claude" in names
    assert "workspace" not in names
    heavy = {"libtmux", "paho", "cryptography", "jsonschema", "rich", "jinja2", "ruamel", "pydantic"}
    assert heavy & set(modules.split()) == set()


def test_a_real_bash_completes_a_name(lab: Path) -> None:
    script = (
        f'eval "$(_RECONCILER_COMPLETE=source_bash {RECONCILER})"\n'
        "COMP_WORDS=(reconciler stop lab); COMP_CWORD=2\n"
        f'_reconciler_completion {RECONCILER}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", script], cwd=lab, capture_output=True, text=True, check=True)
    assert done.stdout == "lab-creator-claude\n"


def test_the_project_and_the_registry_may_be_elsewhere(
    lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir("/")
    assert offered(monkeypatch, capsys, "reconciler status ") == []
    assert offered(monkeypatch, capsys, f"reconciler -C {lab} status ") == AGENTS
    assert offered(monkeypatch, capsys, f"reconciler status -C {lab} ") == AGENTS
    registry = lab / ".hermes" / "agent-sessions.yaml"
    assert offered(monkeypatch, capsys, f"reconciler status --registry {registry} ") == AGENTS
    monkeypatch.setenv("RECONCILER_ROOT", str(lab))
    assert offered(monkeypatch, capsys, "reconciler status ") == AGENTS


@pytest.mark.parametrize(("text", "names"), [("profiles: [day]", ["day", "night"]), ("profiles: 1", [])])
def test_a_profile_is_completed_from_the_manifests(
    text: str, names: list[str], lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = f"version: 1\nworkspaces: {{lab: {{path: lab, profiles: [night], agents: {{claude: {{{text}}}}}}}}}\n"
    (lab / "reconciler.yaml").write_text(manifest)
    assert offered(monkeypatch, capsys, "reconciler --profile ") == names
    assert offered(monkeypatch, capsys, "reconciler --profile d") == [name for name in names if name[0] == "d"]
    monkeypatch.chdir("/")
    assert offered(monkeypatch, capsys, f"reconciler -C {lab / 'none'} --profile ") == []


@pytest.mark.parametrize("text", ["a: b: c\n", "- 1\n", "sessions: 1\n", "sessions: {a: 1}\n", "\0"])
def test_a_registry_that_is_broken_offers_nothing(
    text: str, lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(lab, text)
    assert offered(monkeypatch, capsys, "reconciler status ") == []
