"""Kilo, as tested with version 7.7.7. It is made from OpenCode, and stores and shows the same under names of its own.

A conversation has a title of its own later than with OpenCode: once a tool ran, or with the second prompt, or with a
first one of 200 characters. Until then, the pane's title names no conversation.
"""

from __future__ import annotations

from msgspec.structs import replace

from .launch import SESSION_ID
from .opencode import FORM, PERMISSION, Build, profile_of_build
from .usage import ENDS, Usage

KILO = Build(name="kilo", variable="KILO_DB", titled="Kilo CLI | ")
_FORM = replace(
    FORM,
    name="kilo",
    tested=("7.7.7",),
    command=("kilo",),
    command_line=Usage(
        packages=("@kilocode/cli",),
        resume=("--session", "-s"),
        newest=("--continue", "-c"),
        fork=("--fork", "--cloud-fork"),
        prompt=("--prompt",),
        switches=("--auto", "--mdns", "--mini", "--no-replay", "--print-logs", "--pure"),
        once=ENDS,
        commands=(
            "acp",
            "agent",
            "attach",
            "auth",
            "cloud",
            "completion",
            "config",
            "console",
            "daemon",
            "db",
            "debug",
            "export",
            "github",
            "help",
            "import",
            "mcp",
            "models",
            "plug",
            "plugin",
            "pr",
            "profile",
            "providers",
            "remote",
            "roll-call",
            "run",
            "serve",
            "session",
            "stats",
            "uninstall",
            "upgrade",
            "worktree",
        ),
    ),
    resume_line=(f"kilo -s {SESSION_ID}",),
    variables={"XDG_DATA_HOME": "~/.local/share", "KILO_DB": "{XDG_DATA_HOME}/kilo/kilo.db"},
    roots=("{XDG_DATA_HOME}/kilo",),
    # With `"title_icon": "unicode"` in its tui.json.
    titles={"busy": ("◔ Kilo CLI*",)},
    # Escape asks for a reason first, and goes back from there.
    permission=replace(PERMISSION, reason=("Tell Kilo what to do differently",)),
    screens_file="kilo",
)
PROFILE = profile_of_build(KILO, _FORM, "reconciler.agents.kilo_tokens:TOKENS")
