"""The MCP server, asked by the official client: real tmux, stand-ins of the CLIs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from anyio import to_thread
from mcp import Client, StdioServerParameters
from project import CLI, SECONDS, Project
from waiting import wait_until

SESSION = "lab-creator-one"
READING = {"status", "peek", "last", "diff", "plan", "explain", "drift", "usage"}
CHANGING = {"send", "answer", "job_submit", "job_wait", "stop", "resume", "apply"}
ASKER = Path(__file__).with_name("mcp_asker.py")


class Asked:
    """One connection to a server of the project's; every call is one answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def __call__(self, tool: str, **given: object) -> types.CallToolResult:
        result = await self._client.call_tool(tool, given)
        assert isinstance(result, types.CallToolResult)
        return result

    async def document(self, tool: str, **given: object) -> Mapping[str, Any]:
        result = await self(tool, **given)
        assert not result.is_error, result.content
        return result.structured_content

    async def tools(self) -> dict[str, types.Tool]:
        return {tool.name: tool for tool in (await self._client.list_tools()).tools}


def connected(project: Project, work: Any, *words: str, command: StdioServerParameters | None = None) -> None:
    """Run `work(asked)` with a client of a server that was started with these words."""
    usual = StdioServerParameters(command=CLI[0], args=[*CLI[1:], "mcp", *words], env=project.env, cwd=project.root)

    async def run() -> None:
        with anyio.fail_after(4 * SECONDS):
            async with Client(command or usual) as client:
                await work(Asked(client))

    anyio.run(run)


def said(result: types.CallToolResult) -> str:
    [content] = result.content
    assert isinstance(content, types.TextContent)
    return content.text


def exit_code(result: types.CallToolResult) -> int:
    return (result.meta or {})["reconciler/exit_code"]


def test_the_tools_that_only_look_return_the_documents_of_their_commands(project: Project):
    project.declare(one={"type": "claude"})
    project.apply()
    project.run("send", SESSION, "say hello", "--wait-idle", "20")
    folder = project.root / "lab"
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    (folder / "page").write_text("new\n")
    commands = {
        "status": ("status", {}),
        "last": ("last one", {"name": "one"}),
        "explain": ("explain one", {"address": "one"}),
        "drift": ("drift", {}),
        "plan": ("plan", {}),
        "diff": ("diff one", {"name": "one"}),
        "peek": ("peek one", {"name": "one"}),
        "usage": ("usage --since 24h --by agent --by day", {"since": "24h", "by": ["agent", "day"]}),
    }
    assert set(commands) == READING

    async def work(ask: Asked) -> None:
        tools = await ask.tools()
        assert set(tools) == READING
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())
        for tool, (line, given) in commands.items():
            document, printed = await ask.document(tool, **given), project.json(*line.split())
            assert document.keys() == printed.keys(), tool
            assert document.get("digest") == printed.get("digest")
        assert "say hello" in json.dumps(await ask.document("peek", name="one", lines=50))
        assert [each["path"] for each in (await ask.document("diff", name="one"))["uncommitted"]] == ["page"]
        [group] = (await ask.document("usage", since="24h"))["groups"]
        assert (group["agent"], group["answers"]) == ("agent.lab.one", 1)
        assert exit_code(await ask("usage", since="yesterday")) == 64
        assert exit_code(await ask("usage", by=["phase"])) == 64

    connected(project, work)


def test_what_is_not_allowed_is_not_offered_and_not_done(project: Project):
    project.declare(one={"type": "claude"})
    project.apply()
    pid = project.pane(SESSION).pid

    async def work(ask: Asked) -> None:
        assert set(await ask.tools()) == READING | {"resume"}
        for tool, given in {"stop": {"names": ["one"]}, "apply": {"digest": "x"}, "send": {"name": "one"}}.items():
            refused = await ask(tool, **given)
            assert refused.is_error
            assert exit_code(refused) == 7
            assert f"--allow {tool}" in said(refused)
        assert exit_code(await ask("nothing")) == 64

    connected(project, work, "--allow", "resume")
    assert project.pane(SESSION).pid == pid


