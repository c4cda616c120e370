"""Which agent a line starts that people type into a pane."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import asdict
from othertools_cases import AROUND, CODEX_ID, ID

from reconciler.adopt.command_line import AgentStart
from reconciler.adopt.pane import PaneLine, PaneReading, PaneStart, read_pane
from reconciler.model.diagnostic import Place

AT = Place("f", 1)


def reading(*lines: str) -> PaneReading:
    return read_pane([PaneLine(line, AT) for line in lines], PaneStart("/srv/lab", AROUND))


AGENTS: dict[str, dict[str, Any]] = {
    "claude": {"type": "claude"},
    "/usr/local/bin/claude --model opus": {"type": "claude", "args": ("--model", "opus")},
    f"claude --resume {ID}": {"conversation": ID, "known_by": f"`--resume {ID}` in its command", "args": ()},
    f"claude --resume={ID} --verbose": {"conversation": ID, "args": ("--verbose",)},
    f"claude -r {ID}": {"conversation": ID},
    f"claude --session-id {ID}": {"conversation": ID},
    f"claude --resume {ID} --fork-session": {"conversation": "", "args": ()},
    "claude --resume": {"conversation": "", "args": ()},
    "claude --resume 'fix the login'": {"conversation": "", "args": (), "prompt": ""},
    "claude -c": {"conversation": "", "args": ()},
    f"codex resume {CODEX_ID}": {"type": "codex", "conversation": CODEX_ID, "args": ()},
    f"codex --model o9 resume {CODEX_ID} --search": {"conversation": CODEX_ID, "args": ("--model", "o9", "--search")},
    "codex resume --last": {"type": "codex", "conversation": "", "args": ()},
    "codex --no-daemon": {"type": "codex", "args": ()},
    "codex -C api": {"type": "codex", "args": (), "folder": "api"},
    "gemini": {"type": "gemini"},
    f"gemini -r {ID}": {"type": "gemini", "conversation": ID},
    "gemini -r latest": {"type": "gemini", "conversation": "", "args": ()},
    "gemini -i 'hello there'": {"prompt": "hello there", "args": ()},
    "opencode -s ses_1aB2": {"type": "opencode", "conversation": "ses_1aB2"},
    "kilo -s ses_1aB2": {"type": "kilo", "conversation": "ses_1aB2"},
    f"copilot --resume={ID} --allow-all-tools": {"type": "copilot", "conversation": ID, "args": ("--allow-all-tools",)},
    f"cursor-agent --resume {ID}": {"type": "cursor-agent", "conversation": ID},
    f"pi --session {ID} --approve": {"type": "pi", "conversation": ID, "args": ("--approve",)},
    "pi --session notes.jsonl": {"type": "pi", "conversation": "", "args": ()},
    "pi --name red 'fix the login'": {"type": "pi", "args": ("--name", "red"), "prompt": "fix the login"},
    "qwen -y": {"type": "qwen", "args": ("-y",)},
    f"agy --conversation {ID}": {"type": "agy", "conversation": ID},
    "my-cli --chat --go-on x1": {"type": "mine", "conversation": "x1", "args": ()},
    "FOO=1 BAR='a b' claude": {"type": "claude", "env": {"FOO": "1", "BAR": "a b"}},
    "env FOO=1 claude --ide": {"env": {"FOO": "1"}, "args": ("--ide",)},
    "env -u FOO -- claude": {"type": "claude"},
    "exec claude": {"type": "claude"},
    "nohup env A=1 exec claude": {"type": "claude", "env": {"A": "1"}},
    "bash -c claude": {"type": "claude"},
    f'bash -lc "exec claude --resume {ID}"': {"type": "claude", "conversation": ID},
    "zsh -ic 'cd /srv && FOO=1 codex'": {"type": "codex", "env": {"FOO": "1"}},
    "sh -c \"bash -c 'sh -c gemini'\"": {"type": "gemini"},
    "npx @anthropic-ai/claude-code --model opus": {"type": "claude", "args": ("--model", "opus")},
    "npx -y @openai/codex@latest": {"type": "codex"},
    "bunx @google/gemini-cli": {"type": "gemini"},
    "pnpm dlx @qwen-code/qwen-code@0.5.0": {"type": "qwen"},
    "npx @earendil-works/pi-coding-agent": {"type": "pi"},
    "npx @mariozechner/pi-coding-agent": {"type": "pi"},
    "npm exec -- @github/copilot": {"type": "copilot"},
    "npx --package=x claude": {"type": "claude"},
    'claude "fix the login"': {"prompt": "fix the login", "args": ()},
    'claude --dangerously-skip-permissions "fix it all"': {
        "prompt": "fix it all",
        "args": ("--dangerously-skip-permissions",),
    },
    'claude --append-system-prompt "be brief"': {"prompt": "", "args": ("--append-system-prompt", "be brief")},
    "claude --add-dir ~/x --add-dir $HOME/y": {"args": ("--add-dir", "/home/u/x", "--add-dir", "/home/u/y")},
    r"claude --add-dir a\ b 'it'\''s'": {"args": ("--add-dir", "a b", "it's")},
    "claude --model $MODEL --ide": {"args": ("--ide",)},
    "claude --model `which x`": {"args": ()},
    "claude --api-key=sk-ant-0123456789abcdef0123": {"args": ()},
    "claude --settings.token 12345678": {"args": ()},
    "claude # the reviewer": {"type": "claude", "args": ()},
    "clear; claude": {"type": "claude"},
    f"claude --resume {ID} || claude": {"conversation": ID},
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS=64000 claude": {"env": {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "64000"}},
}


@pytest.mark.parametrize(("line", "expected"), AGENTS.items(), ids=AGENTS)
def test_a_line_starts_this_agent(line: str, expected: dict[str, Any]) -> None:
    agent = reading(line).agent
    assert isinstance(agent, AgentStart), reading(line).why
    found = asdict(agent)
    assert {key: found[key] for key in expected} == expected


NONE = {
    "": "",
    "bash": "it is only a shell",
    "exec zsh -l": "it is only a shell",
    "vim notes.md": "it is an editor, not an agent",
    "npm run dev": "it is not an agent CLI that reconciler knows",
    "aider --model x": "it is not an agent CLI that reconciler knows",
    "claude -p hi": "`-p` makes it run once and exit, or does not start an agent",
    "claude --print=x": "`--print=x` makes it run once and exit, or does not start an agent",
    "claude mcp serve": "`claude mcp` makes it run once and exit, or does not start an agent",
    "codex exec 'do it'": "`codex exec` makes it run once and exit, or does not start an agent",
    "opencode serve": "`opencode serve` makes it run once and exit, or does not start an agent",
    "kilo daemon start": "`kilo daemon` makes it run once and exit, or does not start an agent",
    "ssh host claude": "`ssh` starts `claude`, but reconciler starts a CLI directly",
    "claude | tee log": "it is a pipeline of several programs",
    "claude > log": "it reads from a file or writes into one, which only a shell can run",
    "while true; do claude; done": "it is a script (`while`), which only a shell can run",
    "(cd x; claude)": "it groups commands in brackets, which only a shell can run",
    "claude 'not closed": "a quote or a bracket in it is not closed, which only a shell can run",
    "claude &": "it runs in the background",
    "env -i claude": "reconciler does not know `env -i`",
    "exec -a x claude": "reconciler does not know `exec -a`",
    "$CLI": "it is not an agent CLI that reconciler knows",
    "my-cli": "it is not an agent CLI that reconciler knows",
    "npx some-server": "it is not an agent CLI that reconciler knows",
    "a;" * 101: "it has more than 100 commands, which only a shell can run",
    "x" * 30_000: "it has more than 20,000 characters, which only a shell can run",
}


@pytest.mark.parametrize(("line", "why"), NONE.items(), ids=lambda each: each[:30])
def test_a_line_that_starts_no_agent_says_why(line: str, why: str) -> None:
    found = reading(line) if line else reading()
    assert found.agent is None
    assert (found.why.why if found.why else "") == why


@pytest.mark.parametrize(
    ("lines", "folder"),
    [
        (("claude",), "/srv/lab"),
        (("cd api", "claude"), "/srv/lab/api"),
        (("cd /opt && claude",), "/opt"),
        (("cd ~/x; cd ..; claude",), "/home/u"),
        (("cd", "claude"), "/home/u"),
        (("cd $SITES/api", "claude"), "/srv/sites/api"),
        (("cd $NOWHERE/api", "claude"), ""),
        (("cd 'a b'", "bash -c 'cd c && claude'"), "/srv/lab/a b/c"),
        (("codex --cd=api",), "/srv/lab/api"),
    ],
)
def test_the_lines_before_an_agent_tell_its_folder(lines: tuple[str, ...], folder: str) -> None:
    assert reading(*lines).folder == folder


def test_the_lines_before_an_agent_tell_its_environment() -> None:
    found = reading("export A=1 B=$HOME/x", "C=3", "D=$C claude")
    assert found.agent
    assert found.agent.env == {"A": "1", "B": "/home/u/x", "D": "3"}


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (("source .venv/bin/activate", "claude"), "`source .venv/bin/activate`, which runs before the agent"),
        (("claude", "read the docs"), "`read the docs`, which comes after the agent"),
        (("claude; codex",), "`codex`, which comes after the agent"),
        (("claude --model $MODEL",), "the argument `--model $MODEL`"),
        (("claude --api-key sk-ant-0123456789abcdef0123",), "the argument `--api-key`"),
        (("X=$(pass show x) claude",), "the variable X"),
        (("claude --ide ~bob/x",), "the argument `~bob/x`"),
        (("claude --continue",), "`--continue`"),
        (("npx -y @openai/codex@latest",), "`@openai/codex@latest`"),
        (("env -u FOO claude",), "`env -u FOO`"),
        ((f"claude --resume {ID} --fork-session",), "`--fork-session`"),
    ],
)
def test_what_of_a_pane_has_no_counterpart_is_told(lines: tuple[str, ...], what: str) -> None:
    found = reading(*lines)
    assert found.agent
    assert [(each.what, each.place) for each in found.left] == [(what, AT)]


@pytest.mark.parametrize(
    "line",
    [
        "ANTHROPIC_API_KEY=verysecret1 npm start",
        "npm start --password verysecret1",
        "curl https://u:verysecret1@example.org",
        "deploy sk-ant-verysecret1verysecret1",
        "export DB_PASSWORD='verysecret1' && run",
    ],
)
def test_no_secret_is_in_what_is_told_of_a_pane(line: str) -> None:
    found = reading(line)
    assert found.agent is None
    assert "verysecret1" not in f"{found.line} {found.why}"


def test_a_secret_in_an_argument_is_not_told() -> None:
    found = reading("claude --api-key sk-ant-0123456789abcdef0123 --x=ghp_0123456789012345678901")
    assert "0123456789" not in repr(found)
