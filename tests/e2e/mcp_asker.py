"""An agent that is a client of the MCP server: it asks to stop itself, then its neighbour, and waits."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters


async def answers(command: list[str]) -> list[str]:
    project = os.path.dirname(os.getcwd())
    environment = {name: os.environ[name] for name in ("HOME", "PATH")}
    words = [*command[1:], "mcp", "-C", project, "--allow", "stop"]
    server = StdioServerParameters(command=command[0], args=words, env=environment, cwd="/")
    async with Client(server) as client:
        results = [await client.call_tool("stop", {"names": [name]}) for name in ("one", "two")]
    return [result.content[0].text for result in results]


unfinished = Path(f"{sys.argv[1]}.new")
unfinished.write_text(json.dumps(anyio.run(answers, sys.argv[2:])))
unfinished.rename(sys.argv[1])
signal.pause()