def test_agents_are_told_answered_stopped_and_resumed(project: Project):
    project.declare(one={"type": "claude"}, two={"type": "claude"})
    project.apply()

    async def work(ask: Asked) -> None:
        assert set(await ask.tools()) == READING | CHANGING
        assert (await ask.document("send", name="one", text="say hello", wait_idle=20))["verdict"] == "submitted"
        await ask.document("send", name="two", text="ask", wait_idle=20)
        await to_thread.run_sync(wait_until, lambda: project.attempt("answer", "two").returncode == 0)
        dialog = await ask.document("answer", name="two")
        wrong = await ask("answer", name="two", request="0" * 16, answer="approve")
        assert wrong.is_error
        assert exit_code(wrong) == 7
        given = await ask.document("answer", name="two", request=dialog["request"], answer="approve")
        assert given["answer"] == "approve"
        stopped = await ask.document("stop", names=["one"], reason="enough")
        assert stopped["events"][-1]["exit_code"] == 0
        assert SESSION not in project.live()
        await ask.document("resume", names=["one"])
        assert SESSION in project.live()

    connected(project, work, "--allow", "send,answer,job,stop", "--allow", "resume,apply")
    assert project.recorded()["sessions"][SESSION]["status"] == "running"


def test_only_a_plan_that_was_shown_is_applied_and_only_while_it_holds(project: Project):
    project.declare(one={"type": "shell"})

    async def work(ask: Asked) -> None:
        digest = project.plan()["digest"]
        unseen = await ask("apply", digest=digest)
        assert exit_code(unseen) == 7
        assert "was shown" in said(unseen)
        assert (await ask.document("plan"))["digest"] == digest
        project.declare(one={"type": "shell"}, two={"type": "shell"})
        stale = await ask("apply", digest=digest)
        assert (stale.is_error, exit_code(stale)) == (True, 5)
        assert project.live() == {}
        digest = (await ask.document("plan"))["digest"]
        done = await ask.document("apply", digest=f"sha256:{digest}")
        assert done["events"][-1]["exit_code"] == 0
        assert set(project.live()) == {SESSION, "lab-creator-two"}

    connected(project, work, "--allow", "apply")


def test_a_job_is_submitted_and_waited_for(project: Project):
    project.declare(one={"type": "claude"})
    project.apply()

    async def work(ask: Asked) -> None:
        [job] = (await ask.document("job_submit", name="one", prompt="wait", wait_idle=20))["jobs"]
        still = await ask("job_wait", job=job["id"], seconds=0)
        assert (still.is_error, exit_code(still)) == (True, 8)
        assert still.structured_content["jobs"][0]["id"] == job["id"]
        project.run("job", "cancel", "--job", job["id"])
        ended = await ask("job_wait", job=job["id"], seconds=20)
        assert ended.structured_content["jobs"][0]["status"] == "cancelled"

    connected(project, work, "--allow", "job")


OWN_DEEDS = {
    "send": {"name": "one", "text": "hello"},
    "answer": {"name": "one", "request": "0" * 16, "answer": "approve"},
    "job_submit": {"name": "one", "prompt": "hello"},
    "stop": {"names": ["one"]},
    "apply": {},  # of a plan that restarts it
}


