"""The MCP server of the product, used by a real agent CLI that starts it by itself."""

from __future__ import annotations

import json
import subprocess
import sys

from clis import CLAUDE_NEW
from real_project import RealProject
from stub import STATUS

SECONDS = 120


def test_claude_lists_the_tools_and_calls_one(project: RealProject) -> None:
    project.settle(CLAUDE_NEW)
    project.declare(one={"type": "shell"})
    project.apply()
    server = {"command": sys.executable, "args": ["-m", "reconciler", "mcp", "-C", str(project.root)]}
    (project.home / "mcp.json").write_text(json.dumps({"mcpServers": {"reconciler": server}}))
    command = ["claude", "-p", STATUS, "--mcp-config", str(project.home / "mcp.json"), "--strict-mcp-config"]
    command += ["--allowedTools", "mcp__reconciler__status", "--output-format", "stream-json", "--verbose"]
    model = {"ANTHROPIC_BASE_URL": project.url, "ANTHROPIC_API_KEY": project.env["DUMMY_KEY"]}
    offline = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
    # with tool search, Claude shows its model the names of such tools only after a search
    environment = {**project.env, **model, **offline, "ENABLE_TOOL_SEARCH": "false"}
    done = subprocess.run(
        command, check=False, cwd=project.folder, env=environment, capture_output=True, text=True, timeout=SECONDS,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    begin = next(line for line in lines if line.get("subtype") == "init")
    assert {"name": "reconciler", "status": "connected"}.items() <= begin["mcp_servers"][0].items()
    assert "mcp__reconciler__drift" in begin["tools"]
    assert "mcp__reconciler__stop" not in begin["tools"]
    results = [json.dumps(line) for line in lines if line["type"] == "user"]
    assert any("lab-creator-one" in result for result in results), results
