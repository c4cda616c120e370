"""The real CLIs: what to install, how each starts without a question or a network, and what it stores.

Texts hold `$url` (the stub), `$home`, `$folder` (where the agent works) and `$key_end` (of the dummy key). As
seen in the versions that stand here; other versions may ask other questions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

KEY = "sk-dummy-0123456789-0123456789"
FROM_ENV = {"from_env": "DUMMY_KEY"}
Stored = Callable[[Path], dict[str, str]]


def _files(pattern: str) -> Stored:
    """Conversations are files under a home: their text, by path."""
    return lambda home: {str(path): path.read_text() for path in home.glob(pattern)}


def _rows(path: str) -> Stored:
    """Conversations are rows of a database: what was said, by session."""

    def stored(home: Path) -> dict[str, str]:
        database = home / path
        if not database.exists():
            return {}
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT session_id, data FROM part ORDER BY id").fetchall()
        return {session: "\n".join(data for each, data in rows if each == session) for session, _ in rows}

    return stored


class Start(NamedTuple):
    """A start that ends at a question: what that shows, and the files, variables and arguments that lead to it."""

    shows: str
    settings: Mapping[str, str] = {}
    env: Mapping[str, Any] = {}
    args: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cli:
    """One version of one CLI.

    `settings` are files under its home. `ready` is what its screen says when it waits for a prompt, `asks` when it
    asks for a permission. There, the key `permits` gives it, the keys `denies` deny it, each on another screen, and
    `always` are keys that lead to a second question.
    `runs` is a prompt that makes the CLI itself run a command that takes long.
    `starts` are starts that end at a question, by its name; `reopened` is what shows when a conversation is resumed
    (by `resumes` and its id) beside itself, or from another folder, by the question's name; empty for no question.
    `stored` reads every conversation under a home, by place. `declared` is its agent type in a manifest, for as long
    as none is built in.
    `beside` are packages that are installed with it, each with its version. `rotates` is its own command for another
    conversation; `cannot` are steps of a drive that it cannot pass, with the reason; `warms` means that its first
    start in a home takes longer, because it installs something; `hooked` that only a hook shows its conversation;
    `outlives` is a word of the process of its own that goes on after it; `named_late` means that a conversation has no
    title, which alone shows it, before its second prompt.
    """

    name: str
    package: str
    version: str
    ready: str
    stored: Stored
    env: Mapping[str, Any]
    settings: Mapping[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    declared: Mapping[str, Any] = field(default_factory=dict)
    asks: str = ""
    always: tuple[str, ...] = ()
    resumes: tuple[str, ...] = ()
    reopened: Mapping[str, str] = field(default_factory=dict)
    permits: str = "Enter"
    denies: tuple[str, ...] = ("Escape",)
    runs: str = ""
    starts: Mapping[str, Start] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    rotates: str = "/clear"
    cannot: Mapping[str, str] = field(default_factory=dict)
    warms: bool = False
    hooked: bool = False
    outlives: str = ""
    named_late: bool = False

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"


_ONBOARDED = '"hasCompletedOnboarding": true'
_APPROVED = '"customApiKeyResponses": {"approved": ["$key_end"], "rejected": []}'
_TRUSTED = '"projects": {"$folder": {"hasTrustDialogAccepted": true}}'


def _claude(version: str) -> Cli:
    return Cli(
        name="claude",
        package="@anthropic-ai/claude-code",
        version=version,
        ready=r"\? for shortcuts",
        stored=_files(".claude/projects/*/*.jsonl"),
        env={
            "ANTHROPIC_BASE_URL": "$url",
            "ANTHROPIC_API_KEY": FROM_ENV,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        },
        settings={
            ".claude.json": """{
                "hasCompletedOnboarding": true,
                "hasSeenAutoDefaultNotice": true,
                "customApiKeyResponses": {"approved": ["$key_end"], "rejected": []},
                "projects": {"$folder": {"hasTrustDialogAccepted": true}}
            }"""
        },
        args=("--permission-mode", "default"),
        asks=r"Do you want to",
        permits="1",
        starts={
            "onboarding": Start("Choose the text style|Unable to connect"),
            "trust": Start("Quick safety check", {".claude.json": f"{{{_ONBOARDED}, {_APPROVED}}}"}),
            "api_key": Start("Detected a custom API key", {".claude.json": f"{{{_ONBOARDED}, {_TRUSTED}}}"}),
            "auto_mode": Start(
                "Make auto mode your default",
                {
                    ".claude.json": f"{{{_ONBOARDED}, {_APPROVED}, {_TRUSTED}}}",
                    ".claude/settings.json": '{"permissions": {"defaultMode": "default"}}',
                },
            ),
        },
    )


CLAUDE_OLD, CLAUDE_NEW = _claude("2.1.197"), _claude("2.1.330")
GEMINI = Cli(
    name="gemini",
    package="@google/gemini-cli",
    version="0.61.0",
    ready=r"\? for shortcuts",
    stored=_files(".gemini/tmp/*/chats/session-*.jsonl"),
    env={"GOOGLE_GEMINI_BASE_URL": "$url", "GEMINI_API_KEY": FROM_ENV},
    settings={
        ".gemini/settings.json": """{
            "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": false}},
            "general": {"sessionRetention": {"enabled": false}, "enableAutoUpdate": false},
            "privacy": {"usageStatisticsEnabled": false}
        }"""
    },
    args=("--model", "gemini-2.5-flash"),  # else a first question asks which model to ask, and wants JSON
    declared={
        "command": ["gemini"],
        "new": ["--session-id", "{session_id}"],
        "resume": ["--resume", "{session_id}"],
        "artifacts": ["~/.gemini/tmp/*/chats/session-*.jsonl"],
        "quit": "/quit",
    },
    asks="Allow once",
    permits="1",
    hooked=True,
    starts={
        "trust": Start(
            "Do you trust the files in this folder",
            {
                ".gemini/settings.json": """{
                    "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": true}},
                    "general": {"enableAutoUpdate": false}
                }"""
            },
        ),
        "login": Start("How would you like to authenticate", {".gemini/settings.json": "{}"}, {"GEMINI_API_KEY": ""}),
    },
)
QWEN = Cli(
    name="qwen",
    package="@qwen-code/qwen-code",
    version="0.24.4",
    ready="Type your message",
    stored=_files(".qwen/projects/*/chats/*.jsonl"),
    env={"OPENAI_BASE_URL": "$url/v1", "OPENAI_MODEL": "stub", "OPENAI_API_KEY": FROM_ENV},
    settings={".qwen/settings.json": '{"security": {"auth": {"selectedType": "openai"}}}'},
    declared={
        "command": ["qwen"],
        "new": ["--session-id", "{session_id}"],
        "resume": ["--resume", "{session_id}"],
        "artifacts": ["~/.qwen/projects/*/chats/{session_id}.jsonl"],
        "quit": "/quit",
    },
    asks="Allow execution of",
    starts={
        "trust": Start(
            "(?i)trust",
            {
                ".qwen/settings.json": """{
                    "security": {"auth": {"selectedType": "openai"}, "folderTrust": {"enabled": true}}
                }"""
            },
        ),
        "login": Start(
            "(?i)get started|authenticat|Connect a Provider", {".qwen/settings.json": "{}"}, {"OPENAI_API_KEY": ""}
        ),
    },
)
COPILOT = Cli(
    name="copilot",
    package="@github/copilot",
    version="1.0.102",
    ready=r"/ commands",
    stored=_files(".copilot/session-state/*/events.jsonl"),
    env={
        "COPILOT_PROVIDER_BASE_URL": "$url/v1",
        "COPILOT_PROVIDER_API_KEY": FROM_ENV,
        "COPILOT_MODEL": "stub",
        "COPILOT_OFFLINE": "true",
    },
    settings={".copilot/config.json": '{"trusted_folders": ["$folder"]}'},
    declared={
        "command": ["copilot"],
        "new": ["--session-id", "{session_id}"],
        "resume": ["--resume={session_id}"],
        "artifacts": ["~/.copilot/session-state/{session_id}/events.jsonl"],
        "quit": "/exit",
    },
    asks="No, and tell",
    starts={"trust": Start("Do you trust the files in this folder")},
)
_CODEX = """
model = "stub"
model_provider = "stub"
[model_providers.stub]
name = "stub"
base_url = "$url/v1"
env_key = "STUB_KEY"
wire_api = "responses"
[projects."$folder"]
trust_level = "trusted"
"""
_HOOKED = """{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]}}"""
CODEX = Cli(
    name="codex",
    package="@openai/codex",
    version="0.169.0",
    ready="Ask Codex to do anything",
    stored=_files(".codex/sessions/*/*/*/rollout-*.jsonl"),
    env={"STUB_KEY": FROM_ENV},
    settings={".codex/config.toml": _CODEX},
    declared={"command": ["codex", "--no-daemon"], "quit": "/quit"},
    asks="Would you like to run",
    rotates="/new",
    resumes=("resume",),
    reopened={"open_in_another_app": "open in another app", "working_directory": "Use current directory"},
    permits="y",
    starts={
        "login": Start("Sign in with ChatGPT"),
        "trust": Start(
            "(?i)trust",
            {".codex/auth.json": '{"OPENAI_API_KEY": "sk-dummy-0123456789"}', "lab/.git/HEAD": "ref: refs/heads/main"},
        ),
        "hooks_review": Start("Hooks need review", {".codex/config.toml": _CODEX, ".codex/hooks.json": _HOOKED}),
    },
)
OPENCODE = Cli(
    name="opencode",
    package="opencode-ai",
    version="1.18.33",
    ready=r"Ask anything|ctrl\+p commands",
    stored=_rows(".local/share/opencode/opencode.db"),
    env={"STUB_KEY": FROM_ENV},
    settings={
        ".config/opencode/opencode.json": """{
            "model": "stub/stub",
            "small_model": "stub/stub",
            "autoupdate": false,
            "provider": {"stub": {
                "npm": "@ai-sdk/openai-compatible",
                "name": "stub",
                "options": {"baseURL": "$url/v1", "apiKey": "{env:STUB_KEY}"},
                "models": {"stub": {"name": "stub"}}
            }}
        }"""
    },
    declared={"command": ["opencode"], "quit": "/exit"},
    asks="Permission required",
    always=("Right", "Enter"),
    rotates="/new",
    warms=True,
)
ASKING = replace(OPENCODE, env={**OPENCODE.env, "OPENCODE_PERMISSION": '{"bash": "ask"}'})
KILO = replace(
    OPENCODE,
    name="kilo",
    package="@kilocode/cli",
    version="7.7.7",
    stored=_rows(".local/share/kilo/kilo.db"),
    env={"STUB_KEY": FROM_ENV, "KILO_PERMISSION": '{"bash": "ask"}'},
    settings={".config/kilo/kilo.json": OPENCODE.settings[".config/opencode/opencode.json"]},
    declared={"command": ["kilo"], "quit": "/exit"},
    denies=("Escape", "Enter"),
    named_late=True,
)
PI = Cli(
    name="pi",
    package="@earendil-works/pi-coding-agent",
    version="1.6.0",
    beside=("node@22.23.3",),  # it needs node 22.19 or newer
    ready=r"\?/|%/",
    stored=_files(".pi/agent/sessions/*/*.jsonl"),
    env={"STUB_KEY": FROM_ENV, "PI_OFFLINE": "1"},
    settings={
        ".pi/agent/models.json": """{"providers": {"stub": {
            "baseUrl": "$url/v1",
            "api": "openai-completions",
            "apiKey": "STUB_KEY",
            "models": [{"id": "stub", "cost": {"input": 3, "output": 15, "cacheRead": 0.3, "cacheWrite": 3.75}}]
        }}}""",
        ".pi/agent/settings.json": '{"defaultProvider": "stub", "defaultModel": "stub"}',
    },
    runs="!sleep 600",
    rotates="/new",
    cannot={
        **dict.fromkeys(("question", "refused at a question", "answer"), "it asks for no permissions"),
        "rotation": "nothing shows which conversation its process has until it ends",
    },
    resumes=("--session",),
    reopened={"beside itself": "", "another_folder": "Fork this session"},
    starts={"trust": Start("Trust project folder", {"lab/.pi/settings.json": "{}"})},
)
_CLINE_PROVIDER = """{
            "version": 1,
            "lastUsedProvider": "openai-compatible",
            "modes": {},
            "providers": {"openai-compatible": {
                "settings": {
                    "provider": "openai-compatible",
                    "apiKey": "sk-dummy",
                    "model": "stub",
                    "baseUrl": "$url/v1"
                },
                "updatedAt": "2026-11-30T00:00:00.000Z",
                "tokenSource": "manual"
            }}
        }"""
CLINE = Cli(
    name="cline",
    package="cline",
    version="3.0.65",
    ready=r"Ask anything|What can I do for you",
    stored=_files(".cline/data/sessions/*/*.messages.json"),
    env={"CLINE_TELEMETRY_DISABLED": "1"},
    settings={
        ".cline/data/settings/providers.json": _CLINE_PROVIDER,
        ".cline/data/settings/cli-notices.json": """{"shown": {
            "cline-cli-cline-pass-intro": true,
            "cline-cli-desktop-launch": true
        }}""",
    },
    args=("--auto-approve", "false"),
    asks="Approve tool call",
    permits="y",
    cannot={"rotation": "the note of a conversation names its daemon, once that runs, and not the agent's process"},
    outlives="--cline-hub-daemon",
    starts={"notice": Start("any other key to close", {".cline/data/settings/providers.json": _CLINE_PROVIDER})},
)

# Every version whose screens are captured, and whose rules are held against them.
CAPTURED = (
    *(_claude(version) for version in ("2.1.156", "2.1.197", "2.1.330", "2.1.332")),
    replace(QWEN, version="0.15.10", cannot={"rotation": "0.15.10 leaves no notes that show it"}),
    QWEN,
    *(replace(COPILOT, version=version) for version in ("1.0.68", "1.0.102")),
    *(replace(ASKING, version=version) for version in ("1.18.3", "1.18.33")),
    *(replace(GEMINI, version=version) for version in ("0.45.2", "0.61.0")),
    replace(
        CODEX, version="0.144.5", ready="\n\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
    ),  # its empty prompt shows one of several hints
    *(replace(CODEX, version=version, args=("--no-daemon",)) for version in ("0.169.0", "0.171.0")),
    KILO,
    replace(PI, version="0.76.0", starts={}),  # 0.79.0 was the first to ask
    PI,
    *(replace(CLINE, version=version, args=("-i", *CLINE.args)) for version in ("3.0.57", "3.0.65")),
)

# What is driven by test_versions.py: the same versions, without the words that the product itself passes.
DRIVEN = tuple(
    replace(cli, args=tuple(arg for arg in cli.args if arg not in {"--no-daemon", "-i"})) for cli in CAPTURED
)