def _asks(project: Project, tmp_path: Path, words: list[str], calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """What the tools answer to the agent `one`: a client that inherits nothing that tells where it is."""
    told, todo = tmp_path / "told.json", tmp_path / "calls.json"
    os.mkfifo(todo)  # the agent waits for the calls
    asker = {"command": [sys.executable, str(ASKER), str(todo), str(told), *CLI, "mcp"]}

    def write(variables: dict[str, str]) -> None:
        agents = {"one": {"type": "asker", "env": variables}, "two": {"type": "shell"}}
        project.write({"lab": {"path": "lab", "agents": agents}}, agent_types={"asker": asker})

    write({})
    project.apply()
    write({"CHANGED": "1"})  # a plan restarts it
    todo.write_text(json.dumps({"words": words, "calls": calls}))
    wait_until(told.exists)
    return json.loads(told.read_text())


def test_an_agent_does_nothing_to_itself(project: Project, tmp_path: Path):
    allowed = ["--allow", "send,answer,job,stop,apply"]
    told = _asks(project, tmp_path, allowed, [*OWN_DEEDS.items(), ("stop", {"names": ["two"]})])
    *itself, other = told
    for tool, is_error, text in itself:
        assert is_error, tool
        assert "agent.lab.one may not do this to itself" in text, tool
        assert "--allow self" in text, tool
    assert '"events"' in other[2]
    assert SESSION in project.live()
    assert "lab-creator-two" not in project.live()


def test_an_agent_may_do_to_itself_what_the_user_allows(project: Project, tmp_path: Path):
    """It shows no dialog, which is found out only after it was let through."""
    [[tool, _is_error, text]] = _asks(project, tmp_path, ["--allow", "answer,self"], [("answer", OWN_DEEDS["answer"])])
    assert tool == "answer"
    assert "may not do this to itself" not in text
    assert "no dialog of lab-creator-one was shown" in text


def test_each_permission_but_those_that_start_agents_is_tried_on_the_agent_itself():
    """`resume` starts only what does not run, and `job_wait` only waits."""
    assert OWN_DEEDS.keys() == CHANGING - {"resume", "job_wait"}


BROKEN = """
import sys
from reconciler.mcp import reading
def fails(*_words):
    raise KeyError("a secret")
reading.peek = fails
from reconciler.__main__ import main
sys.argv = ["reconciler", "mcp"]
main()
"""


def test_an_unexpected_error_is_one_clear_result_and_the_server_goes_on(project: Project):
    project.declare(one={"type": "shell"})
    project.apply()
    command = StdioServerParameters(command=sys.executable, args=["-c", BROKEN], env=project.env, cwd=project.root)

    async def work(ask: Asked) -> None:
        failed = await ask("peek", name="one")
        assert (failed.is_error, exit_code(failed)) == (True, 1)
        [diagnostic] = json.loads(said(failed))["diagnostics"]
        assert diagnostic["summary"].startswith("reconciler failed unexpectedly (KeyError); the report is in ")
        assert "report it" in diagnostic["fix"]
        assert "a secret" not in said(failed)
        assert (await ask.document("status"))["agents"]

    connected(project, work, command=command)
    assert len(list((project.home / ".local/state/reconciler").glob("crash-*.txt"))) == 1


def test_the_server_greets_before_it_looks_and_tells_errors_as_results(project: Project):
    (project.root / "reconciler.yaml").write_text("version: 1\nworkspaces: [\n")

    async def work(ask: Asked) -> None:
        assert set(await ask.tools()) == READING
        broken = await ask("plan")
        assert (broken.is_error, exit_code(broken)) == (True, 1)
        assert '"file": "reconciler.yaml"' in said(broken)
        wrong = await ask("peek", name="one", lines="many")
        assert exit_code(wrong) == 64
        assert "lines" in said(wrong)
        assert "`nome`" in said(await ask("peek", nome="one"))

    connected(project, work)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--allow", "everything"), 64, "--allow does not know everything"),
        (("-C", "/nowhere"), 64, "/nowhere is not a folder"),
    ],
)
def test_a_server_that_cannot_start_says_why(project: Project, words: tuple[str, ...], code: int, message: str):
    assert message in project.run("mcp", *words, code=code)


def test_a_missing_package_is_one_line(project: Project, tmp_path: Path):
    (tmp_path / "mcp_types.py").write_text("raise ModuleNotFoundError('no', name='mcp_types')")
    said = project.run("mcp", code=1, PYTHONPATH=str(tmp_path))
    package = "the Python package mcp_types, which the MCP server needs,"
    assert said == f"Error: {package} is not installed: pip install 'agent-reconciler[mcp]'\n"


def test_on_a_terminal_it_says_who_starts_it(project: Project):
    terminal, other = os.openpty()
    try:
        done = subprocess.run(
            [*CLI, "mcp"], check=False, cwd=project.root, env=project.env, stdin=other, capture_output=True, text=True,
            timeout=SECONDS,
        )  # fmt: skip
    finally:
        os.close(terminal)
        os.close(other)
    assert done.returncode == 64
    assert "an agent CLI starts this server" in done.stderr
