"""An agent that is a client of the MCP server: it does what it is told, to itself and to its neighbour, and waits.

Its first argument is a pipe that brings the calls, one `[tool, arguments]` each; the results go to the second.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters


async def results(calls: list[list[Any]], words: list[str]) -> list[list[Any]]:
    environment = {name: os.environ[name] for name in ("HOME", "PATH")}
    server = StdioServerParameters(command=words[0], args=words[1:], env=environment, cwd="/")
    async with Client(server) as client:
        shown = await client.call_tool("plan", {})
        digest = shown.structured_content["digest"]
        done = []
        for tool, given in calls:
            result = await client.call_tool(tool, {**given, "digest": digest} if tool == "apply" else given)
            done.append([tool, bool(result.is_error), result.content[0].text])
        return done


calls = json.loads(Path(sys.argv[1]).read_text())
project = os.path.dirname(os.getcwd())
unfinished = Path(f"{sys.argv[2]}.new")
unfinished.write_text(json.dumps(anyio.run(results, calls["calls"], [*sys.argv[3:], "-C", project, *calls["words"]])))
unfinished.rename(sys.argv[2])
signal.pause()
